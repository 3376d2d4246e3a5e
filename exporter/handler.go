// Package exporter serves the measurements of package instrument over HTTP, for
// programs that have no metrics endpoint yet. A program that has one registers
// promexport.NewCollector with its own Prometheus registry instead.
package exporter

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// Handler returns a handler that answers every request with the metrics of r,
// and those of the Go runtime and the process, because the dashboards show a
// backlog beside the heap that it fills. Mount it at /metrics. A nil r is
// instrument.Default().
//
// It speaks the text format, OpenMetrics and protobuf, compressed if the client
// asks; it answers at most four scrapes at once (503 for more) and within ten
// seconds. Where one metric fails it serves all others.
func Handler(r *instrument.Registry) http.Handler {
	gatherer := prometheus.NewRegistry()
	gatherer.MustRegister(
		promexport.NewCollector(r),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		Registry:            gatherer,
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	})
}
