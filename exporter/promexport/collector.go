// Package promexport exports a registry of package instrument to Prometheus.
//
// It imports instrument and client_golang only.
package promexport

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-go/weir/instrument"
)

// NewCollector returns a collector of everything that r measures. A nil r is
// instrument.Default().
//
// Register it once, with prometheus.MustRegister or a Registerer that adds
// labels. Each collection takes one Snapshot of r, without a goroutine and
// without state of its own.
func NewCollector(r *instrument.Registry) prometheus.Collector {
	c := &collector{registry: r}
	for _, d := range instrument.Metrics() {
		c.metrics = append(c.metrics, metric{
			Desc: d,
			desc: prometheus.NewDesc(d.PrometheusName(), d.Help, d.Labels, nil),
		})
	}
	return c
}

type collector struct {
	registry *instrument.Registry
	metrics  []metric
}

type metric struct {
	instrument.Desc
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	snapshot := c.registry.Snapshot()
	for _, m := range c.metrics {
		for s := range m.Samples(&snapshot) {
			out <- m.export(s)
		}
	}
}

func (m metric) export(s instrument.Sample) prometheus.Metric {
	switch m.Kind {
	case instrument.HistogramKind:
		return newHistogram(m.desc, s)
	case instrument.Counter:
		return m.number(prometheus.CounterValue, s)
	case instrument.Gauge:
		return m.number(prometheus.GaugeValue, s)
	}
	return prometheus.NewInvalidMetric(m.desc, fmt.Errorf("weir: metric %s has unknown kind %d", m.Name, m.Kind))
}

func (m metric) number(t prometheus.ValueType, s instrument.Sample) prometheus.Metric {
	var out prometheus.Metric
	var err error
	if t == prometheus.CounterValue {
		out, err = prometheus.NewConstMetricWithCreatedTimestamp(m.desc, t, s.Value, s.Start, s.Labels...)
	} else {
		out, err = prometheus.NewConstMetric(m.desc, t, s.Value, s.Labels...)
	}
	if err != nil {
		return prometheus.NewInvalidMetric(m.desc, err)
	}
	return out
}
