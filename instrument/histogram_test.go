package instrument

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestBucketOf compares the index with the definition, at and around every bound.
func TestBucketOf(t *testing.T) {
	for i := minBucket; i <= maxBucket; i++ {
		bound := math.Exp2(float64(i) / bucketsPerOctave)
		if i%bucketsPerOctave == 0 { // exact in floating point
			if got := bucketOf(bound); got != i {
				t.Errorf("2^(%d/8) is in bucket %d", i, got)
			}
		}
		for _, c := range []struct {
			v    float64
			want int
		}{{bound * (1 - 1e-9), i}, {bound * (1 + 1e-9), i + 1}} {
			if got := bucketOf(c.v); got != c.want {
				t.Errorf("%v is in bucket %d, want %d", c.v, got, c.want)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		v := math.Exp2(rnd.Float64()*50 - 30)
		if got, want := bucketOf(v), int(math.Ceil(math.Log2(v)*bucketsPerOctave)); got != want {
			t.Fatalf("%v is in bucket %d, want %d", v, got, want)
		}
	}
}

func TestHistogramQuantiles(t *testing.T) {
	const bound = 0.0443 + 1e-6 // 2^(1/16) - 1
	rnd := rand.New(rand.NewPCG(5, 6))
	for name, draw := range map[string]func() time.Duration{
		"uniform":     func() time.Duration { return time.Duration(1 + rnd.Int64N(int64(time.Second))) },
		"exponential": func() time.Duration { return time.Duration(1 + rnd.ExpFloat64()*1e6) },
		"heavy tail":  func() time.Duration { return time.Duration(1e3 / math.Pow(rnd.Float64(), 2)) },
		"constant":    func() time.Duration { return 12345 * time.Nanosecond },
	} {
		var h histogram
		var all []float64
		for range 10_000 {
			d := draw()
			h.observe(d, 1)
			all = append(all, d.Seconds())
		}
		slices.Sort(all)
		got := h.read()
		for _, q := range []float64{0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1} {
			want := all[max(int(math.Ceil(q*float64(len(all))))-1, 0)]
			if have := got.Quantile(q); math.Abs(have/want-1) > bound {
				t.Errorf("%s: quantile %v is %v, in truth %v", name, q, have, want)
			}
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	var none Histogram
	if !math.IsNaN(none.Quantile(0.5)) || none.CountAtMost(1) != 0 {
		t.Error("an empty histogram has a median")
	}
	var h histogram
	h.observe(0, 3)
	h.observe(-time.Hour, 1)
	h.observe(1, 1)                       // the shortest there is
	h.observe(time.Duration(1)<<62, 1)    // longer than the last bucket
	h.observe(time.Second, 1)             // a bound, inclusive
	h.observe(time.Second+time.Second, 2) // another
	got := h.read()
	if got.Count != 9 || got.Zero != 4 || math.IsNaN(got.Sum) || got.Sum < 4e9 {
		t.Errorf("count %d, zero %d, sum %v", got.Count, got.Zero, got.Sum)
	}
	if got.Quantile(0) != 0 || got.Quantile(0.4) != 0 || !within(got.Quantile(1), math.Exp2(20), 0.05) {
		t.Errorf("quantiles %v, %v, %v", got.Quantile(0), got.Quantile(0.4), got.Quantile(1))
	}
	for _, c := range []struct {
		bound float64
		want  uint64
	}{{0, 4}, {1e-6, 5}, {1, 6}, {2, 8}, {1e9, 9}} {
		if n := got.CountAtMost(c.bound); n != c.want {
			t.Errorf("%d at most %v s, want %d", n, c.bound, c.want)
		}
	}
	if got.UpperBound(-got.Start) != 1 {
		t.Errorf("bucket 0 ends at %v", got.UpperBound(-got.Start))
	}
}

func TestHistogramSumCarries(t *testing.T) {
	var h histogram
	const each = time.Duration(math.MaxInt64)
	for range 5 {
		h.observe(each, 3)
	}
	if got, want := h.read().Sum, 15*each.Seconds(); !within(got, want, 1e-9) {
		t.Errorf("sum %v, want %v", got, want)
	}
	h.observe(time.Hour, 1<<60) // in one observation
	if got, want := h.read().Sum, 15*each.Seconds()+3600*(1<<60); !within(got, want, 1e-9) {
		t.Errorf("sum %v, want %v", got, want)
	}
}

func TestHistogramConcurrent(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		const workers, each = 8, 5000
		var h histogram
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := range each {
					h.observe(time.Duration(w*each+i)*time.Microsecond, 2)
				}
			})
		}
		for before := (Histogram{}); before.Count < 2*workers*each; {
			now := h.read()
			n := now.Zero
			for _, c := range now.Buckets {
				n += c
			}
			if now.Count != n || now.Count < before.Count || now.Sum < before.Sum {
				t.Errorf("count %d after %d, buckets %d, sum %v after %v", now.Count, before.Count, n, now.Sum, before.Sum)
				break
			}
			before = now
		}
		all.Wait()
		const n = workers * each
		if got, want := h.read().Sum, 2*float64(n)*float64(n-1)/2*1e-6; !within(got, want, 1e-9) {
			t.Errorf("sum %v, want %v", got, want)
		}
	})
}

func TestHistogramMemory(t *testing.T) {
	var h histogram
	if h.buckets.Load() != nil {
		t.Error("memory before the first observation")
	}
	h.observe(1, 1)
	if n := testing.AllocsPerRun(1000, func() { h.observe(time.Second, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
