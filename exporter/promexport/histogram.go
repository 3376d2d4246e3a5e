package promexport

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weir-go/weir/instrument"
)

// classicBounds are the upper bounds of the classic buckets, in seconds: the
// powers of 4 from 1 µs to 68 min. Each is a bound of the exponential buckets as
// well, so the classic counts are exact; closer ones would make more series than
// they tell.
var classicBounds = func() (bounds []float64) {
	for e := -20; e <= 12; e += 2 {
		bounds = append(bounds, math.Ldexp(1, e))
	}
	return bounds
}()

// histogram writes one distribution both ways: classic buckets, which the text
// formats show, and native ones, which travel in protobuf. client_golang's
// constant histograms are one or the other.
type histogram struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	start  time.Time
	data   *instrument.Histogram
}

func newHistogram(desc *prometheus.Desc, s instrument.Sample) prometheus.Metric {
	return histogram{desc, prometheus.MakeLabelPairs(desc, s.Labels), s.Start, s.Histogram}
}

// Desc implements prometheus.Metric.
func (h histogram) Desc() *prometheus.Desc { return h.desc }

// Write implements prometheus.Metric.
func (h histogram) Write(out *dto.Metric) error {
	out.Label = h.labels
	out.Histogram = &dto.Histogram{
		SampleCount:      &h.data.Count,
		SampleSum:        &h.data.Sum,
		CreatedTimestamp: timestamppb.New(h.start),
		Schema:           ptr(int32(instrument.HistogramSchema)),
		ZeroThreshold:    ptr(prometheus.DefNativeHistogramZeroThreshold),
		ZeroCount:        &h.data.Zero,
	}
	for _, bound := range classicBounds {
		out.Histogram.Bucket = append(out.Histogram.Bucket, &dto.Bucket{
			UpperBound:      ptr(bound),
			CumulativeCount: ptr(h.data.CountAtMost(bound)),
		})
	}
	out.Histogram.PositiveSpan, out.Histogram.PositiveDelta = spans(h.data)
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
