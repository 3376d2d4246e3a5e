package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
	"go.yaml.in/yaml/v3"
)

// shippedRules are the rules of a rule file, as Prometheus reads it.
func shippedRules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	text, err := os.ReadFile("../alerts/dist/weir-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parseRules(t, text)
}

func parseRules(t *testing.T, text []byte) (all []rulefmt.Rule) {
	t.Helper()
	var file rulefmt.RuleGroups
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// TestRules holds the rules against what goes wrong with rules: see ruleFaults.
func TestRules(t *testing.T) {
	t.Parallel()
	rules := shippedRules(t)
	known := knownSeries(t, rules)
	for _, r := range rules {
		for _, fault := range known.ruleFaults(r) {
			t.Errorf("%s%s: %s", r.Alert, r.Record, fault)
		}
	}
	if len(rules) < 30 {
		t.Errorf("looked at %d rules only", len(rules))
	}
}

// TestRuleFaults shows that each of these faults is found.
func TestRuleFaults(t *testing.T) {
	t.Parallel()
	known := knownSeries(t, shippedRules(t))
	long := model.Duration(time.Minute)
	for want, r := range map[string]rulefmt.Rule{
		"never false":                                          {Expr: `max_over_time(weir_channel_depth[1m])`},
		"never false, in one of its branches":                  {Expr: `max_over_time(weir_channel_depth[1m]) > 5 or max_over_time(weir_channel_capacity[1m])`},
		"topk chooses anew":                                    {Expr: `topk(3, max_over_time(weir_channel_depth[1m])) > 1`},
		"label owner has a template":                           {Expr: `max_over_time(weir_channel_depth[1m]) > 5`, Labels: map[string]string{"owner": "{{ $value }}"}},
		"rate of weir_channel_depth":                           {Expr: `rate(weir_channel_depth[5m]) > 0`},
		"increase of a sum":                                    {Expr: `increase(sum(weir_channel_receives_total)[5m:1m]) > 0`},
		"deriv of weir_channel_receives_total":                 {Expr: `deriv(weir_channel_receives_total[5m]) > 0`},
		"weir_channel_depth at one scrape":                     {Expr: `weir_channel_depth > 5`},
		"absent without a for":                                 {Expr: `absent_over_time(weir_build_info[5m]) > 0`},
		"gone without a for":                                   {Expr: `group by (job) (last_over_time(weir_build_info[1m] offset 1h)) unless on (job) group by (job) (last_over_time(weir_build_info[1m]))`},
		"has outcome on one side only":                         {Expr: `rate(weir_channel_sends_total[5m]) / rate(weir_channel_receives_total[5m]) > 1`},
		"on kind, which one side has not":                      {Expr: `max_over_time(weir_channel_depth[1m]) > 5 and on (job, kind) max_over_time(weir_leak_suspects[1m]) > 0`},
		"unknown metric weir_depth":                            {Expr: `max_over_time(weir_depth[1m]) > 5`},
		"without instance":                                     {Expr: `max by (cluster, namespace, job, name) (max_over_time(weir_channel_depth[1m])) > 5`, Labels: map[string]string{"kind": "channel"}},
		"without name":                                         {Expr: `max by (cluster, namespace, job, instance, pod) (max_over_time(weir_channel_depth[1m])) > 5`, Labels: map[string]string{"kind": "channel"}},
		"without namespace":                                    {Expr: `sum by (cluster, job) (rate(weir_channel_sends_total[5m])) > 5`},
		"weir_channel_wait_seconds as a native histogram only": {Expr: `histogram_avg(rate(weir_channel_wait_seconds[5m])) > 5`, For: long},
		"weir_channel_wait_seconds as a classic histogram only": {
			Expr: `histogram_quantile(0.9, rate(weir_channel_wait_seconds_bucket[5m])) > 5`},
	} {
		if r.Labels == nil {
			r.Labels = map[string]string{"severity": "warning"}
		}
		r.Alert = "Bad"
		if faults := known.ruleFaults(r); !strings.Contains(strings.Join(faults, "\n"), want) {
			t.Errorf("%s: found %q, want %q", r.Expr, faults, want)
		}
	}
}

// TestTemplates expands every text of every alert as Prometheus does, for one with
// all labels and one with hardly any.
func TestTemplates(t *testing.T) {
	t.Parallel()
	all := map[string]string{"cluster": "eu", "namespace": "prod", "job": "game", "instance": "a:1", "pod": "game-0", "name": "moves & more",
		"kind": "channel", "reason": "growing", "evidence": "heuristic", "owner": "realtime", "integration": "pagerduty", "severity": "warning"}
	few := map[string]string{"job": "game", "instance": "a:1"}
	for _, r := range shippedRules(t) {
		for key, text := range r.Annotations {
			for _, labels := range []map[string]string{all, few} {
				got, err := expand(t, text, labels)
				if err != nil || strings.TrimSpace(got) == "" || strings.Contains(got, "no value") || strings.Contains(got, "%!") {
					t.Errorf("%s: %s becomes %q (%v)", r.Alert, key, got, err)
				}
			}
		}
	}
	if got, err := expand(t, "{{ $labels.name | humanise }}", all); err == nil {
		t.Errorf("a function that does not exist gives %q", got)
	}
}

func expand(t *testing.T, text string, labels map[string]string) (string, error) {
	t.Helper()
	const variables = "{{ $labels := .Labels }}{{ $value := .Value }}"
	data := template.AlertTemplateData(labels, nil, "http://prometheus", promql.Sample{F: 0.0123456789})
	return template.NewTemplateExpander(t.Context(), variables+text, "test", data, model.Now(), nil, nil, nil).Expand()
}

var promQLBlock = regexp.MustCompile("(?s)```promql\n(.*?)```")

// TestRunbookQueries parses every query of every runbook, and the rules that stand
// in them.
func TestRunbookQueries(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../alerts/runbooks/Weir*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no runbooks (%v)", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		todo, rule, _ := strings.Cut(string(text), "\n## Rule\n")
		parsed := 0
		for _, block := range promQLBlock.FindAllStringSubmatch(todo, -1) {
			for line := range strings.Lines(strings.TrimSpace(block[1]) + "\n") { // each is a query of its own
				parsed++
				if _, err := promQL.ParseExpr(strings.TrimSpace(line)); err != nil {
					t.Errorf("%s: %s: %v", filepath.Base(file), line, err)
				}
			}
		}
		for _, block := range promQLBlock.FindAllStringSubmatch(rule, -1) {
			parsed++
			if _, err := promQL.ParseExpr(block[1]); err != nil {
				t.Errorf("%s: the rule: %v", filepath.Base(file), err)
			}
		}
		if parsed < 3 {
			t.Errorf("%s: found %d queries only", filepath.Base(file), parsed)
		}
	}
}

// TestPrometheusRule holds that Kubernetes gets the same rules.
func TestPrometheusRule(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../alerts/dist/weir-prometheusrule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var resource struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       yaml.Node
	}
	if err := yaml.Unmarshal(text, &resource); err != nil {
		t.Fatal(err)
	}
	if resource.APIVersion != "monitoring.coreos.com/v1" || resource.Kind != "PrometheusRule" || resource.Metadata.Name != "weir" {
		t.Errorf("it is %s %s %s", resource.APIVersion, resource.Kind, resource.Metadata.Name)
	}
	spec, err := yaml.Marshal(&resource.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(parseRules(t, spec)), fmt.Sprint(shippedRules(t)); got != want {
		t.Errorf("its rules differ from those for Prometheus")
	}
}
