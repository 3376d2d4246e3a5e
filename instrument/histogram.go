package instrument

import (
	"math"
	"math/bits"
	"sort"
	"sync/atomic"
	"time"
)

// HistogramSchema is the resolution of every histogram here: Prometheus
// native schema 3, which is OpenTelemetry exponential scale 3. Each bucket is
// 2^(1/8) times as wide as the one before, so a quantile is within 4.5% of the
// truth when it is read as the geometric middle of its bucket.
const HistogramSchema = 3

const (
	bucketsPerOctave = 1 << HistogramSchema
	// The smallest bucket that is kept ends at 2^-30 s (0.93 ns) and the
	// largest at 2^20 s (12 days); what lies outside goes to the zero
	// bucket and to the last one.
	minBucket   = -30 * bucketsPerOctave
	maxBucket   = 20 * bucketsPerOctave
	bucketCount = maxBucket - minBucket
)

// octaveBounds holds the upper bounds of one octave's buckets as fractions in
// [0.5, 1), in the form math.Frexp gives.
var octaveBounds = func() (b [bucketsPerOctave]float64) {
	for i := range b {
		b[i] = math.Exp2(float64(i)/bucketsPerOctave - 1)
	}
	return b
}()

// bucketOf returns the Prometheus index i of the bucket (2^((i-1)/8), 2^(i/8)]
// that holds v seconds, v > 0.
func bucketOf(v float64) int {
	frac, exp := math.Frexp(v)
	return sort.SearchFloat64s(octaveBounds[:], frac) + (exp-1)*bucketsPerOctave
}

// histogram counts durations in exponential buckets. It is safe for concurrent
// use and takes no lock; its memory is fixed (3.2 KB) and allocated at the
// first observation, because most names never block.
type histogram struct {
	buckets atomic.Pointer[histogramBuckets]
}

type histogramBuckets struct {
	zero  atomic.Uint64
	count [bucketCount]atomic.Uint64
	// The part of count that is in use, so that a reading need not walk all of
	// it: it ends at last and begins first buckets before the end of count.
	first, last atomic.Int64
	// The sum of nanoseconds has 128 bits: at a million messages a second
	// that each waited a quarter of an hour, 64 bits last ten seconds.
	sumLow, sumHigh atomic.Uint64
}

// observe counts d, standing for weight observations.
func (h *histogram) observe(d time.Duration, weight uint64) {
	b := h.place(d, weight)
	if d > 0 {
		b.addSum(uint64(d), weight)
	}
}

// observeAll counts n observations that are total together, each as their mean.
func (h *histogram) observeAll(total time.Duration, n uint64) {
	b := h.place(total/time.Duration(n), n)
	if total > 0 {
		b.addSum(uint64(total), 1)
	}
}

// place counts weight observations of d, but does not add to the sum.
func (h *histogram) place(d time.Duration, weight uint64) *histogramBuckets {
	b := h.buckets.Load()
	if b == nil {
		h.buckets.CompareAndSwap(nil, new(histogramBuckets))
		b = h.buckets.Load()
	}
	if d <= 0 {
		b.zero.Add(weight)
		return b
	}
	i := min(max(bucketOf(d.Seconds()), minBucket+1), maxBucket) - minBucket - 1
	raise(&b.first, int64(bucketCount-i)) // before the count: what is counted is in reach
	raise(&b.last, int64(i+1))
	b.count[i].Add(weight)
	return b
}

func (b *histogramBuckets) addSum(d, weight uint64) {
	high, low := bits.Mul64(d, weight)
	if b.sumLow.Add(low) < low {
		high++
	}
	if high != 0 {
		b.sumHigh.Add(high)
	}
}

// sum returns the sum in seconds. For the instant between the two additions of
// a carry it reads low; that is once in 584 years of waiting added up.
func (b *histogramBuckets) sum() float64 {
	return (float64(b.sumHigh.Load())*(1<<64) + float64(b.sumLow.Load())) / 1e9
}

// read copies the histogram. Its count is the sum of the buckets that were
// read, so that the two always agree.
func (h *histogram) read() Histogram {
	b := h.buckets.Load()
	if b == nil {
		return Histogram{}
	}
	out := Histogram{Sum: b.sum(), Zero: b.zero.Load()}
	out.Count = out.Zero
	start := bucketCount - int(b.first.Load())
	used := b.count[min(start, int(b.last.Load())):b.last.Load()]
	counts := make([]uint64, len(used))
	for i := range used {
		counts[i] = used[i].Load()
		out.Count += counts[i]
	}
	for len(counts) > 0 && counts[0] == 0 { // in reach, and not counted yet
		counts, start = counts[1:], start+1
	}
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	if len(counts) > 0 {
		out.Start, out.Buckets = start+minBucket+1, counts
	}
	return out
}

// Histogram is a reading of a distribution of durations, in seconds.
//
// Buckets[k] counts the observations in (2^((i-1)/8), 2^(i/8)] seconds with
// i = Start + k: Prometheus' numbering of native buckets. OpenTelemetry numbers
// the same bucket i-1.
type Histogram struct {
	Count   uint64   // observations, the sum of Zero and Buckets
	Sum     float64  // of all observations, in seconds
	Zero    uint64   // observations of zero
	Start   int      // index of Buckets[0]
	Buckets []uint64 // from the first to the last bucket that is not empty
}

// UpperBound returns the inclusive upper bound, in seconds, of Buckets[k].
func (h Histogram) UpperBound(k int) float64 {
	return math.Exp2(float64(h.Start+k) / bucketsPerOctave)
}

// CountAtMost returns how many observations lie in buckets that end at or
// below bound seconds: exact where bound is a bucket's own bound.
func (h Histogram) CountAtMost(bound float64) uint64 {
	n := h.Zero
	for k, c := range h.Buckets {
		if h.UpperBound(k) > bound*(1+1e-9) {
			break
		}
		n += c
	}
	return n
}

// Quantile returns the q-quantile in seconds, 0 <= q <= 1: the geometric middle
// of the bucket it falls in, so within 4.5% of the observation itself. It is
// NaN where there is no observation.
func (h Histogram) Quantile(q float64) float64 {
	if h.Count == 0 || math.IsNaN(q) {
		return math.NaN()
	}
	rank := max(uint64(math.Ceil(min(max(q, 0), 1)*float64(h.Count))), 1)
	if rank <= h.Zero {
		return 0
	}
	seen := h.Zero
	for k, c := range h.Buckets {
		if seen += c; seen >= rank {
			return h.UpperBound(k) * math.Exp2(-0.5/bucketsPerOctave)
		}
	}
	return h.UpperBound(len(h.Buckets) - 1)
}
