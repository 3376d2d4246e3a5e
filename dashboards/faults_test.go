package dashboards_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/dashboards"
)

// TestLintFindsFaults breaks a good board in one way at a time: a rule that
// cannot fail holds nothing.
func TestLintFindsFaults(t *testing.T) {
	good := files(t, dashboards.Config{})["weir-overview.json"]
	if faults := lint(parse(t, good)); len(faults) != 0 {
		t.Fatalf("the good board has faults: %v", faults)
	}
	for _, c := range []struct {
		says   string
		damage func(*board)
	}{
		{"lacks uid", func(b *board) { b.UID = "" }},
		{"the tag weir", func(b *board) { b.Tags = nil }},
		{"board is empty", func(b *board) { b.Panels = nil }},
		{"keeps time and variables", func(b *board) { b.Links[0].KeepTime = false }},
		{"keeps time and variables", func(b *board) { b.Links[0].IncludeVars = false }},
		{"no link to the runbooks", func(b *board) { b.Links = b.Links[:1] }},
		{"variables are", func(b *board) { b.Templating.List = b.Templating.List[1:] }},
		{"has no label", func(b *board) { b.Templating.List[1].Label = "" }},
		{"variable job: data source is not templated", func(b *board) { variableNamed(b, "job").Datasource.UID = "prom" }},
		{"query and definition differ", func(b *board) { variableNamed(b, "job").Definition = "label_values(job)" }},
		{"series without the label need .*", func(b *board) { variableNamed(b, "cluster").AllValue = ".+" }},
		{`variable job: all is ".*"`, func(b *board) { variableNamed(b, "job").AllValue = ".*" }},
		{"annotation Alerts: data source", func(b *board) { b.Annotations.List[0].Datasource.UID = "prom" }},
		{"id 0 is not unique", func(b *board) { b.Panels[1].ID = 0 }},
		{"id 1 is not unique", func(b *board) { b.Panels[1].ID = b.Panels[0].ID }},
		{"does not fit on the grid", func(b *board) { b.Panels[1].GridPos.X = 21 }},
		{"does not fit on the grid", func(b *board) { b.Panels[1].GridPos.H = 0 }},
		{"overlaps", func(b *board) { b.Panels[2].GridPos = b.Panels[1].GridPos }},
		{"has no title", func(b *board) { b.Panels[1].Title = "" }},
		{"what is normal", func(b *board) { b.Panels[1].Description = "The alerts." }},
		{"what is normal", func(b *board) { b.Panels[1].Description = strings.Repeat("Alerts of weir that fire now. ", 9) }},
		{"no unit", func(b *board) { b.Panels[1].FieldConfig.Defaults.Unit = "" }},
		{"no thresholds", func(b *board) { b.Panels[1].FieldConfig.Defaults.Thresholds.Steps = nil }},
		{"Firing alerts: data source", func(b *board) { b.Panels[1].Datasource = source{} }},
		{"Firing alerts A: data source", func(b *board) { b.Panels[1].Targets[0].Datasource.UID = "prom" }},
		{"override without properties", func(b *board) { ofType(b, "table").FieldConfig.Overrides[0].Properties = nil }},
		{"option orientation is left", func(b *board) { delete(b.Panels[1].Options, "orientation") }},
		{"option legend is left", func(b *board) { delete(ofType(b, "timeseries").Options, "legend") }},
		{"option tooltip is left", func(b *board) { delete(ofType(b, "timeseries").Options, "tooltip") }},
		{"option mergeValues is left", func(b *board) { delete(ofType(b, "state-timeline").Options, "mergeValues") }},
		{"option footer is left", func(b *board) { delete(ofType(b, "table").Options, "footer") }},
		{"no rule for panels of type piechart", func(b *board) { b.Panels[1].Type = "piechart" }},
		{`refId ""`, func(b *board) { b.Panels[1].Targets[0].RefID = "" }},
		{`refId "A" is not unique`, func(b *board) { b.Panels[2].Targets[1].RefID = "A" }},
		{"no legend", func(b *board) { b.Panels[1].Targets[0].LegendFormat = "" }},
		{"neither instant nor range alone", func(b *board) { b.Panels[1].Targets[0].Range = true }},
		{"asks nothing", func(b *board) { b.Panels[1].Targets = nil }},
	} {
		b := parse(t, good)
		c.damage(&b)
		expectFault(t, c.says, lint(b))
	}
}

func TestLintFindsBadQueries(t *testing.T) {
	const all = `name=~"$name",cluster=~"$cluster",namespace=~"$namespace",job=~"$job",instance=~"$instance"`
	depth := `weir_channel_depth{` + all + `}`
	if faults := lintQuery(depth, rules{}); len(faults) != 0 {
		t.Fatalf("the good query has faults: %v", faults)
	}
	for _, c := range []struct{ says, expr string }{
		{"asks for no metric", `vector(0)`},
		{"there is no metric weir_channel_dept", strings.Replace(depth, "depth", "dept", 1)},
		{"there is no metric weir_channel_depth_bucket", strings.Replace(depth, "depth", "depth_bucket", 1)},
		{"has no label outcome", strings.Replace(depth, "{", `{outcome="ok",`, 1)},
		{"has no label le", strings.Replace(depth, "{", `{le="1",`, 1)},
		{"not filtered by $cluster", strings.Replace(depth, `cluster=~"$cluster",`, "", 1)},
		{"not filtered by $instance", strings.Replace(depth, `,instance=~"$instance"`, "", 1)},
		{"not filtered by $name", strings.Replace(depth, `name=~"$name",`, "", 1)},
		{"not filtered by $name", `weir_channel_depth`},
		{"not filtered by $name", strings.Replace(depth, `name=~"$name"`, `name="$name"`, 1)},
		{"not filtered by $job", `ALERTS{` + all + `}`},
		{"label tenant", `sum by (tenant) (` + depth + `)`},
		{"label board", `sum by (board) (label_replace(` + depth + `, "bord", "x", "", ""))`},
		{"label le", `sum by (le) (` + depth + `)`},
		{"rate over [5m]", `sum(rate(weir_channel_receives_total{` + all + `}[5m]))`},
		{"increase over [$__range]", `sum(increase(weir_channel_receives_total{` + all + `}[$__range]))`},
		{"window [7d]", `max_over_time(` + depth + `[7d])`},
		{"one of its two forms", `sum by (le) (rate(weir_channel_wait_seconds_bucket{` + all + `}[$__rate_interval]))`},
		{"one of its two forms", `histogram_quantile(0.9, rate(weir_channel_wait_seconds{` + all + `}[$__rate_interval]))`},
		{"brackets do not match", `sum(` + depth},
		{"brackets do not match", `sum(` + depth + `]`},
	} {
		expectFault(t, c.says, lintQuery(c.expr, rules{}))
	}
	expectFault(t, "not filtered by $name", lintQuery(depth, rules{single: true})) // one name is matched as it is
	expectFault(t, "increase over [1h]", lintQuery(`increase(weir_channel_receives_total{`+all+`}[1h])`, rules{week: true}))
}

func expectFault(t *testing.T, says string, faults []string) {
	t.Helper()
	if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, says) }) {
		t.Errorf("no fault says %q, only %q", says, faults)
	}
}

func variableNamed(b *board, name string) *variable {
	i := slices.IndexFunc(b.Templating.List, func(v variable) bool { return v.Name == name })
	return &b.Templating.List[i]
}

func ofType(b *board, kind string) *panel {
	i := slices.IndexFunc(b.Panels, func(p panel) bool { return p.Type == kind })
	return &b.Panels[i]
}

// TestRunbookLinksLead looks that every runbook a panel links to is there.
func TestRunbookLinksLead(t *testing.T) {
	seen := 0
	for name, data := range files(t, dashboards.Config{}) {
		for _, p := range parse(t, data).Panels {
			for _, l := range p.Links {
				page, ok := strings.CutPrefix(l.URL, dashboards.DefaultRunbookURL+"/")
				if !ok {
					t.Errorf("%s: %s links to %s, which is no runbook", name, p.Title, l.URL)
					continue
				}
				seen++
				if _, err := os.Stat(filepath.Join("../alerts/runbooks", page)); err != nil {
					t.Errorf("%s: %s: %v", name, p.Title, err)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no panel links to a runbook")
	}
}
