package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// panel is a panel that can be placed on a board.
type panel = cog.Builder[dashboard.Panel]

// about is what every panel has, however it is drawn.
type about struct {
	title   string
	text    string // the description: what is normal, and what to do where it is not
	unit    string
	w, h    uint32
	empty   string     // shown where there is no data; for a panel whose emptiness says something
	limits  thresholds // colours by value
	runbook runbook    // page about it
}

// runbook is the page about an alert, under Config.RunbookURL.
type runbook string

const (
	runbookStalled   runbook = "WeirChannelStalled"
	runbookFilling   runbook = "WeirChannelFillingUp"
	runbookGrowing   runbook = "WeirQueueGrowing"
	runbookRejecting runbook = "WeirChannelRejecting"
	runbookExhausted runbook = "WeirSemaphoreExhausted"
	runbookStuck     runbook = "WeirTaskStuck"
)

// runbook returns the address of a page.
func (s settings) runbook(page runbook) string { return s.runbooks + "/" + string(page) + ".md" }

// query is one question of a panel.
type query struct {
	legend, expr string
}

// builder is what the SDK's panel builders have in common.
type builder[B any] interface {
	cog.Builder[dashboard.Panel]
	Title(string) B
	Description(string) B
	Datasource(common.DataSourceRef) B
	Unit(string) B
	Span(uint32) B
	Height(uint32) B
	NoValue(string) B
	Thresholds(cog.Builder[dashboard.ThresholdsConfig]) B
	Links([]cog.Builder[dashboard.DashboardLink]) B
	WithTarget(cog.Builder[variants.Dataquery]) B
}

func dress[B builder[B]](c *canvas, b B, a about) B {
	b = b.Title(a.title).Description(a.text).Datasource(templated).
		Unit(a.unit).Span(a.w).Height(a.h).Thresholds(a.limits.config())
	if a.empty != "" {
		b = b.NoValue(a.empty)
	}
	if a.runbook != "" {
		b = b.Links(links("Runbook", c.settings.runbook(a.runbook)))
	}
	return b
}

// ask adds the queries, named A, B, C.
func ask[B builder[B]](b B, queries []query, mode func(*prometheus.DataqueryBuilder)) B {
	for i, q := range queries {
		target := prometheus.NewDataqueryBuilder().Datasource(templated).
			RefId(string(rune('A' + i))).Expr(q.expr).LegendFormat(q.legend).EditorMode(prometheus.QueryEditorModeCode)
		mode(target)
		b = b.WithTarget(target)
	}
	return b
}

func overTime(q *prometheus.DataqueryBuilder) { q.Range() }
func now(q *prometheus.DataqueryBuilder)      { q.Instant() }

// number shows one value of this moment. It has no course behind it, which
// Grafana draws across the figures: the panels below have the courses.
func (c *canvas) number(a about, expr string) *stat.PanelBuilder {
	return c.named(a, query{a.title, expr}).TextMode(common.BigValueTextModeValue)
}

// named shows values of this moment and whose they are, side by side.
func (c *canvas) named(a about, queries ...query) *stat.PanelBuilder {
	a.limits = a.limits.ifKnown()
	return ask(dress(c, stat.NewPanelBuilder(), a), queries, now).
		GraphMode(common.BigValueGraphModeNone).TextMode(common.BigValueTextModeValueAndName).
		ColorMode(common.BigValueColorModeValue).JustifyMode(common.BigValueJustifyModeAuto).WideLayout(false).
		Orientation(common.VizOrientationVertical).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Values(false))
}

// lines shows the course of a few series, each with its last and highest value.
func (c *canvas) lines(a about, queries ...query) *timeseries.PanelBuilder {
	return c.course(a, queries).Legend(legend("lastNotNull", "max"))
}

// ranking shows the course of the worst objects.
func (c *canvas) ranking(a about, q query) *timeseries.PanelBuilder {
	return c.course(a, []query{q}).Legend(legend())
}

func (c *canvas) course(a about, queries []query) *timeseries.PanelBuilder {
	p := ask(dress(c, timeseries.NewPanelBuilder(), a), queries, overTime).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Orientation(common.VizOrientationHorizontal).
		DrawStyle(common.GraphDrawStyleLine).LineWidth(1.5).FillOpacity(8).ShowPoints(common.VisibilityModeNever).
		AxisSoftMin(0)
	if a.limits != nil {
		p = p.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	return p
}

// cells shows where a distribution lies over time.
func (c *canvas) cells(a about, expr string) *heatmap.PanelBuilder {
	scheme := heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).
		Scheme("Oranges").Scale(heatmap.HeatmapColorScaleExponential).Exponent(0.5).Steps(64).Fill("dark-orange")
	asBuckets := func(q *prometheus.DataqueryBuilder) { q.Range().Format(prometheus.PromQueryFormatHeatmap) }
	return ask(dress(c, heatmap.NewPanelBuilder(), a), []query{{"{{le}}", expr}}, asBuckets).
		Calculate(false).Color(scheme).CellGap(1).ShowValue(common.VisibilityModeNever).
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(a.unit).AxisPlacement(common.AxisPlacementLeft)).
		RowsFrame(heatmap.NewRowsHeatmapOptionsBuilder().Layout(common.HeatmapCellLayoutAuto)).
		CellValues(heatmap.NewCellValuesBuilder().Unit("mps")).ShowLegend().
		FilterValues(heatmap.NewFilterValueRangeBuilder().Le(1e-9)).
		Tooltip(heatmap.NewHeatmapTooltipBuilder().Mode(common.TooltipDisplayModeSingle).YHistogram(true).ShowColorScale(true))
}

func legend(calcs ...string) cog.Builder[common.VizLegendOptions] {
	return common.NewVizLegendOptionsBuilder().ShowLegend(true).Calcs(calcs).
		DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)
}

// links makes the link that a click on a value offers.
func links(title, url string) []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder(title).Type(dashboard.DashboardLinkTypeLink).Url(url),
	}
}

// thresholds are the values from which on something is worth a look, and is bad.
// Nil has none, and is drawn in a neutral colour.
type thresholds []dashboard.Threshold

// quiet has no colour for what is well: in a table green is noise, and would be
// the colour of an empty cell too.
func (t thresholds) quiet() thresholds {
	return append(thresholds{{Color: "text"}}, t[1:]...)
}

// ifKnown is t from 0 on. Grafana draws a missing value in the first colour, and
// what is unknown must not look well.
func (t thresholds) ifKnown() thresholds {
	if t == nil {
		return nil
	}
	return append(thresholds{{Color: "text"}, {Value: cog.ToPtr(0.0), Color: t[0].Color}}, t[1:]...)
}

func (t thresholds) config() cog.Builder[dashboard.ThresholdsConfig] {
	if t == nil {
		t = thresholds{{Color: "text"}}
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(t)
}

// above is green below warn, and red from bad on.
func above(warn, bad float64) thresholds {
	return thresholds{{Color: "green"}, {Value: &warn, Color: "orange"}, {Value: &bad, Color: "red"}}
}

// below is red up to bad, and green above warn.
func below(warn, bad float64) thresholds {
	return thresholds{{Color: "red"}, {Value: &bad, Color: "orange"}, {Value: &warn, Color: "green"}}
}

// anyIs is green at 0 and the colour above it.
func anyIs(color string) thresholds {
	return thresholds{{Color: "green"}, {Value: cog.ToPtr(1e-9), Color: color}}
}

// An override draws one series of a panel unlike the others.
type override []dashboard.DynamicConfigValue

func (o override) with(id string, value any) override {
	return append(o[:len(o):len(o)], dashboard.DynamicConfigValue{Id: id, Value: value})
}

func color(name string) override {
	return override{}.with("color", map[string]any{"mode": "fixed", "fixedColor": name})
}

func (o override) withLimits(t thresholds) override {
	return o.with("thresholds", map[string]any{"mode": "absolute", "steps": []dashboard.Threshold(t)})
}

func (o override) dashed() override {
	return o.with("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{8, 6}}).with("custom.fillOpacity", 0)
}

func (o override) onRight(unit string) override {
	return o.with("unit", unit).with("custom.axisPlacement", "right").with("custom.fillOpacity", 0)
}
