package otelexport

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

// deltas is what was reported of each counter and histogram, so that the next
// report is what came since.
type deltas struct {
	mu    sync.Mutex
	known map[string]reported
}

// reported is the total of a series when it was last reported.
type reported struct {
	instrument.Sample
	at time.Time
}

func newDeltas() *deltas { return &deltas{known: make(map[string]reported)} }

// since turns a total into what came since it was last reported, which is its
// start then. A series that is new, or was forgotten and came back, is reported
// from its own start. The caller holds d.mu.
func (d *deltas) since(m *instrument.Desc, x instrument.Sample, t time.Time) instrument.Sample {
	key := m.Name + "\x00" + strings.Join(x.Labels, "\x00")
	before, ok := d.known[key]
	d.known[key] = reported{x, t}
	if !ok || !before.Start.Equal(x.Start) {
		return x
	}
	x.Start = before.at
	if x.Histogram != nil {
		x.Histogram = subtract(x.Histogram, before.Histogram)
	} else {
		x.Value = max(x.Value-before.Value, 0)
	}
	return x
}

// forget drops the series that were not in the reading of t. The caller holds
// d.mu.
func (d *deltas) forget(t time.Time) {
	for key, r := range d.known {
		if !r.at.Equal(t) {
			delete(d.known, key)
		}
	}
}

// subtract returns what a has beyond b, an earlier reading of the same
// distribution: no bucket of b holds more than a's. Where one does, which would
// be a fault of ours, it is a and not a count below zero.
func subtract(a, b *instrument.Histogram) *instrument.Histogram {
	out := &instrument.Histogram{
		Count: a.Count - b.Count, Sum: max(a.Sum-b.Sum, 0), Zero: a.Zero - b.Zero,
		Start: a.Start, Buckets: slices.Clone(a.Buckets),
	}
	for k, n := range b.Buckets {
		i := b.Start + k - a.Start
		if n == 0 {
			continue
		}
		if i < 0 || i >= len(out.Buckets) || out.Buckets[i] < n {
			return a
		}
		out.Buckets[i] -= n
	}
	if a.Zero < b.Zero {
		return a
	}
	return out
}
