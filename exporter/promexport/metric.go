package promexport

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weir-go/weir/instrument"
)

// metric is a row of the table, with what is the same in all its samples.
type metric struct {
	instrument.Desc
	desc  *prometheus.Desc
	order []int // of the labels by name: the order they are to be written in
}

func newMetric(d instrument.Desc) metric {
	m := metric{Desc: d, desc: prometheus.NewDesc(d.PrometheusName(), d.Help, d.Labels, nil)}
	for i := range d.Labels {
		m.order = append(m.order, i)
	}
	slices.SortFunc(m.order, func(i, j int) int { return strings.Compare(d.Labels[i], d.Labels[j]) })
	return m
}

// export makes the Prometheus metric of a sample. client_golang's constant
// metrics would do for numbers; a scrape of a thousand names has twenty thousand
// of them, and checks each one again that the table has checked already.
func (m *metric) export(s instrument.Sample) prometheus.Metric {
	if len(s.Labels) != len(m.order) || (m.Kind == instrument.HistogramKind) != (s.Histogram != nil) {
		return prometheus.NewInvalidMetric(m.desc, fmt.Errorf("weir: metric %s has a sample of another form: %v", m.Name, s))
	}
	switch m.Kind {
	case instrument.HistogramKind:
		return newHistogram(m, s)
	case instrument.Counter:
		return newCounter(m, s)
	case instrument.Gauge:
		return newGauge(m, s)
	}
	return prometheus.NewInvalidMetric(m.desc, fmt.Errorf("weir: metric %s has unknown kind %d", m.Name, m.Kind))
}

// sample is what every exported value has.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
}

func (m *metric) sample(values []string) sample {
	pairs, out := make([]dto.LabelPair, len(values)), make([]*dto.LabelPair, len(values))
	for k, i := range m.order {
		pairs[k].Name, pairs[k].Value = &m.Labels[i], &values[i]
		out[k] = &pairs[k]
	}
	return sample{m.desc, out}
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// gauge and counter have all their parts in one piece of memory.
type gauge struct {
	sample
	value float64
	out   dto.Gauge
}

func newGauge(m *metric, s instrument.Sample) *gauge {
	g := &gauge{sample: m.sample(s.Labels), value: s.Value}
	g.out.Value = &g.value
	return g
}

// Write implements prometheus.Metric.
func (g *gauge) Write(out *dto.Metric) error {
	out.Label, out.Gauge = g.labels, &g.out
	return nil
}

type counter struct {
	sample
	value   float64
	created timestamppb.Timestamp
	out     dto.Counter
}

func newCounter(m *metric, s instrument.Sample) *counter {
	c := &counter{sample: m.sample(s.Labels), value: s.Value}
	setTime(&c.created, s.Start)
	c.out.Value, c.out.CreatedTimestamp = &c.value, &c.created
	return c
}

// Write implements prometheus.Metric.
func (c *counter) Write(out *dto.Metric) error {
	out.Label, out.Counter = c.labels, &c.out
	return nil
}

func setTime(out *timestamppb.Timestamp, t time.Time) {
	out.Seconds, out.Nanos = t.Unix(), int32(t.Nanosecond())
}
