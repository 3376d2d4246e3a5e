package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// healthyWhenEmpty is the queries that have no answer from the game server as it
// leaks, by board, each with the reason. TestBoardsInTrouble holds that they have
// one where there is what they ask for.
var healthyWhenEmpty = map[string]map[string]string{
	"weir-overview": {
		"Fullest channel/A":       unbounded,
		"Fullest channels/A":      unbounded,
		"Channels, worst first/D": unbounded,
		"Leak suspects/A":         notYetSuspect,
		"Leak suspects/B":         notYetSuspect,
		"Suspects/A":              notYetSuspect,
		"timeseries Refusals/A":   "the leak is that nothing is refused",
		"timeseries Panics/A":     "no task panics",
		"Permits in use/A":        "a login holds its permit for 2 ms: most scrapes see none",
	},
	"weir-channel": {
		"Fill/A":                       unbounded,
		"Capacity/A":                   unbounded,
		"Time to full/A":               unbounded,
		"timeseries Depth/D":           unbounded,
		"Fill of the fullest member/A": unbounded,
		"Fill of the fullest member/B": unbounded,
		"Fill of the fullest member/C": unbounded,
		"Time spent blocked/B":         unbounded,
	},
	"weir-semaphore": {
		"timeseries Oldest permit/B": "logins has no hold limit",
		"Sites that lose permits/A":  "no permit is lost",
		"Past the wrapper/A":         "logins wraps no other semaphore",
	},
	"weir-pool": {
		"Tasks in the queue/B": "the queue does not come near its capacity, which is drawn from a fifth on",
	},
	"weir-leaks": {
		"Queues, by what stands in them/G":    unbounded,
		"Leak suspects/A":                     notYetSuspect,
		"Leak suspects/B":                     notYetSuspect,
		"Suspects by evidence/A":              notYetSuspect,
		"Permits that are never given back/A": "all permits come back",
	},
	"weir-capacity": {
		"Channels/A":            unbounded,
		"Channels/C":            unbounded,
		"Channels: peak fill/A": unbounded,
	},
}

const (
	unbounded     = "the one channel of the game is a queue without a bound"
	notYetSuspect = "the queue is a suspect when it has grown for five minutes"
)

// TestBoards asks a real Prometheus every query of every board, as Grafana does:
// variables, annotations and panels. It scrapes the leaky game server as two jobs:
// one with native histograms, a cluster and a namespace, one with classic histograms
// and neither. No query may fail, be warned about or be commented on, and none may be
// empty but those listed.
func TestBoards(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	// Prometheus is there first, so that it sees the start of the game.
	p := startForBoards(t, address)
	start(t, "http://"+address+"/metrics", program(t, "examples/gameserver"), "-mode", "leaky", "-addr", address)

	names := chosen{"weir-channel": "player-moves", "weir-semaphore": "logins", "weir-pool": "score-writers"}
	for _, job := range []string{"native", "classic"} {
		for uid, b := range shippedBoards(t) {
			t.Run(job+"/"+uid, func(t *testing.T) {
				excused := healthyWhenEmpty[uid]
				c := b.choose(chosen{"job": job, "name": names[uid]})
				p.answers(t, b.questions(), c, func(q question) bool { return excused[q.where] == "" })
				p.offers(t, b, c, map[string]string{"job": job, "instance": address, "name": names[uid]})
			})
		}
	}
}

// TestBoardsOfATeam asks the queries of boards with every setting of a team's own: none
// has an answer here, and none may fail.
func TestBoardsOfATeam(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := output(exec.Command(program(t, "cmd/weir"), "dashboards", "-o", dir, "--prefix", "game", "--metric-prefix", "game_",
		"--selector", `team="g\"ame", env!~'dev.*'`, "--datasource", "mimir")); err != nil {
		t.Fatal(err)
	}
	p := startForBoards(t, newMeasured(t).address)
	for uid, b := range readBoards(t, dir) {
		t.Run(uid, func(t *testing.T) {
			p.answers(t, b.questions(), b.choose(chosen{"name": "x"}), func(question) bool { return false })
		})
	}
}

// TestBoardsInTrouble asks what was empty above of a program where everything goes
// wrong: an empty panel is a healthy state, and not a query that sees nothing.
func TestBoardsInTrouble(t *testing.T) {
	t.Parallel()
	m := newMeasured(t)
	m.use(t)
	m.getIntoTrouble(t)
	p := startForBoards(t, m.address)
	names := map[string]string{"weir-channel": "jammed", "weir-semaphore": "exhausted", "weir-pool": "stuck"}
	boards := shippedBoards(t)
	for uid, excused := range healthyWhenEmpty {
		t.Run(uid, func(t *testing.T) {
			all := boards[uid].questions()
			for where := range excused {
				if !slices.ContainsFunc(all, func(q question) bool { return q.where == where }) {
					t.Errorf("there is no query %q to be excused", where)
				}
			}
			for _, job := range []string{"native", "classic"} {
				c := boards[uid].choose(chosen{"job": job, "name": names[uid]})
				p.answers(t, all, c, func(q question) bool { return excused[q.where] != "" })
			}
		})
	}
}

// TestFaultsAreSeen shows that a query that fails, is commented on or has no answer
// is told from a good one.
func TestFaultsAreSeen(t *testing.T) {
	t.Parallel()
	p := startForBoards(t, newMeasured(t).address)
	for expr, want := range map[string]string{
		`up`:                                    "{2 } <nil>",
		`up{job="$unknown"}`:                    "{0 } <nil>",
		`sum(`:                                  "parse error",
		`rate(process_start_time_seconds[10m])`: "might not be a counter",
	} {
		eventually(t, time.Minute, expr+": "+want, func() (bool, string) {
			a, err := p.ask("/api/v1/query?" + url.Values{"query": {expr}}.Encode())
			got := fmt.Sprint(a, err)
			return strings.Contains(got, want), got
		})
	}
}

// startForBoards scrapes a target each second as two jobs, and has an alert for
// each object.
func startForBoards(t *testing.T, target string) prometheus {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, rules, `groups: [{name: test, rules: [{alert: WeirTest, expr: weir_instrument_info > 0, labels: {severity: critical}}]}]`)
	return runPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%[1]q]
scrape_configs:
- {job_name: native, scrape_native_histograms: true, static_configs: [{targets: [%[2]q], labels: {cluster: eu, namespace: game}}]}
- {job_name: classic, static_configs: [{targets: [%[2]q]}]}
`, rules, target))
}

// answers waits until every query that is to have an answer has one, and then asks
// all of them once more for faults.
func (p prometheus) answers(t *testing.T, all []question, c chosen, wanted func(question) bool) {
	t.Helper()
	until := func(what string, open []question, done func(answer) bool) {
		eventually(t, 4*time.Minute, what, func() (bool, string) {
			open = slices.DeleteFunc(open, func(q question) bool {
				a, err := p.askQuestion(q, c, lately)
				if a.fault != "" {
					t.Errorf("%s: %s", q.where, a.fault)
				}
				return err == nil && (a.fault != "" || done(a))
			})
			return len(open) == 0, fmt.Sprintf("none to %v", open)
		})
	}
	missing := slices.DeleteFunc(slices.Clone(all), func(q question) bool { return !wanted(q) })
	until("every query has an answer", missing, func(a answer) bool { return a.results > 0 })
	until("every query is asked again", slices.Clone(all), func(answer) bool { return true })
}

// lately is what TestBoards looks at, where all is scraped each second.
var lately = period{5 * time.Minute, 5 * time.Second, time.Second}

func (p prometheus) askQuestion(q question, c chosen, over period) (answer, error) {
	if strings.HasPrefix(q.where, "annotation") {
		over.step *= 12 // they have far fewer points
	}
	now := time.Now()
	values := url.Values{"query": {c.ask(q.expr, over)}, "time": {fmt.Sprint(now.Unix())}}
	if q.instant {
		return p.ask("/api/v1/query?" + values.Encode())
	}
	values.Set("start", fmt.Sprint(now.Add(-over.shown).Unix()))
	values.Set("end", fmt.Sprint(now.Unix()))
	values.Set("step", seconds(over.step))
	return p.ask("/api/v1/query_range?" + values.Encode())
}

// answer is what Prometheus says to a query.
type answer struct {
	results int
	fault   string // that it failed, or what it was warned of or commented on
}

// ask returns Prometheus' answer; an error is that there is none.
func (p prometheus) ask(path string) (answer, error) {
	response, err := client.Get(p.url + path)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var said struct {
		Status, Error   string
		Warnings, Infos []string
		Data            struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		return answer{}, err
	}
	a := answer{results: len(said.Data.Result)}
	if said.Status != "success" || len(said.Warnings)+len(said.Infos) > 0 {
		a.fault = fmt.Sprint(said.Status, said.Error, said.Warnings, said.Infos, path)
	}
	return a, nil
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// offers looks that every variable of a board offers the value that is wanted.
func (p prometheus) offers(t *testing.T, b board, c chosen, want map[string]string) {
	t.Helper()
	if c["job"] == "native" {
		want["cluster"], want["namespace"] = "eu", "game"
	}
	for _, v := range b.Templating.List {
		if v.Type != "query" {
			continue
		}
		m := labelValues.FindStringSubmatch(v.Definition)
		if m == nil {
			t.Errorf("variable %s is no label_values: %s", v.Name, v.Definition)
			continue
		}
		body, err := fetch(p.url + "/api/v1/label/" + m[2] + "/values?" + url.Values{"match[]": {c.ask(m[1], lately)}}.Encode())
		var answer struct{ Data []string }
		if err = errors.Join(err, json.Unmarshal([]byte(body), &answer)); err != nil {
			t.Errorf("variable %s: %v", v.Name, err)
		}
		if want[v.Name] != "" && !slices.Contains(answer.Data, want[v.Name]) {
			t.Errorf("variable %s offers %q, not %q: %s", v.Name, answer.Data, want[v.Name], v.Definition)
		}
	}
}
