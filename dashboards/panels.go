package dashboards

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
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
	runbookFull      runbook = "WeirChannelFull"
	runbookFilling   runbook = "WeirChannelFillingUp"
	runbookGrowing   runbook = "WeirQueueGrowing"
	runbookRejecting runbook = "WeirChannelRejecting"
	runbookBlocked   runbook = "WeirSenderBlocked"
	runbookLate      runbook = "WeirWaitBudgetBurning"
	runbookExhausted runbook = "WeirSemaphoreExhausted"
	runbookRefusing  runbook = "WeirSemaphoreRefusing"
	runbookHeld      runbook = "WeirPermitHeldTooLong"
	runbookLeaked    runbook = "WeirPermitLeaked"
	runbookSaturated runbook = "WeirPoolSaturated"
	runbookNoTasks   runbook = "WeirPoolStalled"
	runbookPoolFull  runbook = "WeirPoolRejecting"
	runbookStuck     runbook = "WeirTaskStuck"
	runbookPanicked  runbook = "WeirTaskPanicked"
	runbookSuspected runbook = "WeirLeakSuspected"
	runbookMissing   runbook = "WeirMetricsMissing"
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

// axisLeast is how far an axis goes at least, by unit: without it a line of zeros
// lies at the foot of an axis up to 100.
var axisLeast = map[string]float64{
	"locale": 1, "mps": 1, "eps": 1, "cps": 1, "ops": 1, "suffix:s/s": 1,
	"percentunit": 0.1, "s": 0.001, "bytes": 1024, "binBps": 1024,
}

func (c *canvas) course(a about, queries []query) *timeseries.PanelBuilder {
	p := ask(dress(c, timeseries.NewPanelBuilder(), a), queries, overTime).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Orientation(common.VizOrientationHorizontal).
		DrawStyle(common.GraphDrawStyleLine).LineWidth(1.5).FillOpacity(8).ShowPoints(common.VisibilityModeNever).
		AxisSoftMin(0)
	if least, ok := axisLeast[a.unit]; ok {
		p = p.AxisSoftMax(least)
	}
	if a.limits != nil {
		p = p.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	return p
}

// states shows as what a few objects stood over time: the states of queries.go.
func (c *canvas) states(a about, q query) *statetimeline.PanelBuilder {
	names := map[string]dashboard.ValueMappingResult{}
	for state, as := range []struct{ text, color string }{
		stateWell: {"Well", "green"}, stateStrained: {"Strained", "yellow"},
		stateAtLimit: {"At its limit", "orange"}, stateSuspect: {"Stuck or leaking", "red"},
	} {
		names[strconv.Itoa(state)] = dashboard.ValueMappingResult{Text: &as.text, Color: &as.color, Index: cog.ToPtr(int32(state))}
	}
	mapping := dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: names}
	return ask(dress(c, statetimeline.NewPanelBuilder(), a), []query{q}, overTime).
		Mappings([]dashboard.ValueMapping{{ValueMap: &mapping}}).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdFixed).FixedColor("text")).
		ShowValue(common.VisibilityModeNever).MergeValues(true).RowHeight(0.8).FillOpacity(80).LineWidth(0).
		AlignValue(common.TimelineValueAlignmentLeft).PerPage(20).Legend(legend()).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone))
}

// howExact is what readers of quantiles should know.
const howExact = "Read from classic histograms, whose buckets are four times as wide each as the one before, it is an order of magnitude; native ones are within 5%."

// quantiles shows the course of a histogram's p50, p90 and p99.
func (c *canvas) quantiles(a about, histogram string) *timeseries.PanelBuilder {
	return c.lines(a, query{"p50", c.quantile(0.5, "", histogram)}, query{"p90", c.quantile(0.9, "", histogram)}, query{"p99", c.quantile(0.99, "", histogram)}).
		OverrideByName("p50", color("green")).OverrideByName("p90", color("orange")).OverrideByName("p99", color("red"))
}

// cells shows where a histogram's observations lie over time, so many per second
// in a unit of their own.
func (c *canvas) cells(a about, rate, histogram string) *heatmap.PanelBuilder {
	scheme := heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).
		Scheme("Oranges").Scale(heatmap.HeatmapColorScaleExponential).Exponent(0.5).Steps(64).Fill("dark-orange")
	asBuckets := func(q *prometheus.DataqueryBuilder) { q.Range().Format(prometheus.PromQueryFormatHeatmap) }
	return ask(dress(c, heatmap.NewPanelBuilder(), a), []query{{"{{le}}", c.heat(histogram)}}, asBuckets).
		Calculate(false).Color(scheme).CellGap(1).ShowValue(common.VisibilityModeNever).
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(a.unit).AxisPlacement(common.AxisPlacementLeft)).
		RowsFrame(heatmap.NewRowsHeatmapOptionsBuilder().Layout(common.HeatmapCellLayoutAuto)).
		CellValues(heatmap.NewCellValuesBuilder().Unit(rate)).ShowLegend().
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

// boardURL is the address of the board of a kind of objects, on one of them; name
// and job are Grafana's expressions for the two.
func (s settings) boardURL(kind, name, job string) string {
	return "/d/" + s.prefix + uidPrefix + kind + "?${__url_time_range}&${datasource:queryparam}&${cluster:queryparam}&${namespace:queryparam}&${instance:queryparam}" +
		"&var-job=" + job + "&var-name=" + name
}

// drillDown leads from a series to the board of its object.
func (s settings) drillDown(kind string) []cog.Builder[dashboard.DashboardLink] {
	return links("Look at it alone", s.boardURL(kind, "${__field.labels.name:percentencode}", "${__field.labels.job:percentencode}"))
}

// thresholds are the values from which on something is worth a look, and is bad.
// Nil has none, and is drawn in a neutral colour.
type thresholds []dashboard.Threshold

// quiet has no colour for what is well: in a table green is noise, and would be
// the colour of an empty cell too.
func (t thresholds) quiet() thresholds {
	return append(thresholds{{Color: "text"}}, t[1:]...)
}

// ifKnown is t for every value. Grafana draws a missing one in the first colour,
// and what is unknown must not look well.
func (t thresholds) ifKnown() thresholds {
	if t == nil {
		return nil
	}
	return append(thresholds{{Color: "text"}, {Value: cog.ToPtr(-1e12), Color: t[0].Color}}, t[1:]...)
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

// stacked puts the series on top of each other.
func stacked(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return p.FillOpacity(25).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
}

func (o override) unstacked() override {
	return o.with("custom.stacking", map[string]any{"mode": "none", "group": "A"}).with("custom.fillOpacity", 0)
}

func (o override) onRight(unit string) override {
	return o.with("unit", unit).with("custom.axisPlacement", "right").with("custom.fillOpacity", 0)
}
