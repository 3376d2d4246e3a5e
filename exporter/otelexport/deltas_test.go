package otelexport_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/exporter/otelexport"
	"github.com/weir-go/weir/instrument"
)

// total is what a back end makes of a reader's reports.
type total struct {
	numbers map[string]float64
	buckets map[int]uint64
	sum     float64
	until   map[string]time.Time // end of the last report
}

func newTotal() *total {
	return &total{numbers: map[string]float64{}, buckets: map[int]uint64{}, until: map[string]time.Time{}}
}

// add adds a report up, and fails where it overlaps with the one before.
func (x *total) add(t *testing.T, metrics []metricdata.Metrics) {
	t.Helper()
	for _, m := range metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[float64]:
			if data.Temporality != metricdata.DeltaTemporality {
				t.Errorf("%s has %v", m.Name, data.Temporality)
			}
			for _, p := range data.DataPoints {
				key := m.Name + p.Attributes.Encoded(encoder)
				x.numbers[key] += p.Value
				x.follow(t, key, p.StartTime, p.Time)
			}
		case metricdata.ExponentialHistogram[float64]:
			for _, p := range data.DataPoints {
				x.follow(t, m.Name+p.Attributes.Encoded(encoder), p.StartTime, p.Time)
				if m.Name != "weir.channel.wait" {
					continue
				}
				x.sum += p.Sum
				n := p.ZeroCount
				for k, c := range p.PositiveBucket.Counts {
					n += c
					if c > 0 {
						x.buckets[int(p.PositiveBucket.Offset)+k] += c
					}
				}
				if n != p.Count {
					t.Errorf("count %d, its buckets have %d", p.Count, n)
				}
			}
		}
	}
}

func (x *total) follow(t *testing.T, key string, start, end time.Time) {
	t.Helper()
	if before, ok := x.until[key]; ok && !start.Equal(before) {
		t.Errorf("%s: a report begins at %v, the one before ended at %v", key, start, before)
	}
	x.until[key] = end
}

// TestDeltasAddUp reads a delta producer beside a cumulative one: what the first
// reports must add up to what the second says at the end.
func TestDeltasAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := instrument.NewRegistry()
		c := instrument.NewChan[int]("c", 64, instrument.WithRegistry(r))
		forever = append(forever, c)
		deltas := reader(otelexport.NewProducer(r, otelexport.WithTemporality(metricdata.DeltaTemporality)))
		added := newTotal()
		for i := range 20 {
			for range i {
				c.TrySend(i)
			}
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
			for range i / 2 {
				c.TryRecv()
			}
			metrics, err := deltas(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			added.add(t, metrics)
		}
		cumulative, err := reader(otelexport.NewProducer(r))(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkTotals(t, added, cumulative)
	})
}

func checkTotals(t *testing.T, added *total, cumulative []metricdata.Metrics) {
	t.Helper()
	compared := 0
	for _, m := range cumulative {
		if data, ok := m.Data.(metricdata.Sum[float64]); ok {
			for _, p := range data.DataPoints {
				compared++
				if key := m.Name + p.Attributes.Encoded(encoder); added.numbers[key] != p.Value {
					t.Errorf("deltas of %s add up to %v, want %v", key, added.numbers[key], p.Value)
				}
			}
		}
	}
	want, h := map[int]uint64{}, find(t, cumulative, "weir.channel.wait").Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
	for k, n := range h.PositiveBucket.Counts {
		if n > 0 {
			want[int(h.PositiveBucket.Offset)+k] = n
		}
	}
	if !maps.Equal(added.buckets, want) || len(want) < 3 || added.sum < h.Sum*(1-1e-9) || added.sum > h.Sum*(1+1e-9) {
		t.Errorf("wait adds up to %v and sum %v, want %v and %v", added.buckets, added.sum, want, h.Sum)
	}
	if compared < 10 {
		t.Errorf("only %d counters compared", compared)
	}
}

// TestDeltasFromManySides reads one delta producer at once: nothing may be
// reported twice or not at all.
func TestDeltasFromManySides(t *testing.T) {
	const goroutines, sends = 4, 500
	r := instrument.NewRegistry()
	c := instrument.NewQueue[int]("c", instrument.WithRegistry(r))
	p := otelexport.NewProducer(r, otelexport.WithTemporality(metricdata.DeltaTemporality))
	reported := func() (n float64) {
		scopes, err := p.Produce(context.Background())
		if err != nil {
			t.Error(err)
			return 0
		}
		for _, m := range scopes[0].Metrics {
			if m.Name == "weir.channel.sends" {
				for _, x := range m.Data.(metricdata.Sum[float64]).DataPoints {
					n += x.Value
				}
			}
		}
		return n
	}
	var wg sync.WaitGroup
	seen := make([]float64, goroutines)
	for g := range goroutines {
		wg.Go(func() {
			for i := range sends {
				c.Send(i)
				if i%10 == 0 {
					seen[g] += reported()
				}
			}
		})
	}
	wg.Wait()
	all := reported()
	for _, n := range seen {
		all += n
	}
	if all != goroutines*sends {
		t.Errorf("reports add up to %v, want %d", all, goroutines*sends)
	}
}

// TestFailedReadingLosesNothing: what a canceled reading did not report, the
// next one does.
func TestFailedReadingLosesNothing(t *testing.T) {
	r := instrument.NewRegistry()
	c := instrument.NewQueue[int]("c", instrument.WithRegistry(r))
	read := reader(otelexport.NewProducer(r, nil, otelexport.WithTemporality(metricdata.DeltaTemporality)))
	c.Send(1)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := read(canceled); err == nil {
		t.Error("a canceled reading succeeds")
	}
	metrics, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	added := newTotal()
	added.add(t, metrics)
	if n := added.numbers["weir.channel.sends"+"name=c,outcome=ok"]; n != 1 {
		t.Errorf("reported %v sends, want 1, in %v", n, added.numbers)
	}
}
