// Package promexport exports a registry of package instrument to Prometheus.
//
// It imports instrument and client_golang only.
package promexport

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-go/weir/instrument"
)

// NewCollector returns a collector of everything that r measures. A nil r is
// instrument.Default().
//
// Register it once, with prometheus.MustRegister or a Registerer that adds
// labels; unregistering it is enough to be rid of it. Each collection takes one
// Snapshot of r, without a goroutine and without state of its own.
//
// Histograms have classic and native buckets, made from the same data, as
// client_golang's own have: the text formats show the classic ones, protobuf
// both. A quantile asked of the native ones is within 9% of the observation, one
// asked of the classic ones within a factor of 4. Counters and histograms say when they were created, which travels in
// protobuf, and in OpenMetrics where the handler is told so.
func NewCollector(r *instrument.Registry) prometheus.Collector {
	c := &collector{registry: r}
	for _, d := range instrument.Metrics() {
		c.metrics = append(c.metrics, newMetric(d))
	}
	return c
}

type collector struct {
	registry *instrument.Registry
	metrics  []metric
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for i := range c.metrics {
		out <- c.metrics[i].desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	snapshot := c.registry.Snapshot()
	for i := range c.metrics {
		m := &c.metrics[i]
		for s := range m.Samples(&snapshot) {
			out <- m.export(s)
		}
	}
}
