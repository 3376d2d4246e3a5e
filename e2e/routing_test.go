package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// ownersConfig is the Alertmanager configuration of a team that has services of
// its own for two owners.
func ownersConfig(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"alerts", "-o", dir, "--owner-key-file", "realtime=/keys/realtime", "--owner-key-file", "team @ 1/2=/keys/two"}, flags...)
	if _, err := output(exec.Command(program(t, "cmd/weir"), args...)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "alertmanager.yaml")
}

// TestRouting asks amtool where alerts go: with the configuration as it is shipped,
// with one for owners, and with the snippet merged into somebody's own.
func TestRouting(t *testing.T) {
	t.Parallel()
	const shipped = "../alerts/dist/alertmanager.yaml"
	owners, merged := ownersConfig(t), mergedConfig(t)
	for _, c := range []struct{ config, labels, receiver string }{
		{shipped, "alertname=WeirChannelStalled severity=critical job=game name=moves", "weir-pagerduty"},
		{shipped, "alertname=WeirChannelStalled severity=critical owner=realtime", "weir-pagerduty"},
		{shipped, "alertname=WeirChannelRejecting severity=warning", "weir-pagerduty"},
		{shipped, "alertname=WeirSeriesOverflow severity=info", "nobody"},
		{shipped, "alertname=WeirPageNotDelivered severity=critical", "weir-page-not-delivered"},
		{shipped, "alertname=Other severity=critical", "nobody"},
		{owners, "alertname=WeirChannelStalled severity=critical owner=realtime", "weir-pagerduty realtime"},
		{owners, "alertname=WeirChannelStalled severity=warning owner=realtime", "weir-pagerduty realtime"},
		{owners, "alertname=WeirTaskStuck severity=critical owner=team @ 1/2", "weir-pagerduty team @ 1/2"},
		{owners, "alertname=WeirChannelStalled severity=critical owner=others", "weir-pagerduty"},
		{owners, "alertname=WeirChannelStalled severity=critical", "weir-pagerduty"},
		{owners, "alertname=WeirPageNotDelivered severity=critical owner=realtime", "weir-page-not-delivered"},
		{owners, "alertname=Other severity=critical owner=realtime", "nobody"},
		{merged, "alertname=WeirChannelStalled severity=critical", "weir-pagerduty"},
		{merged, "alertname=WeirPageNotDelivered severity=critical", "weir-page-not-delivered"},
		{merged, "alertname=Other severity=critical", "somebody"},
	} {
		if got, err := routeOf(t, c.config, c.labels); got != c.receiver || err != nil {
			t.Errorf("%s: %s goes to %q (%v), want %q", filepath.Base(c.config), c.labels, got, err, c.receiver)
		}
	}
}

// routeOf asks amtool which receiver an alert goes to. No value has a space before
// an equals sign.
func routeOf(t *testing.T, config, labels string) (string, error) {
	t.Helper()
	args := []string{"config", "routes", "test", "--config.file=" + config}
	for _, field := range strings.Fields(labels) {
		if strings.Contains(field, "=") {
			args = append(args, field)
		} else {
			args[len(args)-1] += " " + field
		}
	}
	for i, a := range args[4:] {
		name, value, _ := strings.Cut(a, "=")
		args[4+i] = fmt.Sprintf("%s=%q", name, value)
	}
	return output(exec.Command(tool(t, "amtool"), args...))
}

// mergedConfig is a configuration that was there before, with the snippet merged in
// as its header says.
func mergedConfig(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../alerts/dist/alertmanager-snippet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var snippet map[string][]any
	if err := yaml.Unmarshal(text, &snippet); err != nil {
		t.Fatal(err)
	}
	old := map[string]any{
		"global": map[string]any{"resolve_timeout": "7m"},
		"route": map[string]any{
			"receiver": "somebody", "group_by": []string{"job"}, "group_wait": "10s",
			"routes": append(snippet["routes"], map[string]any{"receiver": "somebody", "matchers": []string{`severity="critical"`}}),
		},
		"inhibit_rules": append(snippet["inhibit_rules"], map[string]any{
			"source_matchers": []string{`severity="critical"`}, "target_matchers": []string{`severity="warning"`}, "equal": []string{"job"}}),
		"receivers": append(snippet["receivers"], map[string]any{"name": "somebody"}),
	}
	whole, err := yaml.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "merged.yaml")
	write(t, path, string(whole))
	if out, err := output(exec.Command(tool(t, "amtool"), "check-config", path)); err != nil {
		t.Errorf("the snippet merged into a configuration: %v\n%s", err, out)
	}
	return path
}

// TestOnePage gives a real Alertmanager alerts of one group with different
// severities, and alerts of which one mutes another. PagerDuty gets what it takes:
// one event for a group, as bad as its worst, for the owner's service.
func TestOnePage(t *testing.T) {
	t.Parallel()
	pager := startPagerDuty(t)
	dir := t.TempDir()
	key, ownKey := filepath.Join(dir, "key"), filepath.Join(dir, "own")
	write(t, key, "default-key\n")
	write(t, ownKey, "realtime-key\n")
	config := ownersConfig(t, "--pagerduty-url", pager.URL+"/v2/enqueue", "--routing-key-file", key, "--owner-key-file", "realtime="+ownKey,
		"--group-wait", "3s", "--group-interval", "2s", "--repeat-interval", "1h") // by then it knows what mutes what
	am := startAlertmanager(t, config)

	about := func(alertname, severity, name, instance string, more ...string) map[string]string {
		labels := map[string]string{"alertname": alertname, "severity": severity, "job": "game", "kind": "channel", "name": name, "instance": instance}
		for i := 0; i < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		return labels
	}
	alerts := []posted{
		{Labels: about("WeirWaitBudgetBurning", "warning", "mixed", "a:1"), Annotations: map[string]string{"summary": "not so bad"}},
		{Labels: about("WeirWaitBudgetBurning", "critical", "mixed", "b:1"), Annotations: map[string]string{"summary": "bad", "description": "a: b"}},
		{Labels: about("WeirChannelStalled", "critical", "muting", "a:1")},
		{Labels: about("WeirChannelFull", "warning", "muting", "a:1")},
		{Labels: about("WeirChannelFull", "warning", "muting", "b:1")}, // another instance is not muted
		{Labels: about("WeirChannelRejecting", "warning", "chain", "a:1")},
		{Labels: about("WeirChannelFillingUp", "warning", "chain", "a:1")},
		{Labels: about("WeirPoolRejecting", "warning", "muting", "a:1", "kind", "pool")}, // nor another kind
		{Labels: about("WeirTaskStuck", "critical", "owned", "a:1", "owner", "realtime")},
		{Labels: about("WeirSeriesOverflow", "info", "info", "a:1")},
	}
	post(t, am, alerts)
	want := map[string]string{ // class, component: severity, routing key
		"WeirWaitBudgetBurning mixed": "critical default-key",
		"WeirChannelStalled muting":   "critical default-key",
		"WeirChannelFull muting":      "warning default-key",
		"WeirChannelRejecting chain":  "warning default-key",
		"WeirPoolRejecting muting":    "warning default-key",
		"WeirTaskStuck owned":         "critical realtime-key",
	}
	got := make(map[string]string)
	eventually(t, time.Minute, "all are paged", func() (bool, string) {
		clear(got)
		for _, e := range pager.all("trigger") {
			got[e.Payload.Class+" "+e.Payload.Component] = e.Payload.Severity + " " + e.RoutingKey
		}
		return len(got) >= len(want), fmt.Sprint(got)
	})
	if !maps.Equal(got, want) {
		t.Errorf("paged %v, want %v", got, want)
	}
	mixed, _ := pager.find("trigger", func(e event) bool { return e.Payload.Component == "mixed" })
	if mixed.Payload.Summary != "bad (2 alerts)" || mixed.Payload.Source != "b:1" && mixed.Payload.Source != "a:1" {
		t.Errorf("the mixed page is %+v", mixed)
	}
	full, _ := pager.find("trigger", func(e event) bool { return e.Payload.Class == "WeirChannelFull" })
	if full.Payload.Source != "b:1" || full.Payload.Summary != "WeirChannelFull" {
		t.Errorf("the page of what is not muted, and has no summary, is %+v", full)
	}

	for i := range alerts {
		alerts[i].EndsAt = time.Now()
	}
	post(t, am, alerts)
	eventually(t, time.Minute, "all are resolved", func() (bool, string) {
		open := maps.Clone(want)
		for _, e := range pager.all("resolve") {
			for _, began := range pager.all("trigger") {
				if began.DedupKey == e.DedupKey && began.RoutingKey == e.RoutingKey {
					delete(open, began.Payload.Class+" "+began.Payload.Component)
				}
			}
		}
		return len(open) == 0, fmt.Sprint("open: ", open)
	})
	if n := len(pager.all("trigger")); n != len(want) {
		t.Errorf("%d events began %d incidents", n, len(want))
	}
	if refused := pager.failures(); len(refused) > 0 {
		t.Errorf("PagerDuty would have refused %q", refused)
	}
}

// posted is an alert as Alertmanager is given it.
type posted struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	EndsAt      time.Time         `json:"endsAt,omitzero"`
}

func post(t *testing.T, alertmanager string, alerts []posted) {
	t.Helper()
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Post("http://"+alertmanager+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager answers %s to alerts", response.Status)
	}
}
