package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"
)

// labelColumn shows a label: the rows of all queries that have the same labels
// become one row.
type labelColumn struct {
	label, title string
	width        int
	board        string // the board of the kind that a click opens on the row's object
	runbook      bool   // a click opens the runbook of the row's alert
	hidden       bool   // only for links
	last         bool   // behind the values
	empty        string // shown where a row has no such label
}

// valueColumn shows the values of one query.
type valueColumn struct {
	title, expr, unit string
	width             int
	gauge             bool       // a bar from 0 to 1
	limits            thresholds // colours by value
	empty             string     // shown where a row has no value
}

// grid is a table of this moment, sorted by one column, the highest first.
type grid struct {
	about
	labels []labelColumn
	values []valueColumn
	sortBy string
}

func (c *canvas) table(g grid) *table.PanelBuilder {
	queries := make([]query, len(g.values))
	for i, v := range g.values {
		queries[i] = query{v.title, v.expr}
	}
	asRows := func(q *prometheus.DataqueryBuilder) { q.Instant().Format(prometheus.PromQueryFormatTable) }
	p := ask(dress(c, table.NewPanelBuilder(), g.about), queries, asRows).
		ShowHeader(true).CellHeight(common.TableCellHeightSm).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{"sum"})).
		SortBy(sortedBy(g.sortBy)).Transformations(g.transformations())
	for _, l := range g.labels {
		if o := l.override(c.settings); len(o) > 0 { // Grafana fails on one without properties
			p = p.OverrideByName(l.title, o)
		}
	}
	for _, v := range g.values {
		p = p.OverrideByName(v.title, v.override())
	}
	return p
}

func (g grid) transformations() []dashboard.DataTransformerConfig {
	order, names := map[string]any{}, map[string]any{}
	for i, l := range g.labels {
		order[l.label], names[l.label] = i, l.title
		if l.last {
			order[l.label] = len(g.labels) + len(g.values) + i
		}
	}
	for i, v := range g.values {
		// Grafana calls the value by its query only where there are several.
		field := "Value"
		if len(g.values) > 1 {
			field = fmt.Sprintf("Value #%c", 'A'+i)
		}
		order[field], names[field] = len(g.labels)+i, v.title
	}
	return []dashboard.DataTransformerConfig{
		{Id: "merge", Options: map[string]any{}},
		{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]any{"Time": true}, "indexByName": order, "renameByName": names}},
	}
}

func (l labelColumn) override(s settings) override {
	var o override
	if l.width != 0 {
		o = o.with("custom.width", l.width)
	}
	if l.empty != "" {
		o = o.with("noValue", l.empty)
	}
	switch {
	case l.board != "":
		o = o.link("Look at it alone", s.boardURL(l.board, fmt.Sprintf("${__data.fields.%s:percentencode}", l.title), "${__data.fields.Service:percentencode}"))
	case l.runbook:
		o = o.link("Runbook", s.runbook("${__value.text:percentencode}"))
	case l.hidden:
		// The first is what versions before 12 understand.
		o = o.with("custom.hidden", true).with("custom.hideFrom", map[string]bool{"viz": true, "legend": false, "tooltip": false})
	}
	return o
}

func (o override) link(title, url string) override {
	return o.with("links", []map[string]any{{"title": title, "url": url}})
}

func (v valueColumn) override() override {
	o := override{}.with("unit", v.unit)
	if v.width != 0 {
		o = o.with("custom.width", v.width)
	}
	if v.empty != "" {
		o = o.with("noValue", v.empty)
	}
	switch {
	case v.gauge:
		o = o.withLimits(v.limits.ifKnown()).with("min", 0).with("max", 1).
			with("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "color"})
	case v.limits != nil:
		o = o.withLimits(v.limits.quiet()).with("custom.cellOptions", map[string]any{"type": "color-text"})
	}
	return o
}

func sortedBy(title string) []cog.Builder[common.TableSortByFieldState] {
	return []cog.Builder[common.TableSortByFieldState]{
		common.NewTableSortByFieldStateBuilder().DisplayName(title).Desc(true),
	}
}

// suspectTable lists what is suspected, the newest first. A click on a name opens
// the object's board; goroutines have none, and lead to the one of leaks.
func (c *canvas) suspectTable(width uint32) panel {
	const by = "kind, name, reason, evidence, job, board"
	withBoard := func(metric string) string {
		return replaced(replaced(c.of(metric), "board", "$1", "kind", "(channel|semaphore|pool)"), "board", "leaks", "board", "")
	}
	return c.table(grid{
		about: about{title: "Leak suspects", unit: "none", w: width, h: 7, empty: "Nothing is suspected.", runbook: runbookSuspected,
			text: "What looks leaked or stuck now, with the number of channels, permits, tasks or messages concerned and when it began. Normal: empty. The program logged each with the line of code that made it; docs/suspects.md says what each reason means. A click on the name opens its board."},
		labels: []labelColumn{
			{label: "name", title: "Name", board: "${__data.fields.Board}"}, {label: "kind", title: "Kind", width: 95},
			{label: "reason", title: "Reason", width: 125}, {label: "evidence", title: "Evidence", width: 95},
			{label: "job", title: "Service", width: 105}, {label: "board", title: "Board", hidden: true},
		},
		values: []valueColumn{
			{title: "Count", expr: sum(by, withBoard("weir_leak_suspects")), unit: "locale", width: 75},
			{title: "Since", expr: "1000 * " + aggregate("min", by, withBoard("weir_leak_suspect_since_timestamp_seconds")), unit: "dateTimeFromNow", width: 120},
		},
		sortBy: "Since",
	})
}

// byInstance compares the object in each process that has it.
func (c *canvas) byInstance(kind, sortBy string, values ...valueColumn) panel {
	return c.table(grid{
		about: about{title: "By instance", unit: "none", w: 14, h: 7, empty: "Not measured under this selection.",
			text: "The same " + kind + " in each process, the worst first. Normal: much alike. One that stands out is one process's trouble: look at its log, or take it out of rotation."},
		labels: []labelColumn{{label: "instance", title: "Instance"}, {label: "job", title: "Service"}},
		values: values,
		sortBy: sortBy,
	})
}

// inTheProgram leads from the object to the code. Of its info it shows the labels
// given beside the site and the owner.
func (c *canvas) inTheProgram(kind string, more ...labelColumn) panel {
	labels := append([]labelColumn{{label: "site", title: "Made at"}}, more...)
	labels = append(labels, labelColumn{label: "owner", title: "Owner", width: 90})
	by := make([]string, len(labels))
	for i, l := range labels {
		by[i] = l.label
	}
	return c.table(grid{
		about: about{title: "In the program", unit: "none", w: 10, h: 7, empty: "Not measured under this selection.",
			text: "The line of code that made the first " + kind + " of this name, and who owns it. Normal: one row. Several rows are several versions of the program, or one name used for different things."},
		labels: labels,
		values: []valueColumn{{title: "Processes", unit: "locale", width: 105,
			expr: aggregate("count", strings.Join(by, ", "), c.of("weir_instrument_info", is("kind", kind)))}},
		sortBy: "Processes",
	})
}
