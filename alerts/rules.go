package alerts

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-go/weir/internal/prefix"
)

// ruleFile is a Prometheus rule file, and the spec of a PrometheusRule.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval"`
	Rules    []rule `yaml:"rules"`
}

// rule records or alerts.
type rule struct {
	Record        string       `yaml:"record,omitempty"`
	Alert         string       `yaml:"alert,omitempty"`
	Expr          string       `yaml:"expr"`
	For           string       `yaml:"for,omitempty"`
	KeepFiringFor string       `yaml:"keep_firing_for,omitempty"`
	Labels        labels       `yaml:"labels,omitempty"`
	Annotations   *annotations `yaml:"annotations,omitempty"`
}

type labels struct {
	Severity Severity `yaml:"severity,omitempty"`
	// Kind tells objects apart that have the same name.
	Kind string `yaml:"kind,omitempty"`
}

type annotations struct {
	Summary     string `yaml:"summary"`
	Description string `yaml:"description"`
	Runbook     string `yaml:"runbook_url"`
	Dashboard   string `yaml:"dashboard_url"`
}

// longest is the longest interval of a group: what was recorded is out of date
// after five minutes.
const longest = 2 * time.Minute

func rules(s settings) ruleFile {
	q := query{settings: s, recorded: true, notifier: "alertmanager_notifications_failed_total"}
	file := ruleFile{}
	if rows := s.rows(); len(rows) > 0 {
		group := ruleGroup{Name: "weir", Interval: duration(s.Interval)}
		for _, a := range rows {
			group.Rules = append(group.Rules, s.rule(a, q))
		}
		file.Groups = append(file.Groups, group)
	}
	if s.shipped("WeirWaitBudgetBurning") {
		q.threshold = 0 // it is the alert's
		short, long := budgetRecords(q)
		slow := duration(max(min(4*s.Interval, longest), s.Interval))
		file.Groups = append(file.Groups,
			ruleGroup{Name: "weir-budget", Interval: duration(s.Interval), Rules: short},
			ruleGroup{Name: "weir-budget-long", Interval: slow, Rules: long})
	}
	return file
}

// rows are the alerts that are wanted, as they are wanted.
func (s settings) rows() []Alert {
	var rows []Alert
	for _, a := range Table() {
		if !s.shipped(a.Name) {
			continue
		}
		a.Severity = override(s.Severities, a.Name, a.Severity)
		a.Threshold = override(s.Thresholds, a.Name, a.Threshold)
		a.For = override(s.For, a.Name, a.For)
		a.KeepFiring = override(s.KeepFiring, a.Name, a.KeepFiring)
		rows = append(rows, a)
	}
	return rows
}

func (s settings) rule(a Alert, q query) rule {
	return rule{
		Alert:         a.Name,
		Expr:          s.expr(a, q),
		For:           omitZero(a.For),
		KeepFiringFor: omitZero(a.KeepFiring),
		Labels:        labels{Severity: a.Severity, Kind: a.Kind},
		Annotations: &annotations{
			Summary:     a.Summary,
			Description: a.Description,
			Runbook:     fmt.Sprintf("%s/%s.md", s.RunbookURL, a.Name),
			Dashboard:   s.dashboard(a),
		},
	}
}

func (s settings) expr(a Alert, q query) string {
	q.threshold = a.Threshold
	return q.owned(a.about, a.expr(q))
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

// shown are the variables of the board that are set to what the alert is about.
func (a Alert) shown() []string {
	switch {
	case a.about.unowned:
		return nil // no board shows that alone
	case a.Kind == "":
		return []string{"cluster", "namespace", "job"}
	}
	return []string{"cluster", "namespace", "job", "name"}
}

// dashboard writes the address of the board that shows the subject, with the
// variables of dashboards set to it, but for the instance: the board compares
// them all. A name may hold anything, so it is escaped.
func (s settings) dashboard(a Alert) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/d/%s%s?from=now-1h&to=now", s.DashboardURL, prefix.OfBoard(s.BoardPrefix), a.Board)
	for _, v := range a.shown() {
		// A label that is not there leaves its variable at All.
		fmt.Fprintf(&b, "{{ with $labels.%[1]s }}&var-%[1]s={{ . | urlquery }}{{ end }}", v)
	}
	return b.String()
}
