package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// What follows is what one writes by hand, at its best: labels are resolved once
// and nothing is looked up or allocated for a message.

// promChan counts sends and receives, keeps the depth, and observes how long each
// send took, with client_golang. The depth goes up and down: setting it to len
// would be cheaper, and wrong for good where the last two to set it race.
type promChan struct {
	ch              chan int
	sends, receives prometheus.Counter
	depth           prometheus.Gauge
	sendTime        prometheus.Histogram
}

func (c promChan) Send(v int) {
	start := time.Now()
	c.ch <- v
	c.sendTime.Observe(time.Since(start).Seconds())
	c.sends.Inc()
	c.depth.Inc()
}

func (c promChan) Recv() (v int, ok bool) {
	if v, ok = <-c.ch; ok {
		c.receives.Inc()
		c.depth.Dec()
	}
	return v, ok
}

func (c promChan) pairs(n int) (sum int) {
	for i := range n {
		c.Send(i)
		v, _ := c.Recv()
		sum += v
	}
	return sum
}

func (c promChan) send(n int) {
	for i := range n {
		c.Send(i)
	}
}

func (c promChan) receive() (sum int) {
	for {
		v, ok := c.Recv()
		if !ok {
			return sum
		}
		sum += v
	}
}

func (c promChan) close() { close(c.ch) }

func naiveProm(l *lab, shape string) maker {
	labels := prometheus.Labels{"name": shape}
	c := promChan{
		sends:    prometheus.NewCounter(prometheus.CounterOpts{Name: "naive_sends_total", ConstLabels: labels}),
		receives: prometheus.NewCounter(prometheus.CounterOpts{Name: "naive_receives_total", ConstLabels: labels}),
		depth:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "naive_depth", ConstLabels: labels}),
		sendTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "naive_send_seconds", ConstLabels: labels}),
	}
	l.prom.MustRegister(c.sends, c.receives, c.depth, c.sendTime)
	return maker{
		name: "naive client_golang",
		open: func() queue { c.ch = make(chan int, capacity); return c },
		check: func(messages uint64) error {
			wrong := expect{}
			wrong.equal("sends", uint64(promValue(c.sends).GetCounter().GetValue()), messages)
			wrong.equal("receives", uint64(promValue(c.receives).GetCounter().GetValue()), messages)
			wrong.equal("depth", uint64(promValue(c.depth).GetGauge().GetValue()), 0)
			wrong.equal("send times", promValue(c.sendTime).GetHistogram().GetSampleCount(), messages)
			return wrong.err()
		},
	}
}

func promValue(m prometheus.Metric) *dto.Metric {
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		panic(err)
	}
	return &out
}

// otelChan does the same with OpenTelemetry, where depth is the difference of
// the two counters.
type otelChan struct {
	ch              chan int
	sends, receives metric.Int64Counter
	sendTime        metric.Float64Histogram
	add             []metric.AddOption
	record          []metric.RecordOption
}

func (c *otelChan) Send(v int) {
	start := time.Now()
	c.ch <- v
	c.sendTime.Record(context.Background(), time.Since(start).Seconds(), c.record...)
	c.sends.Add(context.Background(), 1, c.add...)
}

func (c *otelChan) Recv() (v int, ok bool) {
	if v, ok = <-c.ch; ok {
		c.receives.Add(context.Background(), 1, c.add...)
	}
	return v, ok
}

func (c *otelChan) pairs(n int) (sum int) {
	for i := range n {
		c.Send(i)
		v, _ := c.Recv()
		sum += v
	}
	return sum
}

func (c *otelChan) send(n int) {
	for i := range n {
		c.Send(i)
	}
}

func (c *otelChan) receive() (sum int) {
	for {
		v, ok := c.Recv()
		if !ok {
			return sum
		}
		sum += v
	}
}

func (c *otelChan) close() { close(c.ch) }

func naiveOTel(l *lab, shape string) maker {
	meter := l.otel.Meter("naive, " + shape)
	set := metric.WithAttributeSet(attribute.NewSet(attribute.String("name", shape)))
	c := otelChan{add: []metric.AddOption{set}, record: []metric.RecordOption{set}}
	var failed [3]error
	c.sends, failed[0] = meter.Int64Counter("sends")
	c.receives, failed[1] = meter.Int64Counter("receives")
	c.sendTime, failed[2] = meter.Float64Histogram("send", metric.WithUnit("s"))
	for _, err := range failed {
		if err != nil {
			panic(err)
		}
	}
	return maker{
		name: "naive OTel",
		open: func() queue { c := c; c.ch = make(chan int, capacity); return &c },
		check: func(messages uint64) error {
			got := otelCounts(l.read(), "naive, "+shape)
			wrong := expect{}
			wrong.equal("sends", got["sends"], messages)
			wrong.equal("receives", got["receives"], messages)
			wrong.equal("send times", got["send"], messages)
			return wrong.err()
		},
	}
}

// otelCounts returns the counts of a scope's counters and histograms by name.
func otelCounts(read metricdata.ResourceMetrics, scope string) map[string]uint64 {
	counts := make(map[string]uint64)
	for _, s := range read.ScopeMetrics {
		if s.Scope.Name != scope {
			continue
		}
		for _, m := range s.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					counts[m.Name] += uint64(p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					counts[m.Name] += p.Count
				}
			}
		}
	}
	return counts
}
