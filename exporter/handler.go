// Package exporter serves the measurements of package instrument over HTTP, for
// programs that have no metrics endpoint yet, and writes them out once for those
// that end before anybody could come: WriteTextfile and Push. A program that has
// an endpoint registers promexport.NewCollector with its own Prometheus registry
// instead; one that exports by OpenTelemetry uses otelexport.
package exporter

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/weir-go/weir/instrument"
)

const (
	// maxScrapes is how many are answered at once.
	maxScrapes = 4
	// defaultScrape is how long a scrape may take where the client does not say,
	// which is Prometheus' own default; maxScrape is the most it may ask for, so
	// that nobody holds on to a place for longer.
	defaultScrape = 10 * time.Second
	maxScrape     = 25 * time.Second
	// scrapeHeader is how Prometheus says when it will give up.
	scrapeHeader = "X-Prometheus-Scrape-Timeout-Seconds"
)

// Handler returns a handler that answers every request with the metrics of r,
// and those of the Go runtime and the process, because the dashboards show a
// backlog beside the heap that it fills. Mount it at /metrics. A nil r is
// instrument.Default().
//
// It speaks the text format, OpenMetrics and protobuf (with native histograms),
// compressed if the client asks. It answers at most four scrapes at once, 503 for
// more, and before the client gives up: within nine tenths of the time-out that
// Prometheus sends along, which is taken as 10 s where it is missing and as at
// most 25. Where one metric fails, or the measurements are not ready by then, it
// serves all others and counts the fault in
// promhttp_metric_handler_errors_total{cause="gathering"}.
func Handler(r *instrument.Registry) http.Handler {
	return &handler{gatherer: newGatherer(r), places: make(chan struct{}, maxScrapes)}
}

type handler struct {
	gatherer *gatherer
	places   chan struct{}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		http.Error(w, "weir: "+strconv.Itoa(maxScrapes)+" scrapes are under way already, try again later", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(req.Context(), scrapeTime(req.Header.Get(scrapeHeader)))
	defer cancel()
	// One for each request, because promhttp does not hand the request's context
	// to what it gathers from. Its own Timeout would hold back the whole answer,
	// twice in memory, and at the end of it serve nothing.
	promhttp.HandlerFor(h.gatherer.within(ctx), promhttp.HandlerOpts{
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          h.gatherer.rest, // counts errors there
		EnableOpenMetrics: true,
		// Created times as series of their own would treble what a histogram
		// costs in a Prometheus that does not know them. Protobuf has them free.
		EnableOpenMetricsTextCreatedSamples: false,
	}).ServeHTTP(w, req)
}

// scrapeTime returns how long gathering may take for a client that gives up
// after so many seconds: it wants to write and send as well.
func scrapeTime(header string) time.Duration {
	limit := defaultScrape
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 {
		limit = time.Duration(min(seconds, maxScrape.Seconds()) * float64(time.Second))
	}
	return limit - limit/10
}
