package e2e

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/weir-go/weir/exporter/otelexport"
	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// TestOneSetOfBoards has one real Prometheus scrape a program and another receive
// it by OTLP. What a board can ask must have the same answer from both: names,
// labels and, at rest, values, for every metric of the table.
func TestOneSetOfBoards(t *testing.T) {
	m := newMeasured(t)
	m.use(t)
	scraping := runPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: app, scrape_native_histograms: true, static_configs: [{targets: [%q], labels: {instance: one}}]}]
`, m.address))
	receiving := runPrometheus(t, "global: {}", "--web.enable-otlp-receiver")
	m.sendOTLP(t, receiving.url+otlpPath, "app", "one")

	eventually(t, 2*time.Minute, "both say the same", func() (bool, string) {
		scraped, err := everything(scraping)
		received, err2 := everything(receiving)
		if err = errors.Join(err, err2); err != nil {
			return false, err.Error()
		}
		return sameAnswers(scraped, received)
	})
	all, err := everything(scraping)
	t.Logf("%d series are the same (%v)", len(all), err)
}

// everything returns all series of weir by their names and labels.
func everything(p prometheus) (map[string]series, error) {
	result, err := p.query(`{__name__=~"weir_.+"}`)
	all := make(map[string]series, len(result))
	for _, s := range result {
		all[fmt.Sprint(s.Metric)] = s
	}
	return all, err
}

// sameAnswers reports whether two Prometheus have the same of every metric of
// the table, and if not, what differs.
func sameAnswers(a, b map[string]series) (same bool, differs string) {
	table := make(map[string]instrument.Desc)
	for _, d := range instrument.Metrics() {
		table[d.PrometheusName()] = d
	}
	seen := make(map[string]bool)
	for _, key := range slices.Sorted(maps.Keys(a)) {
		d := table[a[key].Metric["__name__"]]
		seen[d.Name] = true
		if other, ok := b[key]; !ok || !sameValue(d, a[key], other) {
			return false, fmt.Sprintf("scraped %+v, received %+v", a[key], other)
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			return false, "received, but not scraped: " + key
		}
	}
	for _, d := range table {
		if !seen[d.Name] {
			return false, "no series of " + d.Name + "; measured.use wants an object that has one"
		}
	}
	return true, ""
}

// sameValue compares two values: exactly, except where time itself moves them.
func sameValue(d instrument.Desc, a, b series) bool {
	if d.Kind == instrument.HistogramKind {
		return fmt.Sprint(a.Histogram[1]) == fmt.Sprint(b.Histogram[1]) && a.Histogram[1] != nil
	}
	x, err := strconv.ParseFloat(fmt.Sprint(a.Value[1]), 64)
	y, err2 := strconv.ParseFloat(fmt.Sprint(b.Value[1]), 64)
	if d.Kind == instrument.Gauge && d.Unit == "s" {
		return errors.Join(err, err2) == nil && math.Abs(x-y) < 5
	}
	return errors.Join(err, err2) == nil && x == y
}

// TestOpenTelemetrysOwnPrometheusExporter reads the producer with the reader
// that OpenTelemetry has for Prometheus: the same names again.
func TestOpenTelemetrysOwnPrometheusExporter(t *testing.T) {
	m := newMeasured(t)
	m.use(t)
	theirs, ours := prom.NewRegistry(), prom.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(theirs), otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo(), otelprometheus.WithProducer(otelexport.NewProducer(m.registry)))
	if err != nil {
		t.Fatal(err)
	}
	metric.NewMeterProvider(metric.WithReader(reader))
	ours.MustRegister(promexport.NewCollector(m.registry))
	want, got := seriesOf(t, ours), seriesOf(t, theirs)
	for again := seriesOf(t, ours); !slices.Equal(want, again); again = seriesOf(t, ours) {
		want, got = again, seriesOf(t, theirs) // a suspicion began or ended in between
	}
	if !slices.Equal(got, want) || len(want) < 80 {
		t.Errorf("%d series, want %d:\n%q\n%q", len(got), len(want), got, want)
	}
}

func seriesOf(t *testing.T, g prom.Gatherer) (all []string) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all = append(all, fmt.Sprint(f.GetName(), f.GetType(), m.GetLabel()))
		}
	}
	return all
}
