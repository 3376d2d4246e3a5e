package promexport_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
	"github.com/weir-go/weir/instrument/instrumenttest"
)

func TestConformance(t *testing.T) {
	instrumenttest.Run(t, func(r *instrument.Registry) func() ([]instrumenttest.Point, error) {
		p := prometheus.NewPedanticRegistry()
		p.MustRegister(promexport.NewCollector(r))
		return func() ([]instrumenttest.Point, error) {
			families, err := p.Gather()
			var all []instrumenttest.Point
			for _, f := range families {
				for _, m := range f.GetMetric() {
					all = append(all, point(f, m))
				}
			}
			return all, err
		}
	})
}

// point reads one exported value back.
func point(f *dto.MetricFamily, m *dto.Metric) instrumenttest.Point {
	p := instrumenttest.Point{Name: f.GetName(), Help: f.GetHelp(), Labels: map[string]string{}}
	for _, l := range m.GetLabel() {
		p.Labels[l.GetName()] = l.GetValue()
	}
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		p.Kind, p.Value = instrument.Counter, m.GetCounter().GetValue()
		p.Start = m.GetCounter().GetCreatedTimestamp().AsTime()
	case dto.MetricType_GAUGE:
		p.Kind, p.Value = instrument.Gauge, m.GetGauge().GetValue()
	case dto.MetricType_HISTOGRAM:
		p.Kind, p.Start = instrument.HistogramKind, m.GetHistogram().GetCreatedTimestamp().AsTime()
		p.Histogram = nativeHistogram(m.GetHistogram())
	default:
		panic(fmt.Sprint(f.GetName(), " has type ", f.GetType()))
	}
	if p.Kind != instrument.Gauge && p.Start.Equal(time.Unix(0, 0)) {
		p.Start = time.Unix(1, 0) // none: not the one that is wanted
	}
	return p
}

// nativeHistogram reads the native buckets back.
func nativeHistogram(h *dto.Histogram) *instrument.Histogram {
	out := &instrument.Histogram{Count: h.GetSampleCount(), Sum: h.GetSampleSum(), Zero: h.GetZeroCount()}
	i, n, deltas := 0, int64(0), h.GetPositiveDelta()
	for _, s := range h.GetPositiveSpan() {
		for range s.GetOffset() {
			if len(out.Buckets) > 0 {
				out.Buckets = append(out.Buckets, 0)
			}
		}
		i += int(s.GetOffset())
		for range s.GetLength() {
			if len(out.Buckets) == 0 {
				out.Start = i
			}
			n += deltas[0]
			deltas = deltas[1:]
			out.Buckets = append(out.Buckets, uint64(n))
			i++
		}
	}
	return out
}
