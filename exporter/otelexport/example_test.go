package otelexport_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/exporter/otelexport"
	"github.com/weir-go/weir/instrument"
)

var encoder = attribute.DefaultEncoder()

// A program that exports by OpenTelemetry gives its reader one more producer.
// With OTLP the reader is metric.NewPeriodicReader(exporter,
// metric.WithProducer(...)); the provider's Shutdown sends what is left, so a
// batch job that ends with it is measured to the end.
func ExampleNewProducer() {
	measured := instrument.NewRegistry()
	jobs := instrument.NewQueue[string]("jobs", instrument.WithRegistry(measured))
	jobs.Send("resize")

	reader := metric.NewManualReader(metric.WithProducer(otelexport.NewProducer(measured)))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer func() { _ = provider.Shutdown(context.Background()) }()

	var out metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &out); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range out.ScopeMetrics[0].Metrics {
		if m.Name == "weir.channel.depth" {
			point := m.Data.(metricdata.Gauge[float64]).DataPoints[0]
			fmt.Println(m.Name, m.Unit, point.Attributes.Encoded(encoder), point.Value)
		}
	}
	jobs.Close()
	// Output: weir.channel.depth {message} name=jobs 1
}

// Where the back end wants deltas, each reader has a producer of its own.
func ExampleWithTemporality() {
	measured := instrument.NewRegistry()
	jobs := instrument.NewQueue[int]("jobs", instrument.WithRegistry(measured))
	producer := otelexport.NewProducer(measured, otelexport.WithTemporality(metricdata.DeltaTemporality))

	for range 2 {
		jobs.Send(1)
		jobs.Send(2)
		scopes, err := producer.Produce(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, m := range scopes[0].Metrics {
			if m.Name == "weir.channel.sends" {
				sum := m.Data.(metricdata.Sum[float64])
				fmt.Println(sum.Temporality, sum.DataPoints[0].Attributes.Encoded(encoder), sum.DataPoints[0].Value)
			}
		}
	}
	jobs.Close()
	// Output:
	// DeltaTemporality name=jobs,outcome=ok 2
	// DeltaTemporality name=jobs,outcome=ok 2
}
