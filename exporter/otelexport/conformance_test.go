package otelexport_test

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/exporter/otelexport"
	"github.com/weir-go/weir/instrument"
	"github.com/weir-go/weir/instrument/instrumenttest"
)

// TestConformance reads through the SDK, as every user does.
func TestConformance(t *testing.T) {
	instrumenttest.Run(t, func(r *instrument.Registry) func() ([]instrumenttest.Point, error) {
		read := reader(otelexport.NewProducer(r))
		return func() ([]instrumenttest.Point, error) {
			metrics, err := read(context.Background())
			var all []instrumenttest.Point
			for _, m := range metrics {
				all = append(all, points(m)...)
			}
			return all, err
		}
	})
}

// reader collects p as a manual reader of the SDK does, and returns the metrics
// of its one scope.
func reader(p metric.Producer) func(context.Context) ([]metricdata.Metrics, error) {
	r := metric.NewManualReader(metric.WithProducer(p))
	metric.NewMeterProvider(metric.WithReader(r))
	return func(ctx context.Context) ([]metricdata.Metrics, error) {
		var out metricdata.ResourceMetrics
		if err := r.Collect(ctx, &out); err != nil {
			return nil, err
		}
		if len(out.ScopeMetrics) != 1 {
			return nil, fmt.Errorf("%d scopes, want one", len(out.ScopeMetrics))
		}
		return out.ScopeMetrics[0].Metrics, nil
	}
}

// points reads one exported metric back.
func points(m metricdata.Metrics) (all []instrumenttest.Point) {
	add := func(kind instrument.Kind, a attribute.Set) *instrumenttest.Point {
		p := instrumenttest.Point{Name: m.Name, Help: m.Description, Kind: kind, Labels: map[string]string{}}
		for _, l := range a.ToSlice() {
			p.Labels[string(l.Key)] = l.Value.AsString()
		}
		all = append(all, p)
		return &all[len(all)-1]
	}
	switch data := m.Data.(type) {
	case metricdata.Gauge[float64]:
		for _, x := range data.DataPoints {
			add(instrument.Gauge, x.Attributes).Value = x.Value
		}
	case metricdata.Sum[float64]:
		for _, x := range data.DataPoints {
			p := add(instrument.Counter, x.Attributes)
			p.Value, p.Start = x.Value, x.StartTime
		}
	case metricdata.ExponentialHistogram[float64]:
		for _, x := range data.DataPoints {
			p := add(instrument.HistogramKind, x.Attributes)
			p.Histogram, p.Start = histogram(x), x.StartTime
		}
	}
	return all
}

// histogram reads a distribution back: its bucket i is Prometheus' i+1.
func histogram(x metricdata.ExponentialHistogramDataPoint[float64]) *instrument.Histogram {
	return &instrument.Histogram{
		Count: x.Count, Sum: x.Sum, Zero: x.ZeroCount,
		Start: int(x.PositiveBucket.Offset) + 1, Buckets: x.PositiveBucket.Counts,
	}
}
