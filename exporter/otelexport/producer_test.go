package otelexport_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/exporter/otelexport"
	"github.com/weir-go/weir/instrument"
)

// forever holds what was made inside a bubble: its cleanup has another clock.
var forever []any

func find(t *testing.T, metrics []metricdata.Metrics, name string) metricdata.Metrics {
	t.Helper()
	for _, m := range metrics {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no %s", name)
	return metricdata.Metrics{}
}

// TestMetadata holds what a back end shows of a metric, and that every metric
// with a sample says what the table says.
func TestMetadata(t *testing.T) {
	r := instrument.NewRegistry()
	c := instrument.NewChan[int]("c", 1, instrument.WithRegistry(r))
	scopes, err := otelexport.NewProducer(r).Produce(t.Context())
	if err != nil || len(scopes) != 1 {
		t.Fatalf("%d scopes, %v", len(scopes), err)
	}
	if s := scopes[0].Scope; s.Name != otelexport.ScopeName || s.Version != r.Snapshot().Self.Version || s.Version == "" {
		t.Errorf("scope %+v", s)
	}
	for _, d := range instrument.Metrics() {
		for _, m := range scopes[0].Metrics {
			if m.Name == d.Name && (m.Unit != d.Unit || m.Description != d.Help) {
				t.Errorf("%s: unit %q and description %q", m.Name, m.Unit, m.Description)
			}
		}
	}
	if m := find(t, scopes[0].Metrics, "weir.instrument.info"); m.Unit != "" {
		t.Errorf("info has the unit %q, of which Prometheus would make a suffix", m.Unit)
	}
	for _, m := range scopes[0].Metrics {
		if sum, ok := m.Data.(metricdata.Sum[float64]); ok && (!sum.IsMonotonic || sum.Temporality != metricdata.CumulativeTemporality) {
			t.Errorf("%s: %v, monotonic %v", m.Name, sum.Temporality, sum.IsMonotonic)
		}
	}
	c.Close()
}

// TestBucketBounds puts one duration into a histogram and asks OpenTelemetry's
// definition of the bucket where it should be.
func TestBucketBounds(t *testing.T) {
	for _, wait := range []time.Duration{time.Microsecond, 10 * time.Millisecond, time.Second, 1500 * time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			r := instrument.NewRegistry()
			c := instrument.NewChan[int]("c", 1, instrument.WithRegistry(r))
			forever = append(forever, c)
			c.Send(1)
			time.Sleep(wait)
			c.Recv()
			metrics, err := reader(otelexport.NewProducer(r))(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h := find(t, metrics, "weir.channel.wait").Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
			base := math.Exp2(math.Exp2(-float64(h.Scale)))
			low := math.Pow(base, float64(h.PositiveBucket.Offset))
			if v := wait.Seconds(); len(h.PositiveBucket.Counts) != 1 || v <= low*(1-1e-9) || v > low*base*(1+1e-9) || h.Scale != 3 {
				t.Errorf("%v is in (%v, %v] of scale %d", wait, low, low*base, h.Scale)
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := otelexport.NewProducer(nil).Produce(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Produce = %v, want %v", err, context.Canceled)
	}
}
