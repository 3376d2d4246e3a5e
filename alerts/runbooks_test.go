package alerts

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/weir-go/weir/instrument"
)

// byName returns the rows of the table by the name that they share.
func byName() map[string][]Alert {
	all := make(map[string][]Alert)
	for _, a := range Table() {
		all[a.Name] = append(all[a.Name], a)
	}
	return all
}

// TestRunbooks holds that alerts and runbooks belong together, that a runbook has
// all its parts, and that board and rule stand in it as the table has them.
func TestRunbooks(t *testing.T) {
	entries, err := os.ReadDir("runbooks")
	if err != nil {
		t.Fatal(err)
	}
	table := byName()
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".md"); table[name] == nil && name != "README" {
			t.Errorf("runbooks/%s belongs to no alert", e.Name())
		}
	}
	for name, rows := range table {
		path := filepath.Join("runbooks", name+".md")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%s has no runbook: %v", name, err)
			continue
		}
		checkRunbook(t, name, string(text))
		checkGenerated(t, path, withRule(string(text), rows))
	}
	checkGenerated(t, "runbooks/README.md", runbookIndex())
}

func checkRunbook(t *testing.T, name, text string) {
	t.Helper()
	if !strings.HasPrefix(text, "# "+name+"\n") {
		t.Errorf("the runbook of %s does not begin with its name", name)
	}
	last := 0
	for _, part := range []string{"Meaning", "Impact", "Diagnosis", "Mitigation"} {
		at := strings.Index(text, "\n## "+part+"\n")
		if at < last {
			t.Errorf("the runbook of %s has no part %q, or not in order", name, part)
		}
		last = max(at, last)
	}
	_, diagnosis, _ := strings.Cut(text, "\n## Diagnosis\n")
	diagnosis, _, _ = strings.Cut(diagnosis, "\n## Mitigation\n")
	if !strings.Contains(diagnosis, "```promql\n") || strings.Count(diagnosis, "`GRAFANA/") != 1 {
		t.Errorf("the diagnosis of %s has no query, or not one board", name)
	}
	checkMetrics(t, "runbook of "+name, text)
}

const ruleMark = "\n## Rule\n\n<!-- Made from the table by go test ./alerts -update. -->\n"

var boardLine = regexp.MustCompile("(?m)^   `GRAFANA/.*`$")

// withRule puts the board, and the rule after all else, into a runbook.
func withRule(text string, rows []Alert) string {
	s, err := Config{}.check()
	if err != nil {
		return err.Error()
	}
	q := query{settings: s, recorded: true, notifier: "alertmanager_notifications_failed_total"}
	text = boardLine.ReplaceAllLiteralString(text, "   `"+boardAddress(rows[0])+"`")
	text, _, _ = strings.Cut(text, ruleMark)
	text += ruleMark
	for _, a := range rows {
		q.threshold = a.Threshold
		about := fmt.Sprintf("%s It stays for %s after. %s", settable(a), duration(a.KeepFiring), a.Why)
		text += fmt.Sprintf("\n**%s**, when this is true%s:\n\n```promql\n%s\n```\n\n%s\n", a.Severity, holding(a), a.expr(q), wrapped(about))
	}
	return text
}

func boardAddress(a Alert) string {
	address := "GRAFANA/d/" + a.Board + "?from=now-1h&to=now"
	for _, v := range a.shown() {
		address += fmt.Sprintf("&var-%s=%s", v, strings.ToUpper(v))
	}
	return address
}

func holding(a Alert) string {
	if a.For == 0 {
		return ""
	}
	return " for " + duration(a.For)
}

func settable(a Alert) string {
	threshold := fmt.Sprintf("%v (%s; `weir alerts --threshold %s=N`)", a.Threshold, a.Unit, a.Name)
	switch {
	case a.Unit != "" && a.Program != "":
		return fmt.Sprintf("The threshold is the program's own, `%s`, or %s.", a.Program, threshold)
	case a.Unit != "":
		return fmt.Sprintf("The threshold is %s.", threshold)
	case a.Program != "":
		return fmt.Sprintf("The threshold is the program's own, `%s`.", a.Program)
	}
	return "There is no threshold to set."
}

// wrapped breaks text into lines.
func wrapped(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) >= 118 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n")
}

// runbookIndex lists the alerts.
func runbookIndex() string {
	var b strings.Builder
	b.WriteString("# Alerts\n\n<!-- Made from the table by go test ./alerts -update. -->\n\n" +
		"| alert | severity | it fires when |\n|---|---|---|\n")
	for _, a := range Table() {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s |\n", a.Name, a.Name, a.Severity, a.When)
	}
	return b.String()
}

var weirMetric = regexp.MustCompile(`\bweir_[a-z_]+`)

// recorded is what the recording rules make of a metric.
var recorded = regexp.MustCompile(`\b\w+:weir_\w+:\w+`)

// checkMetrics holds that every metric named in text exists.
func checkMetrics(t *testing.T, where, text string) {
	t.Helper()
	known := make(map[string]bool)
	for _, d := range instrument.Metrics() {
		name := d.PrometheusName()
		known[name] = true
		if d.Kind == instrument.HistogramKind {
			known[name+"_sum"], known[name+"_count"], known[name+"_bucket"] = true, true, true
		}
	}
	for _, name := range weirMetric.FindAllString(recorded.ReplaceAllString(text, ""), -1) {
		if !known[name] && name != "weir_pool" { // that is the pprof label
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}
