package alerts

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// ruleFile is a Prometheus rule file.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval"`
	Rules    []rule `yaml:"rules"`
}

type rule struct {
	Alert         string      `yaml:"alert"`
	Expr          string      `yaml:"expr"`
	For           string      `yaml:"for,omitempty"`
	KeepFiringFor string      `yaml:"keep_firing_for,omitempty"`
	Labels        labels      `yaml:"labels"`
	Annotations   annotations `yaml:"annotations"`
}

type labels struct {
	Severity Severity `yaml:"severity"`
}

type annotations struct {
	Summary     string `yaml:"summary"`
	Description string `yaml:"description"`
	Runbook     string `yaml:"runbook_url"`
	Dashboard   string `yaml:"dashboard_url"`
}

func rules(s settings) ruleFile {
	group := ruleGroup{Name: "weir", Interval: duration(s.Interval)}
	for _, a := range Table() {
		group.Rules = append(group.Rules, s.rule(a))
	}
	return ruleFile{Groups: []ruleGroup{group}}
}

func (s settings) rule(a Alert) rule {
	q := query{settings: s, threshold: override(s.Thresholds, a.Name, a.Threshold)}
	return rule{
		Alert:         a.Name,
		Expr:          q.owned(a.Kind, a.expr(q)),
		For:           omitZero(override(s.For, a.Name, a.For)),
		KeepFiringFor: omitZero(override(s.KeepFiring, a.Name, a.KeepFiring)),
		Labels:        labels{a.Severity},
		Annotations: annotations{
			Summary:     a.Summary,
			Description: a.Description,
			Runbook:     fmt.Sprintf("%s/%s.md", s.RunbookURL, a.Name),
			Dashboard:   s.dashboard(a.Kind),
		},
	}
}

func override[V any](byName map[string]V, name string, otherwise V) V {
	if v, ok := byName[name]; ok {
		return v
	}
	return otherwise
}

// omitZero leaves out what Prometheus takes as 0 anyway; its linter objects to
// it.
func omitZero(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return duration(d)
}

// boards are the boards that show one object of a kind. Kinds without one go to
// the overview, which can be narrowed to one name.
var boards = map[string]string{"channel": "weir-channel"}

// dashboard writes the address of the board that shows the object, with the
// variables of dashboards set to it, but for the instance: the board compares
// them all. A name may hold anything, so it is escaped.
func (s settings) dashboard(kind string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/d/%s?from=now-1h&to=now", s.DashboardURL, cmp.Or(boards[kind], "weir-overview"))
	for _, v := range []string{"cluster", "namespace", "job", "name"} {
		// A label that is not there leaves its variable at All.
		fmt.Fprintf(&b, "{{ with $labels.%[1]s }}&var-%[1]s={{ . | urlquery }}{{ end }}", v)
	}
	return b.String()
}
