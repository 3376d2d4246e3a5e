// Package otelexport exports a registry of package instrument to OpenTelemetry.
//
// It imports instrument and the OpenTelemetry SDK only.
package otelexport

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/instrument"
)

// ScopeName is the instrumentation scope of everything that is exported; its
// version is the library's.
const ScopeName = "github.com/weir-go/weir/instrument"

// Option configures a producer.
type Option func(*producer)

// WithTemporality sets what counters and histograms report: the total since
// their start (metricdata.CumulativeTemporality, the default), or what came
// since the last reading (metricdata.DeltaTemporality). A delta producer
// remembers what it reported, about 100 bytes a series, so it must have one
// reader; give each delta reader a producer of its own. Anything else is taken
// as cumulative. Gauges have no temporality.
func WithTemporality(t metricdata.Temporality) Option {
	return func(p *producer) {
		p.deltas = nil
		if t == metricdata.DeltaTemporality {
			p.deltas = newDeltas()
		}
	}
}

// NewProducer returns a producer of everything that r measures. A nil r is
// instrument.Default().
//
// Give it to any reader: with metric.WithProducer to a periodic reader (OTLP) or
// a manual one, with the Prometheus exporter's own WithProducer to that. Each
// reading takes one Snapshot of r and starts no goroutine. Names and units are
// such that Prometheus, given the same by OTLP, has the very series that it gets
// by scraping promexport.
func NewProducer(r *instrument.Registry, opts ...Option) metric.Producer {
	p := &producer{registry: r, table: instrument.Metrics()}
	for _, o := range opts {
		if o != nil {
			o(p)
		}
	}
	return p
}

type producer struct {
	registry *instrument.Registry
	table    []instrument.Desc
	deltas   *deltas // nil for cumulative
}

// Produce implements metric.Producer. It fails only where ctx is done, and then
// a delta producer reports the same events the next time.
func (p *producer) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.deltas != nil {
		p.deltas.mu.Lock() // over the snapshot too: an older one must not come second
		defer p.deltas.mu.Unlock()
	}
	snapshot := p.registry.Snapshot()
	scope := metricdata.ScopeMetrics{
		Scope: instrumentation.Scope{Name: ScopeName, Version: snapshot.Self.Version},
	}
	for i := range p.table {
		d := &p.table[i]
		if data := p.data(d, &snapshot); data != nil {
			scope.Metrics = append(scope.Metrics, metricdata.Metrics{
				Name: d.Name, Description: d.Help, Unit: d.Unit, Data: data,
			})
		}
	}
	if p.deltas != nil {
		p.deltas.forget(snapshot.Time)
	}
	return []metricdata.ScopeMetrics{scope}, nil
}

// data returns the points of a metric, nil where there is none.
func (p *producer) data(d *instrument.Desc, s *instrument.Snapshot) metricdata.Aggregation {
	switch d.Kind {
	case instrument.HistogramKind:
		if points := p.histograms(d, s); len(points) > 0 {
			return metricdata.ExponentialHistogram[float64]{DataPoints: points, Temporality: p.temporality()}
		}
	case instrument.Counter:
		if points := p.numbers(d, s); len(points) > 0 {
			return metricdata.Sum[float64]{DataPoints: points, Temporality: p.temporality(), IsMonotonic: true}
		}
	case instrument.Gauge:
		if points := p.numbers(d, s); len(points) > 0 {
			return metricdata.Gauge[float64]{DataPoints: points}
		}
	}
	return nil
}

func (p *producer) temporality() metricdata.Temporality {
	if p.deltas != nil {
		return metricdata.DeltaTemporality
	}
	return metricdata.CumulativeTemporality
}

func (p *producer) numbers(d *instrument.Desc, s *instrument.Snapshot) (points []metricdata.DataPoint[float64]) {
	for x := range d.Samples(s) {
		if p.deltas != nil && d.Kind == instrument.Counter {
			x = p.deltas.since(d, x, s.Time)
		}
		points = append(points, metricdata.DataPoint[float64]{
			Attributes: attributes(d.Labels, x.Labels), StartTime: x.Start, Time: s.Time, Value: x.Value,
		})
	}
	return points
}

func (p *producer) histograms(d *instrument.Desc, s *instrument.Snapshot) (points []metricdata.ExponentialHistogramDataPoint[float64]) {
	for x := range d.Samples(s) {
		if p.deltas != nil {
			x = p.deltas.since(d, x, s.Time)
		}
		points = append(points, histogramPoint(attributes(d.Labels, x.Labels), x, s.Time))
	}
	return points
}

// histogramPoint copies one distribution, bucket by bucket: OpenTelemetry
// numbers each one less than Prometheus does.
func histogramPoint(a attribute.Set, x instrument.Sample, t time.Time) metricdata.ExponentialHistogramDataPoint[float64] {
	h := x.Histogram
	return metricdata.ExponentialHistogramDataPoint[float64]{
		Attributes: a, StartTime: x.Start, Time: t,
		Count: h.Count, Sum: h.Sum, Scale: instrument.HistogramSchema, ZeroCount: h.Zero,
		PositiveBucket: metricdata.ExponentialBucket{Offset: int32(h.Start) - 1, Counts: h.Buckets},
	}
}

// attributes pairs names and values. Empty values stay: Prometheus drops them,
// as it does those that it scrapes.
func attributes(names, values []string) attribute.Set {
	if len(names) == 0 {
		return *attribute.EmptySet()
	}
	pairs := make([]attribute.KeyValue, len(names))
	for i, n := range names {
		pairs[i] = attribute.String(n, values[i])
	}
	return attribute.NewSet(pairs...)
}
