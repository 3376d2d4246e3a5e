package e2e

import (
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestIncident is the way from a leaking queue to a page and back: the leaky game
// server, scraped by a real Prometheus with the shipped rules, whose alert a real
// Alertmanager turns into an event; then the fixed one in its place, and the
// event is resolved. Only durations and addresses are set, with the options that
// users have.
func TestIncident(t *testing.T) {
	game, weir := program(t, "examples/gameserver"), program(t, "cmd/weir")
	pager := startPagerDuty(t)
	shipped := t.TempDir()
	key := filepath.Join(shipped, "key")
	write(t, key, "0123456789abcdef0123456789abcdef\n")
	if _, err := output(exec.Command(weir, "alerts", "-o", shipped,
		"--dashboard-url", "https://grafana.example.com", "--runbook-url", "https://runbooks.example.com",
		"--for", "WeirQueueGrowing=2s", "--keep-firing", "WeirQueueGrowing=2s",
		"--lookback", "5s", "--window", "45s", "--interval", "1s",
		"--pagerduty-url", pager.URL+"/v2/enqueue", "--routing-key-file", key,
		"--group-wait", "1s", "--group-interval", "2s", "--repeat-interval", "1h")); err != nil {
		t.Fatal(err)
	}

	address := freeAddress(t)
	metrics := "http://" + address + "/metrics"
	leaky := start(t, metrics, game, "-mode", "leaky", "-addr", address)
	alertmanager := startAlertmanager(t, filepath.Join(shipped, "alertmanager.yaml"))
	prom := startPrometheus(t, address, filepath.Join(shipped, "weir-rules.yaml"), alertmanager)

	isGrowing := func(e event) bool { return e.Payload.Class == "WeirQueueGrowing" }
	var page event
	eventually(t, 4*time.Minute, "the leak is paged", func() (found bool, seen string) {
		page, found = pager.find("trigger", isGrowing)
		return found, fmt.Sprint(prom.query("weir_channel_depth_floor"))
	})
	checkPage(t, page, address)

	leaky.stop()
	start(t, metrics, game, "-mode", "fixed", "-addr", address)
	eventually(t, 3*time.Minute, "the page is resolved", func() (bool, string) {
		_, found := pager.find("resolve", func(e event) bool { return e.DedupKey == page.DedupKey })
		return found, fmt.Sprint(prom.query(`ALERTS{alertname="WeirQueueGrowing"}`))
	})
	// That messages wait too long is true as well, and may be paged by then.
	isTrue := func(e event) bool { return isGrowing(e) || e.Payload.Class == "WeirWaitBudgetBurning" }
	if e, paged := pager.find("trigger", func(e event) bool { return !isTrue(e) && e.Payload.Severity == "critical" }); paged {
		t.Errorf("something else was paged as well: %+v", e)
	}
	if refused := pager.failures(); len(refused) > 0 {
		t.Errorf("PagerDuty would have refused %q", refused)
	}
}

// checkPage holds what the one who is woken gets to see.
func checkPage(t *testing.T, page event, address string) {
	t.Helper()
	t.Logf("the page: %+v", page)
	p := page.Payload
	if page.RoutingKey != "0123456789abcdef0123456789abcdef" || page.DedupKey == "" {
		t.Errorf("routing key %q, dedup key %q", page.RoutingKey, page.DedupKey)
	}
	if p.Severity != "critical" || p.Source != address || p.Group != "gameserver" || p.Component == "" || p.Component == "unknown" {
		t.Errorf("severity %q, source %q, group %q, component %q", p.Severity, p.Source, p.Group, p.Component)
	}
	if want := fmt.Sprintf("Unbounded queue %s of gameserver grows and does not drain", p.Component); p.Summary != want {
		t.Errorf("summary %q, want %q", p.Summary, want)
	}
	if missing, ok := containsAll(fmt.Sprint(p.CustomDetails), "messages within minutes", address+" firing"); !ok {
		t.Errorf("details %v lack %q", p.CustomDetails, missing)
	}
	if text, _ := p.CustomDetails["description"].(string); !strings.HasPrefix(text, "Its lowest depth rose by ") {
		t.Errorf("the description is not the alert's text: %#v", p.CustomDetails["description"])
	}
	links := make(map[string]string)
	for _, l := range page.Links {
		links[l.Text] = l.Href
	}
	if links["Runbook"] != "https://runbooks.example.com/WeirQueueGrowing.md" {
		t.Errorf("runbook link %q", links["Runbook"])
	}
	board, err := url.Parse(links["Dashboard"])
	if err != nil || board.Host != "grafana.example.com" || board.Path != "/d/weir-channel" ||
		board.Query().Get("var-name") != p.Component || board.Query().Get("var-job") != "gameserver" {
		t.Errorf("dashboard link %q (%v)", links["Dashboard"], err)
	}
	if page.Client != "weir" || !strings.HasPrefix(page.ClientURL, "https://grafana.example.com/") {
		t.Errorf("client %q at %q", page.Client, page.ClientURL)
	}
}
