package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// lab is where the races take place: every way of measuring has its registry,
// and all are read.
type lab struct {
	weir   *instrument.Registry
	prom   *prometheus.Registry
	otel   *sdk.MeterProvider
	reader *sdk.ManualReader
}

func newLab() *lab {
	l := &lab{weir: quietRegistry(), prom: prometheus.NewRegistry(), reader: sdk.NewManualReader()}
	l.prom.MustRegister(promexport.NewCollector(l.weir))
	l.otel = sdk.NewMeterProvider(sdk.WithReader(l.reader))
	return l
}

// read reads everything, as a scraper does.
func (l *lab) read() metricdata.ResourceMetrics {
	if _, err := l.prom.Gather(); err != nil {
		panic(err)
	}
	var out metricdata.ResourceMetrics
	if err := l.reader.Collect(context.Background(), &out); err != nil {
		panic(err)
	}
	return out
}

// readEvery reads everything again and again until stop is called. Zero is
// never.
func (l *lab) readEvery(d time.Duration) (stop func()) {
	if d == 0 {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	ticks := time.NewTicker(d)
	go func() {
		defer close(done)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				l.read()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// settle reads the registry when it looks at native channels again, which it
// does no more than once a second.
func (l *lab) settle() {
	time.Sleep(1100 * time.Millisecond)
	l.weir.Snapshot()
}

// channel returns what is measured under a name, zero if nothing is.
func (l *lab) channel(name string) instrument.ChanStats {
	for _, c := range l.weir.Snapshot().Channels {
		if c.Name == name {
			return c
		}
	}
	return instrument.ChanStats{}
}
