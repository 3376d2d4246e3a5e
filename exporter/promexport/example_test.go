package promexport_test

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// A program that exports to Prometheus already adds the collector to what it
// has.
func ExampleNewCollector() {
	measured := instrument.NewRegistry()
	jobs := instrument.NewQueue[string]("jobs", instrument.WithRegistry(measured))
	jobs.Send("resize")

	registry := prometheus.NewRegistry()
	registry.MustRegister(promexport.NewCollector(measured))

	families, _ := registry.Gather()
	for _, f := range families {
		if f.GetName() == "weir_channel_depth" {
			fmt.Println(f.GetName(), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	jobs.Close()
	// Output: weir_channel_depth 1
}
