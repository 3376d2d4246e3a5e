package promexport

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weir-go/weir/instrument"
)

// classicBounds are the upper bounds of the classic buckets, in seconds: the
// powers of 4 from 1 µs to 68 min. Each is a bound of the exponential buckets as
// well, so the classic counts are exact; closer ones would make more series than
// they tell.
var classicBounds = func() (bounds [classicBuckets]float64) {
	for k := range bounds {
		bounds[k] = math.Ldexp(1, firstBound+2*k)
	}
	return bounds
}()

const (
	classicBuckets = 17
	firstBound     = -20 // a power of 2
)

// histogram writes one distribution both ways: classic buckets, which the text
// formats show, and native ones, which travel in protobuf. client_golang's
// constant histograms are one or the other.
type histogram struct {
	sample
	data    *instrument.Histogram
	created timestamppb.Timestamp
	out     dto.Histogram
	counts  [classicBuckets]uint64
	buckets [classicBuckets]dto.Bucket
	classic [classicBuckets]*dto.Bucket
}

func newHistogram(m *metric, s instrument.Sample) *histogram {
	h := &histogram{sample: m.sample(s.Labels), data: s.Histogram}
	setTime(&h.created, s.Start)
	h.setClassic()
	h.out.SampleCount, h.out.SampleSum = &h.data.Count, &h.data.Sum
	h.out.CreatedTimestamp = &h.created
	h.out.Bucket = h.classic[:]
	h.out.Schema, h.out.ZeroThreshold, h.out.ZeroCount = &schema, &zeroThreshold, &h.data.Zero
	h.out.PositiveSpan, h.out.PositiveDelta = spans(h.data)
	return h
}

var (
	schema        = int32(instrument.HistogramSchema)
	zeroThreshold = prometheus.DefNativeHistogramZeroThreshold
)

// setClassic adds the exponential buckets up to each classic bound.
func (h *histogram) setClassic() {
	n, next := h.data.Zero, 0
	for k := range h.buckets {
		last := (firstBound + 2*k) << instrument.HistogramSchema // index of the bucket that ends at the bound
		for next < len(h.data.Buckets) && h.data.Start+next <= last {
			n += h.data.Buckets[next]
			next++
		}
		h.counts[k] = n
		h.buckets[k].UpperBound, h.buckets[k].CumulativeCount = &classicBounds[k], &h.counts[k]
		h.classic[k] = &h.buckets[k]
	}
}

// Write implements prometheus.Metric.
func (h *histogram) Write(out *dto.Metric) error {
	out.Label, out.Histogram = h.labels, &h.out
	return nil
}

// maxGap is how many empty buckets are cheaper to write than a new span.
const maxGap = 2

// spans encodes the buckets as runs with the differences between neighbours.
// One span is always there, if only of length 0: it says that the histogram is a
// native one.
func spans(h *instrument.Histogram) (out []*dto.BucketSpan, deltas []int64) {
	last, end := int64(0), 0 // the count before, and the index after the last span
	for k, n := range h.Buckets {
		if n == 0 {
			continue
		}
		i := h.Start + k
		gap := i - end
		if len(out) == 0 || gap > maxGap {
			out = append(out, &dto.BucketSpan{Offset: ptr(int32(gap)), Length: ptr(uint32(0))})
			gap = 0
		}
		span := out[len(out)-1]
		for range gap {
			deltas = append(deltas, -last)
			last = 0
		}
		*span.Length += uint32(gap) + 1
		deltas = append(deltas, int64(n)-last)
		last, end = int64(n), i+1
	}
	if out == nil {
		out = []*dto.BucketSpan{{Offset: ptr(int32(0)), Length: ptr(uint32(0))}}
	}
	return out, deltas
}

func ptr[T any](v T) *T { return &v }
