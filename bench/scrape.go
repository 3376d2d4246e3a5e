package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/exporter/otelexport"
	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// manySends is enough for the thousandth part of them to be a thousand.
const manySends = 1_000_000

func scrapeMeasurements() []measurement {
	return []measurement{
		{"scrape: 1,000 names, as text", "mixed kinds", "ms", 50, 30,
			func(rounds int) ([]float64, error) { return scrapeNames(rounds, manyNames) }},
		{"scrape: 100,000 members, as text", "100 names", "ms", 60, 0,
			func(rounds int) ([]float64, error) { return scrapeMembers(rounds, manyMembers, 100) }},
		{"scrape: a send meanwhile, p99.9 above one at rest", "1,000 names", "ms", 1, 0,
			func(rounds int) ([]float64, error) { return sendsDuringScrape(rounds, manyNames, manySends) }},
	}
}

// counter takes an answer and keeps its length alone, as a socket would: growing
// a buffer for all of it is not the handler's work.
type counter struct {
	header http.Header
	code   int
	bytes  int
}

// Header implements http.ResponseWriter.
func (c *counter) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter.
func (c *counter) WriteHeader(code int) { c.code = code }

// Write implements http.ResponseWriter.
func (c *counter) Write(p []byte) (int, error) {
	c.bytes += len(p)
	return len(p), nil
}

// scrape has a handler answer in the text format, from the call to the last byte.
func scrape(h http.Handler) (answer counter, took float64) {
	answer = counter{header: http.Header{}, code: http.StatusOK}
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	start := time.Now()
	h.ServeHTTP(&answer, request)
	return answer, milliseconds(start)
}

// scrapes times a handler whose answer has at least so many bytes.
func scrapes(rounds int, h http.Handler, atLeast int, pause time.Duration) (values []float64, err error) {
	scrape(h)
	for range rounds {
		time.Sleep(pause)
		answer, took := scrape(h)
		values = append(values, took)
		wrong := expect{}
		wrong.equal("status", uint64(answer.code), http.StatusOK)
		wrong.above("bytes expected", uint64(answer.bytes/atLeast))
		if err = wrong.err(); err != nil {
			return nil, named("scrape", err)
		}
	}
	return values, nil
}

func scrapeNames(rounds, n int) (values []float64, err error) {
	r := quietRegistry()
	kept := makeNames(r, n)
	values, err = scrapes(rounds, exporter.Handler(r), 1000*n, 0)
	runtime.KeepAlive(kept)
	return values, err
}

// scrapeMembers scrapes channels that natively received ones are among, so that
// each is looked at: that happens once a second.
func scrapeMembers(rounds, members, names int) (values []float64, err error) {
	r := quietRegistry()
	kept := make([]*instrument.Chan[int], members)
	for i := range kept {
		kept[i] = instrument.NewChan[int](fmt.Sprintf("name %d", i%names), memberCapacity, instrument.WithRegistry(r))
		kept[i].Send(1)
		kept[i].C()
	}
	values, err = scrapes(rounds, exporter.Handler(r), 1000*names, 1100*time.Millisecond)
	runtime.KeepAlive(kept)
	return values, err
}

// sendsDuringScrape times n sends while one scrape follows the other, and as many
// without. Each round gives the difference of the thousandth slowest.
func sendsDuringScrape(rounds, names, n int) (values []float64, err error) {
	r := quietRegistry()
	kept := makeNames(r, names)
	c := instrument.NewChan[int]("sends", capacity, instrument.WithRegistry(r))
	h := exporter.Handler(r)
	scrape(h)
	for range rounds {
		rest := slowSends(c, n)
		stop := scrapeOn(h)
		busy := slowSends(c, n)
		scraped := stop()
		wrong := expect{}
		wrong.above("scrapes", uint64(scraped))
		if err = wrong.err(); err != nil {
			return nil, named("sends during a scrape", err)
		}
		values = append(values, float64(busy-rest)/1e6)
	}
	runtime.KeepAlive(kept)
	return values, nil
}

// scrapeOn scrapes again and again, and has begun when it returns. What it
// returns ends that and tells how many scrapes there were.
func scrapeOn(h http.Handler) (stop func() (scraped int)) {
	quit, began, done := make(chan struct{}), make(chan struct{}), make(chan int)
	go func() {
		close(began)
		for scraped := 1; ; scraped++ {
			scrape(h)
			select {
			case <-quit:
				done <- scraped
				return
			default:
			}
		}
	}()
	<-began
	return func() int { close(quit); return <-done }
}

// slowSends sends and receives n times and returns what the slowest send in a
// thousand took, at best.
func slowSends(c *instrument.Chan[int], n int) time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		c.Send(i)
		times[i] = time.Since(start)
		c.Recv()
	}
	slices.Sort(times)
	return times[n-1-n/1000]
}

// exportersRace has a channel whose registry nobody exports against one whose
// registry both exporters are attached to.
func exportersRace() race {
	bare, both := quietRegistry(), quietRegistry()
	prometheus.NewRegistry().MustRegister(promexport.NewCollector(both))
	provider := sdk.NewMeterProvider(sdk.WithReader(sdk.NewManualReader(sdk.WithProducer(otelexport.NewProducer(both)))))
	pairs := func(r *instrument.Registry) func(n int) time.Duration {
		c := wrapped{instrument.NewChan[int]("c", capacity, instrument.WithRegistry(r))}
		return func(n int) time.Duration {
			start := time.Now()
			c.pairs(n)
			return time.Since(start)
		}
	}
	return race{
		what: "exporters", shape: "attached",
		native: contender{name: "channel, no exporter", run: pairs(bare)},
		rivals: []contender{{name: "channel, both exporters", run: pairs(both), must: exportersNoise, same: true}},
		check: func() error {
			runtime.KeepAlive(provider)
			wrong := expect{}
			wrong.above("sends", both.Snapshot().Channels[0].Sent)
			return named("exporters", wrong.err())
		},
	}
}

// exportersNoise is how far from 1 the interval may begin and be called noise: an
// exporter is not in the path of any operation.
const exportersNoise = 1.02
