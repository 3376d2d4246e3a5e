package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/template"
	"go.yaml.in/yaml/v3"
)

// provisioned is what Grafana's file provisioning reads for alerting, as far as it
// says what it takes; a field that is not here it would leave out without a word.
type provisioned struct {
	APIVersion    int `yaml:"apiVersion"`
	ContactPoints []struct {
		OrgID     int `yaml:"orgId"`
		Name      string
		Receivers []struct {
			UID, Type             string
			Settings              map[string]any
			DisableResolveMessage bool `yaml:"disableResolveMessage"`
		}
	} `yaml:"contactPoints"`
	Groups []struct {
		OrgID                  int `yaml:"orgId"`
		Name, Folder, Interval string
		Rules                  []grafanaRule
	}
}

type grafanaRule struct {
	UID, Title, Condition string
	Data                  []struct {
		RefID         string                 `yaml:"refId"`
		Range         struct{ From, To int } `yaml:"relativeTimeRange"`
		DatasourceUID string                 `yaml:"datasourceUid"`
		Model         map[string]any
	}
	NoDataState         string `yaml:"noDataState"`
	ExecErrState        string `yaml:"execErrState"`
	For                 string
	KeepFiringFor       string `yaml:"keepFiringFor"`
	Annotations, Labels map[string]string
	IsPaused            bool `yaml:"isPaused"`
	Notification        *struct {
		Receiver       string
		GroupBy        []string `yaml:"group_by"`
		GroupWait      string   `yaml:"group_wait"`
		GroupInterval  string   `yaml:"group_interval"`
		RepeatInterval string   `yaml:"repeat_interval"`
	} `yaml:"notification_settings"`
}

const grafanaFile = "../alerts/dist/grafana-alerting.yaml"

func readProvisioned(t *testing.T) provisioned {
	t.Helper()
	text, err := os.ReadFile(grafanaFile)
	if err != nil {
		t.Fatal(err)
	}
	var p provisioned
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.APIVersion != 1 || len(p.ContactPoints) != 2 || len(p.Groups) != 1 {
		t.Fatalf("version %d, %d contact points, %d groups", p.APIVersion, len(p.ContactPoints), len(p.Groups))
	}
	return p
}

var grafanaUIDs = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`)

// TestGrafanaRules holds the rules that Grafana evaluates itself against what its
// provisioning takes, and against the Prometheus rules: the same alerts, of the same
// texts, with expressions that have no fault either.
func TestGrafanaRules(t *testing.T) {
	t.Parallel()
	p := readProvisioned(t)
	var alerting []rulefmt.Rule
	for _, r := range shippedRules(t) {
		if r.Alert != "" {
			alerting = append(alerting, r)
		}
	}
	group := p.Groups[0]
	if interval, err := model.ParseDuration(group.Interval); err != nil || time.Duration(interval)%(10*time.Second) != 0 || group.Name == "" || group.Folder == "" {
		t.Errorf("group %q in folder %q, every %s (%v)", group.Name, group.Folder, group.Interval, err)
	}
	if len(group.Rules) != len(alerting) {
		t.Fatalf("%d rules, Prometheus has %d", len(group.Rules), len(alerting))
	}
	known := knownSeries(t, nil)
	unique := make(map[string]bool)
	for i, r := range group.Rules {
		want := alerting[i]
		if name, _, _ := strings.Cut(r.Title, " "); name != want.Alert || unique[r.Title] || unique[r.UID] || !grafanaUIDs.MatchString(r.UID) {
			t.Errorf("%q with uid %q stands for %s, or is not alone", r.Title, r.UID, want.Alert)
		}
		unique[r.Title], unique[r.UID] = true, true
		checkGrafanaRule(t, r, want)
		want.Expr = r.Data[0].Model["expr"].(string)
		for _, fault := range known.ruleFaults(want) {
			t.Errorf("%s: %s", r.Title, fault)
		}
	}
}

func checkGrafanaRule(t *testing.T, r grafanaRule, want rulefmt.Rule) {
	t.Helper()
	hold, err1 := model.ParseDuration(r.For)
	keep, err2 := model.ParseDuration(cmp.Or(r.KeepFiringFor, "0s"))
	if err1 != nil || err2 != nil || hold != want.For || keep != want.KeepFiringFor {
		t.Errorf("%s: for %s, keepFiringFor %s; want %s and %s", r.Title, r.For, r.KeepFiringFor, want.For, want.KeepFiringFor)
	}
	if fmt.Sprint(r.Labels) != fmt.Sprint(want.Labels) || r.NoDataState != "OK" || r.ExecErrState != "Error" || r.IsPaused {
		t.Errorf("%s: labels %v, want %v; without data %s, on errors %s", r.Title, r.Labels, want.Labels, r.NoDataState, r.ExecErrState)
	}
	if len(r.Data) != 2 || r.Condition != "B" || r.Data[0].RefID != "A" || r.Data[1].RefID != "B" ||
		r.Data[0].Model["refId"] != "A" || r.Data[1].Model["refId"] != "B" || r.Data[0].Model["instant"] != true ||
		r.Data[0].DatasourceUID != "prometheus" || r.Data[1].DatasourceUID != "__expr__" || r.Data[1].Model["type"] != "threshold" || r.Data[1].Model["expression"] != "A" {
		t.Fatalf("%s: it asks %+v", r.Title, r.Data)
	}
	receiver := map[bool]string{true: "weir-page-not-delivered", false: "weir-pagerduty"}[want.Alert == "WeirPageNotDelivered"]
	switch {
	case r.Labels["severity"] == "info":
		if r.Notification != nil {
			t.Errorf("%s: info wakes somebody: %+v", r.Title, r.Notification)
		}
	case r.Notification == nil || r.Notification.Receiver != receiver ||
		fmt.Sprint(r.Notification.GroupBy) != "[grafana_folder alertname cluster namespace job kind name]":
		t.Errorf("%s goes to %+v", r.Title, r.Notification)
	}
	for key, text := range r.Annotations {
		if strings.Contains(text, "$") {
			t.Errorf("%s: Grafana may put an environment variable into %s: %s", r.Title, key, text)
		}
		labels := map[string]string{"cluster": "eu", "job": "game", "instance": "a:1", "name": "a & b", "kind": "pool", "reason": "growing", "evidence": "heuristic"}
		got, err := expandGrafana(t, text, labels)
		prometheus, err2 := expand(t, want.Annotations[key], labels)
		if err != nil || err2 != nil || got != prometheus || got == "" {
			t.Errorf("%s: %s becomes %q (%v), and %q in Prometheus (%v)", r.Title, key, got, err, prometheus, err2)
		}
	}
}

// expandGrafana expands a template with what Grafana gives it, which is what
// Prometheus gives, but for the value.
func expandGrafana(t *testing.T, text string, labels map[string]string) (string, error) {
	t.Helper()
	type value struct {
		Labels map[string]string
		Value  float64
	}
	data := struct {
		Labels map[string]string
		Values map[string]value
		Value  string
	}{labels, map[string]value{"A": {labels, 0.0123456789}, "B": {labels, 1}}, "[ var='A' ... ]"}
	return template.NewTemplateExpander(t.Context(), text, "test", data, model.Now(), nil, nil, []string{"missingkey=invalid"}).Expand()
}

// TestGrafanaContactPoints expands the contact point's templates with one alert that
// has all, and with one that has nothing: no field is ever empty.
func TestGrafanaContactPoints(t *testing.T) {
	t.Parallel()
	p := readProvisioned(t)
	second := p.ContactPoints[1]
	if second.Name != "weir-page-not-delivered" || second.Receivers[0].Type != "webhook" || second.Receivers[0].Settings["url"] != "$__file{/etc/grafana/fallback-webhook-url}" {
		t.Errorf("the second way is %+v", second)
	}
	first := p.ContactPoints[0].Receivers[0]
	if p.ContactPoints[0].Name != "weir-pagerduty" || first.Type != "pagerduty" || first.DisableResolveMessage ||
		first.Settings["integrationKey"] != "$__file{/etc/grafana/pagerduty-integration-key}" {
		t.Errorf("the first way is %+v", p.ContactPoints[0])
	}
	delete(first.Settings, "integrationKey")
	full := amtemplate.Alert{Status: "firing", Labels: amtemplate.KV{"alertname": "WeirTaskStuck", "severity": "warning", "job": "game", "instance": "a:1", "name": "q", "owner": "team: a"},
		Annotations: amtemplate.KV{"summary": "S", "description": "a: b", "dashboard_url": "https://g/d/x", "runbook_url": "https://r/y"}}
	for name, c := range map[string]struct {
		alerts amtemplate.Alerts
		want   string
	}{
		"full": {amtemplate.Alerts{full}, `"severity":"warning","source":"a:1","summary":"S"}`},
		"two":  {amtemplate.Alerts{full, full}, `"summary":"S (2 alerts)"}`},
		"bare": {amtemplate.Alerts{{Status: "resolved"}}, `"severity":"critical","source":"weir","summary":"weir alert"}`},
	} {
		got := expandSettings(t, first.Settings, c.alerts)
		text, err := json.Marshal(got)
		if err != nil || !strings.HasSuffix(string(text), c.want) {
			t.Errorf("%s: %s (%v), want it to end in %s", name, text, err, c.want)
		}
		t.Logf("%s: %s", name, text)
	}
}

// expandSettings expands what is a template in the settings of a contact point.
func expandSettings(t *testing.T, settings map[string]any, alerts amtemplate.Alerts) map[string]any {
	t.Helper()
	tmpl, err := amtemplate.New()
	if err != nil {
		t.Fatal(err)
	}
	tmpl.ExternalURL = &url.URL{Scheme: "https", Host: "grafana.example.com"}
	common := amtemplate.KV{}
	for k, v := range alerts[0].Labels {
		common[k] = v
	}
	data := &amtemplate.Data{Alerts: alerts, CommonLabels: common, ExternalURL: "https://grafana.example.com"}
	got := make(map[string]any)
	for key, value := range settings {
		if details, ok := value.(map[string]any); ok {
			got[key] = expandSettings(t, details, alerts)
			continue
		}
		text, err := tmpl.ExecuteTextString(value.(string), data)
		if err != nil || strings.TrimSpace(text) == "" || strings.Contains(value.(string), "$") || strings.Contains(text, "no value") {
			t.Errorf("%s becomes %q (%v)", key, text, err)
		}
		got[key] = text
	}
	return got
}

// TestGrafanaBudgets has promtool run the cases of wait budgets with the expression
// that Grafana asks, which has no recording rules to go by.
func TestGrafanaBudgets(t *testing.T) {
	t.Parallel()
	var rules []string
	for _, r := range readProvisioned(t).Groups[0].Rules {
		name, _, _ := strings.Cut(r.Title, " ")
		if name != "WeirWaitBudgetBurning" {
			continue
		}
		rules = append(rules, fmt.Sprintf("{alert: %s, expr: %q, for: %s, keep_firing_for: %s, labels: {severity: %s}}",
			name, r.Data[0].Model["expr"], r.For, r.KeepFiringFor, r.Labels["severity"]))
	}
	if len(rules) != 2 {
		t.Fatalf("found %d rules", len(rules))
	}
	cases, err := os.ReadFile("../alerts/tests/budget.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), "groups: [{name: g, rules: ["+strings.Join(rules, ",\n")+"]}]\n")
	write(t, filepath.Join(dir, "cases.yaml"), strings.ReplaceAll(string(cases), "../dist/weir-rules.yaml", "rules.yaml"))
	if out, err := output(exec.Command(tool(t, "promtool"), "test", "rules", filepath.Join(dir, "cases.yaml"))); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
