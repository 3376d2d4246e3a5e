package dashboards_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weir-go/weir/dashboards"
	"github.com/weir-go/weir/instrument"
)

func TestBoardsKeepTheRules(t *testing.T) {
	uids := map[string]string{}
	for name, data := range files(t, dashboards.Config{}) {
		b := parse(t, data)
		for _, fault := range lint(b) {
			t.Errorf("%s: %s", name, fault)
		}
		if b.UID+".json" != name || uids[b.Title] != "" {
			t.Errorf("%s: uid %s, title %q: want the uid as file name and a title of its own", name, b.UID, b.Title)
		}
		uids[b.Title] = b.UID
	}
	for _, uid := range []string{"weir-overview", "weir-channel", "weir-semaphore", "weir-pool", "weir-leaks", "weir-capacity"} { // alerts and bookmarks lead there
		if _, ok := files(t, dashboards.Config{})[uid+".json"]; !ok {
			t.Errorf("the uid %s is gone", uid)
		}
	}
}

// lint returns what a board does against the rules.
func lint(b board) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if b.UID == "" || b.Title == "" || b.Description == "" || !slices.Equal(b.Tags, []string{"weir"}) {
		fault("board lacks uid, title, description or the tag weir")
	}
	if len(b.Panels) == 0 {
		fault("board is empty")
	}
	lintLinks(b.Links, fault)
	lintVariables(b, fault)
	lintLayout(b.Panels, fault)
	for _, p := range b.Panels {
		if p.Type != "row" {
			lintPanel(p, fault)
		}
	}
	for _, a := range b.Annotations.List {
		if !a.Datasource.templated() || !a.Target.Datasource.templated() {
			fault("annotation %s: data source is not templated", a.Name)
		}
	}
	single := slices.ContainsFunc(b.Templating.List, func(v variable) bool { return v.Name == "name" && !v.Multi })
	for _, q := range b.queries() {
		for _, f := range lintQuery(q.expr, rules{single, b.UID == "weir-capacity"}) {
			fault("%s: %s", q.where, f)
		}
	}
	return faults
}

type faulter = func(format string, args ...any)

func (s source) templated() bool { return s.Type == "prometheus" && s.UID == "${datasource}" }

func lintLinks(links []link, fault faulter) {
	boards := slices.IndexFunc(links, func(l link) bool { return l.Type == "dashboards" })
	if boards < 0 || !slices.Contains(links[boards].Tags, "weir") || !links[boards].KeepTime || !links[boards].IncludeVars {
		fault("no link by tag to the other boards that keeps time and variables")
	}
	if !slices.ContainsFunc(links, func(l link) bool { return strings.Contains(l.URL, "runbooks") }) {
		fault("no link to the runbooks")
	}
}

func lintVariables(b board, fault faulter) {
	want := []string{"datasource", "cluster", "namespace", "job", "instance", "name"}
	var got []string
	for _, v := range b.Templating.List {
		got = append(got, v.Name)
		if v.Label == "" {
			fault("variable %s has no label", v.Name)
		}
		if v.Type != "query" {
			continue
		}
		if !v.Datasource.templated() {
			fault("variable %s: data source is not templated", v.Name)
		}
		if q, _ := v.Query.(map[string]any); q == nil || q["query"] != v.Definition || v.Definition == "" {
			fault("variable %s: query and definition differ", v.Name)
		}
		if wide := v.Name == "cluster" || v.Name == "namespace"; wide && v.AllValue != ".*" {
			fault("variable %s: all is %q; series without the label need .*", v.Name, v.AllValue)
		} else if !wide && v.IncludeAll && v.AllValue != ".+" {
			fault("variable %s: all is %q, want .+", v.Name, v.AllValue)
		}
	}
	if !slices.Equal(got, want) {
		fault("variables are %v, want %v", got, want)
	}
}

func lintLayout(panels []panel, fault faulter) {
	ids := map[int]bool{}
	for i, p := range panels {
		g := p.GridPos
		if p.ID < 1 || ids[p.ID] {
			fault("%s: id %d is not unique and at least 1", p.Title, p.ID)
		}
		ids[p.ID] = true
		if g.W < 1 || g.H < 1 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
			fault("%s: does not fit on the grid: %+v", p.Title, g)
		}
		for _, q := range panels[:i] {
			o := q.GridPos
			if g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				fault("%s: overlaps %s", p.Title, q.Title)
			}
		}
	}
}

func lintPanel(p panel, fault faulter) {
	d := p.FieldConfig.Defaults
	if p.Title == "" {
		fault("panel %d has no title", p.ID)
	}
	if !strings.Contains(p.Description, "Normal") && !strings.Contains(p.Description, "design") || len(p.Description) < 80 {
		fault("%s: the description does not say what is normal and what to do", p.Title)
	}
	if d.Unit == "" {
		fault("%s: no unit", p.Title)
	}
	if len(d.Thresholds.Steps) == 0 {
		fault("%s: no thresholds: Grafana would colour from 80 on", p.Title)
	}
	if !p.Datasource.templated() {
		fault("%s: data source is not templated", p.Title)
	}
	for _, o := range p.FieldConfig.Overrides {
		if len(o.Properties) == 0 {
			fault("%s: an override without properties", p.Title)
		}
	}
	for _, option := range wantOptions[p.Type] {
		if p.Options[option] == nil {
			fault("%s: option %s is left to Grafana", p.Title, option)
		}
	}
	if wantOptions[p.Type] == nil {
		fault("%s: no rule for panels of type %s", p.Title, p.Type)
	}
	lintTargets(p, fault)
}

// wantOptions is what each type of panel must say itself, because its default
// differs between versions of Grafana.
var wantOptions = map[string][]string{
	"timeseries":     {"legend", "tooltip", "orientation"},
	"stat":           {"orientation", "reduceOptions", "graphMode", "textMode"},
	"state-timeline": {"legend", "tooltip", "showValue", "mergeValues", "rowHeight", "alignValue"},
	"heatmap":        {"tooltip", "legend", "color", "yAxis"},
	"table":          {"footer", "cellHeight", "sortBy"},
}

func lintTargets(p panel, fault faulter) {
	refs := map[string]bool{}
	for _, t := range p.Targets {
		if t.RefID == "" || refs[t.RefID] {
			fault("%s: refId %q is not unique", p.Title, t.RefID)
		}
		refs[t.RefID] = true
		if !t.Datasource.templated() {
			fault("%s %s: data source is not templated", p.Title, t.RefID)
		}
		if t.LegendFormat == "" {
			fault("%s %s: no legend", p.Title, t.RefID)
		}
		if t.Instant == t.Range {
			fault("%s %s: neither instant nor range alone", p.Title, t.RefID)
		}
	}
	if len(p.Targets) == 0 {
		fault("%s: asks nothing", p.Title)
	}
}

// foreign is the series of others that boards may ask for, with their labels.
var foreign = map[string][]string{
	"ALERTS":                     {"alertname", "alertstate", "severity", "name"},
	"ALERTS_FOR_STATE":           {"alertname", "severity", "name"},
	"process_start_time_seconds": {},

	"process_resident_memory_bytes":   {},
	"go_memstats_heap_inuse_bytes":    {},
	"go_memstats_alloc_bytes_total":   {},
	"go_goroutines":                   {},
	"go_memory_used_bytes":            {"go_memory_type"},
	"go_memory_allocated_bytes_total": {},
	"go_goroutine_count":              {},
}

var targetLabels = []string{"cluster", "namespace", "job", "instance", "pod"}

// labelsOf returns the labels of a series, nil where there is none of the name.
func labelsOf(metric string) []string { return exported()[metric] }

// exported is all series that boards may ask for, with their labels.
var exported = sync.OnceValue(func() map[string][]string {
	all := make(map[string][]string)
	for metric, labels := range foreign {
		all[metric] = slices.Concat(targetLabels, labels)
	}
	for _, d := range instrument.Metrics() {
		name, labels := d.PrometheusName(), slices.Concat(targetLabels, d.Labels)
		all[name] = labels
		if d.Kind == instrument.HistogramKind {
			all[name+"_sum"], all[name+"_count"] = labels, labels
			all[name+"_bucket"] = slices.Concat(labels, []string{"le"})
		}
	}
	return all
})

var (
	metricPattern   = regexp.MustCompile(`\b(weir_\w+|ALERTS\w*|process_\w+|go_(?:mem|gor)\w+)(\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?`)
	stringPattern   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	matcherPattern  = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"`)
	groupingPattern = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right) ?\(([^)]*)\)`)
	replacePattern  = regexp.MustCompile(`, "(\w+)", "[^"]*", "\w*", "[^"]*"\)`)
	windowPattern   = regexp.MustCompile(`\[([^\]]*)\]`)
	ratePattern     = regexp.MustCompile(`\b(i?rate|i?delta|increase|changes)\([^\[]*\[([^\]]*)\]`)
)

type selector struct {
	text, metric string
	matchers     map[string]string // label to operator and value
}

func selectorsIn(expr string) []selector {
	var all []selector
	for _, m := range metricPattern.FindAllStringSubmatch(expr, -1) {
		s := selector{text: m[0], metric: m[1], matchers: map[string]string{}}
		for _, p := range matcherPattern.FindAllStringSubmatch(m[3], -1) {
			s.matchers[p[1]] = p[2] + p[3]
		}
		all = append(all, s)
	}
	return all
}

// rules is what holds for the queries of some boards.
type rules struct {
	single bool // one name is chosen, and matched as it is
	week   bool // windows of a week may be asked for, whatever time is shown
}

func lintQuery(expr string, r rules) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	var known []string
	all := selectorsIn(expr)
	if len(all) == 0 {
		fault("asks for no metric: %s", expr)
	}
	for _, s := range all {
		labels := labelsOf(s.metric)
		if labels == nil {
			fault("there is no metric %s", s.metric)
			continue
		}
		known = append(known, labels...)
		lintMatchers(s, labels, r.single, fault)
	}
	lintGroupings(expr, known, fault)
	lintRanges(expr, r, fault)
	lintHistograms(all, fault)
	if !balanced(expr) {
		fault("brackets do not match: %s", expr)
	}
	return faults
}

func lintMatchers(s selector, labels []string, single bool, fault faulter) {
	for label := range s.matchers {
		if !slices.Contains(labels, label) {
			fault("%s has no label %s", s.metric, label)
		}
	}
	for _, label := range []string{"cluster", "namespace", "job", "instance", "name"} {
		want := "=~$" + label
		if strings.HasPrefix(s.metric, "ALERTS") {
			want = "=~|$" + label
		}
		// Grafana escapes for a regular expression only where several values
		// can be chosen.
		if label == "name" && single {
			want = "=$name"
		}
		if slices.Contains(labels, label) && s.matchers[label] != want {
			fault("%s is not filtered by $%s as it should be: %s", s.metric, label, s.text)
		}
	}
}

// lintGroupings looks that the labels kept exist, in a metric or as one that
// label_replace adds.
func lintGroupings(expr string, known []string, fault faulter) {
	for _, added := range replacePattern.FindAllStringSubmatch(expr, -1) {
		known = append(known, added[1])
	}
	for _, g := range groupingPattern.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.Split(g[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(known, label) {
				fault("no metric of the query has the label %s that it groups by", label)
			}
		}
	}
}

// lintRanges looks that rates follow the scrape interval and the zoom, except where
// a week is asked for. Windows of other functions are a choice.
func lintRanges(expr string, r rules, fault faulter) {
	rates, windows := []string{"$__rate_interval"}, []string{"$__rate_interval", "$__range:$__interval", "10m"}
	if r.week {
		week := []string{"7d", "7d:5m", "5m"} // rates over 5m each 5m
		rates, windows = append(rates, week...), append(windows, week...)
	}
	for _, m := range ratePattern.FindAllStringSubmatch(expr, -1) {
		if !slices.Contains(rates, m[2]) {
			fault("%s over [%s], want %q", m[1], m[2], rates)
		}
	}
	for _, m := range windowPattern.FindAllStringSubmatch(expr, -1) {
		if !slices.Contains(windows, m[1]) {
			fault("window [%s] is none of those the boards use", m[1])
		}
	}
}

// lintHistograms looks that what is asked of classic buckets is asked of the
// native histogram too, and the other way round.
func lintHistograms(all []selector, fault faulter) {
	asked := map[string]bool{}
	for _, s := range all {
		asked[s.metric] = true
	}
	for _, name := range histograms() {
		if asked[name] != (asked[name+"_bucket"] || asked[name+"_sum"] || asked[name+"_count"]) {
			fault("%s is asked in one of its two forms only", name)
		}
	}
}

var histograms = sync.OnceValue(func() (names []string) {
	for _, d := range instrument.Metrics() {
		if d.Kind == instrument.HistogramKind {
			names = append(names, d.PrometheusName())
		}
	}
	return names
})

func balanced(expr string) bool {
	var open []rune
	closes := map[rune]rune{')': '(', ']': '[', '}': '{'}
	for _, r := range stringPattern.ReplaceAllString(expr, "") {
		switch r {
		case '(', '[', '{':
			open = append(open, r)
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != closes[r] {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0
}
