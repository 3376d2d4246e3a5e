package dashboards

import (
	"fmt"
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
	link, opens  string // where a click leads, and what it says; empty for nowhere
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
		p = p.OverrideByName(l.title, l.override())
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

func (l labelColumn) override() override {
	o := override{}.with("custom.width", l.width)
	if l.width == 0 {
		o = override{}
	}
	if l.link != "" {
		o = o.with("links", []map[string]any{{"title": l.opens, "url": l.link}})
	}
	return o
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
		o = o.withLimits(v.limits).with("min", 0).with("max", 1).
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
