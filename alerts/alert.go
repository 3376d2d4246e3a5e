package alerts

import (
	"slices"
	"time"
)

// Severity says who is to be woken: critical at once, warning in working hours,
// info nobody.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

var severities = []Severity{Critical, Warning, Info}

// Alert is one row of the table, which makes one rule. Rows of one name are one
// alert in two severities.
type Alert struct {
	Name     string // also the name of its runbook
	Kind     string // "channel", "semaphore" or "pool": what the label name is the name of; else empty
	Severity Severity
	Board    string // uid of the dashboard that shows what it is about

	// When says when it fires, in half a sentence.
	When string
	// Summary is one line with the names in it; Description adds the value
	// with its unit and what it means. Both are Prometheus templates.
	Summary, Description string

	// Threshold is what Config.Thresholds may change, in Unit. An alert
	// without a Unit has none.
	Threshold float64
	Unit      string
	// Program is the metric by which the program itself sets the threshold. Where
	// there is a Unit as well, Threshold stands in for programs that do not.
	Program string

	// For is how long the condition holds before anybody is told, and
	// KeepFiring how long the alert stays after it ended. Why says why these.
	For, KeepFiring time.Duration
	Why             string

	// Mutes are alerts about the same object that need no page of their own while
	// this one fires. A critical one mutes all that are less, see inhibitRules.
	Mutes []string

	row   Severity // that of the table, which tells rows of one name apart
	about subject
	most  float64 // Threshold can be no more, where it is a share
	expr  func(q query) string
}

// Table returns the alerts that are shipped, in the order of their rules.
func Table() []Alert {
	all := slices.Concat(channelAlerts(), budgetAlerts(), semaphoreAlerts(), poolAlerts(), processAlerts())
	for i := range all {
		a := &all[i]
		a.row = a.Severity
		if a.about == (subject{}) {
			a.about = objectOf(a.Kind)
		}
	}
	return all
}

// names returns the alerts' names, each once.
func names() []string {
	var all []string
	for _, a := range Table() {
		if !slices.Contains(all, a.Name) {
			all = append(all, a.Name)
		}
	}
	return all
}
