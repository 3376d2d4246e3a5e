package e2e

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/exporter/otelexport"
	"github.com/weir-go/weir/instrument"
)

// measured is a program that weir measures: this one.
type measured struct {
	registry *instrument.Registry
	address  string // where it can be scraped
}

func newMeasured(t *testing.T) measured {
	t.Helper()
	r := instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
	server := httptest.NewServer(exporter.Handler(r))
	t.Cleanup(server.Close)
	return measured{r, strings.TrimPrefix(server.URL, "http://")}
}

// use makes and uses one object of each kind, with every option, and leaves them
// at rest: what is exported afterwards only ages.
func (m measured) use(t *testing.T) {
	t.Helper()
	with := instrument.WithRegistry(m.registry)
	moves := instrument.NewChan[string]("moves", 8, with, instrument.WithOwner("game"), instrument.WithStallAfter(time.Millisecond),
		instrument.WithWaitTarget(time.Millisecond), instrument.WithBytes(func(s string) int { return len(s) }))
	for moves.TrySend("north") {
	}
	blocked := make(chan struct{})
	go func() { moves.Send("late"); close(blocked) }()
	for moves.Stats().BlockedSenders == 0 {
		runtime.Gosched()
	}
	for range 5 {
		moves.Recv()
	}
	<-blocked
	inbox := instrument.NewQueue[int]("inbox", with)
	inbox.Send(1)
	watched := instrument.Watch("watched", make(chan int, 3), with)
	watched <- 1

	slots := instrument.NewSemaphore("slots", 8, with, instrument.WithHoldLimit(time.Millisecond))
	held, _ := slots.TryAcquirePermit(1)
	released, _ := slots.TryAcquirePermit(1)
	released.Release()
	slots.TryAcquire(9)
	lent := instrument.WrapSemaphore("lent", instrument.NewSemaphore("", 2), 2, with)
	lent.TryAcquire(1)

	pool := instrument.NewPool("workers", 2, 4, with, instrument.WithTaskLimit(time.Minute), instrument.WithPanicHandler(func(any, []byte) {}))
	done := make(chan struct{}, 3)
	for range 2 {
		submit(t, pool, func() { done <- struct{}{} })
	}
	submit(t, pool, func() { done <- struct{}{}; panic("contained") })
	for range 3 {
		<-done
	}
	t.Cleanup(func() {
		_ = pool.Shutdown(context.Background())
		runtime.KeepAlive([]any{moves, inbox, watched, slots, held, lent})
	})
}

func submit(t *testing.T, p *instrument.Pool, task func()) {
	t.Helper()
	if err := p.Submit(t.Context(), task); err != nil {
		t.Error(err)
	}
}

// otlpPath is where a Prometheus receives OTLP.
const otlpPath = "/api/v1/otlp/v1/metrics"

// sendOTLP sends everything every second to a URL, as job and instance.
func (m measured) sendOTLP(t *testing.T, url, job, instance string, more ...attribute.KeyValue) {
	t.Helper()
	client, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(url))
	if err != nil {
		t.Fatal(err)
	}
	reader := metric.NewPeriodicReader(client, metric.WithInterval(time.Second), metric.WithProducer(otelexport.NewProducer(m.registry)))
	provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(resource.NewSchemaless(
		append(more, attribute.String("service.name", job), attribute.String("service.instance.id", instance))...)))
	t.Cleanup(func() {
		if err := provider.Shutdown(context.Background()); err != nil {
			t.Errorf("what was left at the end was not sent: %v", err)
		}
	})
}

// getIntoTrouble adds objects that are at their limits, and goes on to fail with
// them until the test ends.
func (m measured) getIntoTrouble(t *testing.T) {
	t.Helper()
	with := instrument.WithRegistry(m.registry)
	jammed := instrument.NewChan[int]("jammed", 4, with, instrument.WithStallAfter(time.Millisecond))
	for jammed.TrySend(1) {
	}
	exhausted := instrument.WrapSemaphore("exhausted", instrument.NewSemaphore("", 2), 2, with, instrument.WithHoldLimit(time.Millisecond))
	held, _ := exhausted.TryAcquirePermit(1)
	losePermit(exhausted)
	stuck := instrument.NewPool("stuck", 1, 1, with)
	started, end := make(chan struct{}), make(chan struct{})
	submit(t, stuck, func() { close(started); <-end })
	<-started
	submit(t, stuck, func() {})
	panicking := instrument.NewPool("panicking", 1, 1, with, instrument.WithPanicHandler(func(any, []byte) {}))

	failing, stop := context.WithCancel(context.Background())
	failed := make(chan struct{})
	go func() {
		defer close(failed)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			jammed.TrySend(1)
			exhausted.TryAcquire(1)
			_ = stuck.TrySubmit(func() {})
			_ = panicking.TrySubmit(func() { panic("contained") })
			runtime.GC() // finds the lost permit
			select {
			case <-tick.C:
			case <-failing.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-failed
		close(end)
		_ = stuck.Shutdown(context.Background())
		_ = panicking.Shutdown(context.Background())
		runtime.KeepAlive([]any{jammed, exhausted, held})
	})
}

// losePermit takes a permit and forgets it.
//
//go:noinline
func losePermit(s *instrument.Semaphore) { _, _ = s.TryAcquirePermit(1) }
