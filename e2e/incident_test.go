package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// expectation is a page that is to come.
type expectation struct {
	class, job  string
	component   string
	severity    string
	routingKey  string
	description string // a part of it
}

const (
	commonKey   = "0123456789abcdef0123456789abcdef"
	realtimeKey = "fedcba9876543210fedcba9876543210"
)

// expected is what goes wrong in TestIncident.
var expected = []expectation{
	{"WeirQueueGrowing", "leaky", "player-moves", "critical", commonKey, "Its lowest depth rose by "},
	{"WeirChannelRejecting", "bounded-128", "player-moves", "warning", commonKey, "% of the sends"},
	{"WeirChannelStalled", "faulty", "stalled", "critical", realtimeKey, "1 of the channels"},
	{"WeirChannelFillingUp", "faulty", "filling", "warning", commonKey, "not been emptier than 9"},
	{"WeirSemaphoreExhausted", "forgotten-permit", "move-permits", "critical", commonKey, "100% of them"},
	{"WeirPermitLeaked", "forgotten-permit", "move-permits", "critical", commonKey, " permits were never released"},
	{"WeirTaskStuck", "stuck-worker", "score-writers", "critical", commonKey, "It has run for "},
	{"WeirLeakSuspected", "faulty", "held", "warning", commonKey, "behave as leaks do"},
	{"WeirLeakSuspected", "faulty", "dropped", "critical", commonKey, "by evidence that is not a guess (collected)"},
}

// badDay is what PagerDuty answers to the first events of some classes.
var badDay = map[string][]int{
	"WeirChannelStalled":     {http.StatusInternalServerError, http.StatusInternalServerError},
	"WeirSemaphoreExhausted": {http.StatusTooManyRequests, http.StatusTooManyRequests},
	"WeirTaskStuck":          {dropped, dropped},
	"WeirChannelFillingUp":   {http.StatusBadRequest, http.StatusBadRequest, http.StatusBadRequest},
}

// loads are the flags of the game servers that fail, by mode. None needs much of a
// processor; the one that forgets permits has to get through them.
var loads = map[string][]string{
	"leaky":            {"-players", "300", "-every", "1s", "-capacity", "100"},
	"bounded-128":      {"-players", "500", "-every", "1s"},
	"forgotten-permit": {"-players", "2500", "-every", "500ms", "-capacity", "0"},
	"stuck-worker":     {"-players", "200", "-every", "1s"},
}

// healthy is the fixed game server under a load that it can bear even where the
// machine stops for seconds: the moves of five fit in.
var healthy = []string{"-mode", "fixed", "-players", "200", "-every", "1s"}

// TestIncident is the way from what goes wrong in a program to a page and back: game
// servers in the modes that fail, and a program with other faults, scraped by a real
// Prometheus with the shipped rules, whose alerts a real Alertmanager turns into
// events. PagerDuty has a bad day, and is told all the same; that it had one is told
// by another way. Then the mended programs take their place, and every event is
// resolved. Beside them the fixed game server runs, and wakes nobody. Only durations
// and addresses are set, with the options that users have.
func TestIncident(t *testing.T) {
	t.Parallel()
	game, faulty := program(t, "examples/gameserver"), ownProgram(t, "faulty")
	pager, second := startPagerDuty(t), startWebhook(t)
	pager.trouble = maps.Clone(badDay)
	shipped := compressed(t, pager, second)

	jobs := map[string]string{"faulty": freeAddress(t), "healthy": freeAddress(t)}
	for mode := range loads {
		jobs[mode] = freeAddress(t)
	}
	run := func(job, bin string, args ...string) *server {
		return start(t, "http://"+jobs[job]+"/metrics", bin, slices.Concat(args, []string{"-addr", jobs[job]})...)
	}
	wrong := []*server{run("faulty", faulty)}
	for mode, load := range loads {
		wrong = append(wrong, run(mode, game, slices.Concat([]string{"-mode", mode}, load)...))
	}
	run("healthy", game, healthy...)
	alertmanager := startAlertmanager(t, filepath.Join(shipped, "alertmanager.yaml"))
	jobs["alertmanager"] = alertmanager
	prom := startPrometheus(t, jobs, filepath.Join(shipped, "weir-rules.yaml"), alertmanager)

	paged := make(map[expectation]event)
	eventually(t, 8*time.Minute, "everything is paged", func() (bool, string) {
		var missing []string
		for _, p := range expected {
			if e, ok := pager.find("trigger", p.is); ok {
				paged[p] = e
			} else {
				missing = append(missing, p.class)
			}
		}
		return len(missing) == 0, fmt.Sprint("missing: ", missing, prom.firing())
	})
	for p, e := range paged {
		checkPage(t, p, e, jobs[p.job])
	}
	eventually(t, 2*time.Minute, "it is told that pages were not delivered", func() (bool, string) { return second.was("firing"), fmt.Sprint(second.all()) })

	for _, s := range wrong {
		s.stop()
	}
	run("faulty", faulty, "-mended")
	for mode := range loads {
		run(mode, game, healthy...)
	}
	eventually(t, 5*time.Minute, "everything is resolved", func() (bool, string) {
		var open []string
		for p, began := range paged {
			if _, ok := pager.find("resolve", func(e event) bool { return e.DedupKey == began.DedupKey && e.RoutingKey == began.RoutingKey }); !ok {
				open = append(open, p.class)
			}
		}
		return len(open) == 0, fmt.Sprint("open: ", open, prom.firing())
	})
	eventually(t, 2*time.Minute, "it is told that pages are delivered again", func() (bool, string) { return second.was("resolved"), fmt.Sprint(second.all()) })
	checkRest(t, pager, prom)
}

// compressed writes the shipped files with durations that a test can wait for.
func compressed(t *testing.T, pager *pagerDuty, second *webhook) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"key": commonKey, "realtime": realtimeKey, "second": second.URL}
	for name, text := range files {
		files[name] = filepath.Join(dir, name)
		write(t, files[name], text+"\n")
	}
	args := []string{"alerts", "-o", dir,
		"--dashboard-url", "https://grafana.example.com", "--runbook-url", "https://runbooks.example.com",
		"--lookback", "5s", "--window", "45s", "--interval", "1s", "--without", "WeirWaitBudgetBurning", // its windows are hours
		"--pagerduty-url", pager.URL + "/v2/enqueue", "--routing-key-file", files["key"],
		"--owner-key-file", "realtime=" + files["realtime"], "--fallback-url-file", files["second"],
		"--group-wait", "1s", "--group-interval", "2s", "--repeat-interval", "1h"}
	for _, r := range shippedRules(t) {
		if r.Alert != "" {
			args = append(args, "--for", r.Alert+"=2s", "--keep-firing", r.Alert+"=2s")
		}
	}
	if _, err := output(exec.Command(program(t, "cmd/weir"), args...)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// starved are the alerts that a machine without time to spare can cause by itself:
// with durations of seconds, a task that waits for its processor is late.
var starved = []string{"WeirTaskStuck", "WeirPoolStalled"}

// is reports whether an event is about what the page is to be about.
func (p expectation) is(e event) bool {
	return e.Payload.Class == p.class && e.Payload.Group == p.job && e.Payload.Component == p.component
}

// checkPage holds what the one who is woken gets to see.
func checkPage(t *testing.T, want expectation, e event, address string) {
	t.Helper()
	t.Logf("the page: %+v", e)
	p := e.Payload
	if e.RoutingKey != want.routingKey || e.DedupKey == "" || p.Severity != want.severity || p.Source != address {
		t.Errorf("%s: routing key %q, dedup key %q, severity %q, source %q", want.class, e.RoutingKey, e.DedupKey, p.Severity, p.Source)
	}
	if !strings.Contains(p.Summary, p.Component) || !strings.Contains(p.Summary, want.job) || strings.Contains(p.Summary, "no value") {
		t.Errorf("%s: summary %q", want.class, p.Summary)
	}
	for key, value := range p.CustomDetails {
		if text := fmt.Sprint(value); text == "" || strings.Contains(text, "map[") || strings.Contains(text, "no value") {
			t.Errorf("%s: detail %s is %q", want.class, key, text)
		}
	}
	if text, _ := p.CustomDetails["description"].(string); !strings.Contains(text, want.description) {
		t.Errorf("%s: the description is not the alert's text: %#v", want.class, p.CustomDetails["description"])
	}
	if missing, ok := containsAll(fmt.Sprint(p.CustomDetails["instances"]), address+" firing"); !ok {
		t.Errorf("%s: the instances %v lack %q", want.class, p.CustomDetails["instances"], missing)
	}
	links := make(map[string]string)
	for _, l := range e.Links {
		links[l.Text] = l.Href
	}
	if links["Runbook"] != "https://runbooks.example.com/"+want.class+".md" {
		t.Errorf("%s: runbook link %q", want.class, links["Runbook"])
	}
	board, err := url.Parse(links["Dashboard"])
	if err != nil || board.Host != "grafana.example.com" || !strings.HasPrefix(board.Path, "/d/weir-") || board.Query().Get("var-job") != want.job ||
		want.class != "WeirLeakSuspected" && board.Query().Get("var-name") != p.Component {
		t.Errorf("%s: dashboard link %q (%v)", want.class, links["Dashboard"], err)
	}
	if e.Client != "weir" || e.ClientURL != links["Dashboard"] {
		t.Errorf("%s: client %q at %q", want.class, e.Client, e.ClientURL)
	}
}

// checkRest holds that nobody was woken for anything else, and that PagerDuty got
// nothing that it cannot take or that is not for it. Of warnings it says nothing:
// where the machine stops for longer than the queue lasts, moves are refused. An
// hour without any alert is TestHealthyHour.
func checkRest(t *testing.T, pager *pagerDuty, prom prometheus) {
	t.Helper()
	for _, e := range pager.all("trigger") {
		known := false
		for _, p := range expected {
			known = known || p.is(e)
		}
		if !known && e.Payload.Severity == "critical" && !slices.Contains(starved, e.Payload.Class) || e.Payload.Class == "WeirPageNotDelivered" {
			t.Errorf("somebody was woken by %+v", e)
		}
	}
	if refused := pager.failures(); len(refused) > 0 {
		t.Errorf("PagerDuty would have refused %q", refused)
	}
	for class, left := range pager.trouble {
		if len(left) > 0 {
			t.Errorf("%s was delivered before PagerDuty had answered all of %v", class, left)
		}
	}
	if scraped, err := prom.query(`count_over_time(weir_build_info{job="healthy"}[1h]) > 60`); err != nil || len(scraped) != 1 {
		t.Errorf("the healthy game server was hardly scraped: %v (%v)", scraped, err)
	}
}

// was reports whether it was told of pages that are not delivered, and of nothing
// else.
func (h *webhook) was(status string) bool {
	found := false
	for _, n := range h.all() {
		for _, a := range n.Alerts {
			if a.Labels["alertname"] != "WeirPageNotDelivered" || a.Annotations["summary"] == "" {
				return false
			}
		}
		found = found || n.Status == status
	}
	return found
}

// firing lists the alerts of the moment, for who reads why a test failed.
func (p prometheus) firing() string {
	all, err := p.query(`ALERTS{job!="alertmanager"}`)
	var names []string
	for _, s := range all {
		names = append(names, s.Metric["alertname"]+" "+s.Metric["job"]+" "+s.Metric["name"]+" "+s.Metric["alertstate"])
	}
	return fmt.Sprint("; alerts: ", names, err)
}
