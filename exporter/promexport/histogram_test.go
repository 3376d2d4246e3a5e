package promexport

import (
	"math"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/weir-go/weir/instrument"
)

// decode turns spans and deltas back into counts by bucket index.
func decode(t *testing.T, spans []*dto.BucketSpan, deltas []int64) map[int]int64 {
	t.Helper()
	counts := make(map[int]int64)
	i, n := 0, int64(0)
	for _, s := range spans {
		i += int(s.GetOffset())
		for range s.GetLength() {
			if len(deltas) == 0 {
				t.Fatal("fewer deltas than the spans say")
			}
			n += deltas[0]
			deltas = deltas[1:]
			if n != 0 {
				counts[i] = n
			}
			i++
		}
	}
	if len(deltas) != 0 {
		t.Fatalf("%d deltas too many", len(deltas))
	}
	return counts
}

func TestSpans(t *testing.T) {
	tests := map[string]struct {
		start   int
		buckets []uint64
		spans   int
	}{
		"none":          {0, nil, 1},
		"one":           {-80, []uint64{7}, 1},
		"neighbours":    {3, []uint64{1, 5, 2}, 1},
		"a small gap":   {3, []uint64{1, 0, 0, 2}, 1},
		"a wide gap":    {-9, []uint64{4, 0, 0, 0, 2}, 2},
		"several gaps":  {-40, []uint64{1, 0, 0, 0, 0, 9, 0, 9, 0, 0, 0, 1}, 3},
		"far above one": {160, []uint64{1, 1}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := &instrument.Histogram{Start: tt.start, Buckets: tt.buckets}
			spans, deltas := spans(h)
			if len(spans) != tt.spans {
				t.Errorf("%d spans, want %d", len(spans), tt.spans)
			}
			got := decode(t, spans, deltas)
			for k, n := range tt.buckets {
				if got[tt.start+k] != int64(n) {
					t.Errorf("bucket %d = %d, want %d", tt.start+k, got[tt.start+k], n)
				}
			}
		})
	}
}

// TestClassicMatchesNative writes a histogram both ways and compares the counts
// at each classic bound.
func TestClassicMatchesNative(t *testing.T) {
	h := &instrument.Histogram{Zero: 3, Start: -100, Buckets: make([]uint64, 180)}
	h.Count = h.Zero
	for k := range h.Buckets {
		h.Buckets[k] = uint64(k % 5)
		h.Count += h.Buckets[k]
	}
	h.Sum = 12.5
	m := newMetric(instrument.Desc{Name: "h", Unit: "s", Kind: instrument.HistogramKind, Labels: []string{"name"}})
	var out dto.Metric
	if err := m.export(instrument.Sample{Labels: []string{"n"}, Histogram: h}).Write(&out); err != nil {
		t.Fatal(err)
	}
	native := decode(t, out.Histogram.PositiveSpan, out.Histogram.PositiveDelta)
	if got := out.Histogram.GetSampleCount(); got != h.Count || out.Histogram.GetSampleSum() != h.Sum {
		t.Errorf("count %d sum %v, want %d and %v", got, out.Histogram.GetSampleSum(), h.Count, h.Sum)
	}
	if len(out.Histogram.Bucket) != 17 {
		t.Errorf("%d classic buckets, want 17", len(out.Histogram.Bucket))
	}
	for _, b := range out.Histogram.Bucket {
		want := h.Zero
		last := int(math.Round(math.Log2(b.GetUpperBound()) * 8))
		for i, n := range native {
			if i <= last {
				want += uint64(n)
			}
		}
		if b.GetCumulativeCount() != want {
			t.Errorf("le=%v: %d, native says %d", b.GetUpperBound(), b.GetCumulativeCount(), want)
		}
	}
}
