package promexport_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

var update = flag.Bool("update", false, "rewrite the golden exposition")

// pedantic returns a registry that checks what a collector hands out.
func pedantic(t *testing.T, r *instrument.Registry) *prometheus.Registry {
	t.Helper()
	p := prometheus.NewPedanticRegistry()
	if err := p.Register(promexport.NewCollector(r)); err != nil {
		t.Fatal(err)
	}
	return p
}

// example fills a registry with one object of each kind, in fake time, and
// returns what keeps them alive.
func example(r *instrument.Registry) any {
	with := instrument.WithRegistry(r)
	moves := instrument.NewChan[string]("moves", 4, with, instrument.WithOwner("game"),
		instrument.WithWaitTarget(time.Second), instrument.WithBytes(func(s string) int { return len(s) }))
	for range 5 {
		moves.TrySend("north-west")
	}
	time.Sleep(2 * time.Second)
	moves.Recv()

	inbox := instrument.NewQueue[int]("inbox", with)
	inbox.Send(1)

	sem := instrument.NewSemaphore("slots", 8, with, instrument.WithHoldLimit(time.Minute))
	permit, _ := sem.TryAcquirePermit(3)
	sem.TryAcquire(6)

	pool := instrument.NewPool("workers", 2, 4, with, instrument.WithTaskLimit(time.Minute))
	for range 3 {
		_ = pool.Submit(context.Background(), func() { time.Sleep(time.Second) })
	}
	time.Sleep(10 * time.Second)
	_ = pool.Shutdown(context.Background())
	return []any{moves, inbox, sem, permit, pool}
}

// TestGolden holds the whole text exposition of a known program. What differs
// from run to run, durations of our own and the version, is left out.
func TestGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := instrument.NewRegistry()
		keep := example(r)
		got := exposition(t, pedantic(t, r))
		golden := filepath.Join("testdata", "golden.prom")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("exposition differs from %s (go test ./exporter/promexport -update rewrites it); got:\n%s", golden, got)
		}
		runtime.KeepAlive(keep)
	})
}

func exposition(t *testing.T, g prometheus.Gatherer) string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		switch f.GetName() {
		case "weir_build_info", "weir_collect_duration_seconds":
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestLint(t *testing.T) {
	r := instrument.NewRegistry()
	c := instrument.NewChan[int]("c", 1, instrument.WithRegistry(r))
	defer c.Close()
	problems, err := testutil.GatherAndLint(pedantic(t, r))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestDepthIsTrue fills a channel, drains it, and compares what is exported with
// what the channel really holds, for each way of wrapping.
func TestDepthIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := instrument.NewRegistry()
		with := instrument.WithRegistry(r)
		made := instrument.NewChan[int]("made", 64, with)
		native := make(chan int, 64)
		wrapped := instrument.WrapChan("wrapped", native, with)
		watched := instrument.Watch("watched", make(chan int, 64), with)
		queue := instrument.NewQueue[int]("queue", with)
		p := pedantic(t, r)
		check := func(name string, held int) {
			t.Helper()
			if got := value(t, p, "weir_channel_depth", name); got != float64(held) {
				t.Errorf("exported depth of %s = %v, it holds %d", name, got, held)
			}
		}
		checkAll := func() {
			t.Helper()
			time.Sleep(time.Second) // native channels are looked at once a second
			check("made", made.Len())
			check("wrapped", len(native))
			check("watched", len(watched))
			check("queue", queue.Len())
		}
		for i := range 64 {
			made.Send(i)
			wrapped.Send(i)
			watched <- i
			queue.Send(i)
			if i%9 == 0 {
				checkAll()
			}
		}
		checkAll()
		for i := range 64 {
			made.Recv()
			<-native
			<-watched
			queue.Recv()
			if i%9 == 0 {
				checkAll()
			}
		}
		checkAll()
	})
}

func value(t *testing.T, g prometheus.Gatherer, metric, name string) float64 {
	t.Helper()
	for _, m := range family(t, g, metric).GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "name" && l.GetValue() == name {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no %s{name=%q}", metric, name)
	return 0
}

func family(t *testing.T, g prometheus.Gatherer, metric string) *dto.MetricFamily {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == metric {
			return f
		}
	}
	t.Fatalf("no %s", metric)
	return nil
}

// TestHostileNames exports names that could break an exposition, and parses what
// comes out.
func TestHostileNames(t *testing.T) {
	r := instrument.NewRegistry()
	names := []string{`qu"ote`, "new\nline", "bad\xff\xfeutf8", `back\slash`, "nul\x00", "{le=\"1\"} 7", strings.Repeat("x", 4096), "\u2028"}
	keep := make([]*instrument.Chan[int], 0, len(names))
	for _, n := range names {
		keep = append(keep, instrument.NewChan[int](n, 1, instrument.WithRegistry(r), instrument.WithOwner(n)))
	}
	text := exposition(t, pedantic(t, r))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if got := len(parsed["weir_channel_depth"].GetMetric()); got != len(names) {
		t.Errorf("%d depth series, want %d", got, len(names))
	}
	for _, c := range keep {
		c.Close()
	}
}

// TestConcurrentCollect scrapes from several sides while members come and go.
func TestConcurrentCollect(t *testing.T) {
	r := instrument.NewRegistry()
	p := pedantic(t, r)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 200 {
				c := instrument.NewChan[int](fmt.Sprint("name", i%7), 4, instrument.WithRegistry(r))
				c.Send(i)
				if g%2 == 0 {
					if _, err := p.Gather(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	total := 0.0
	for i := range 7 {
		total += value(t, p, "weir_channel_created_total", fmt.Sprint("name", i))
	}
	if total != 800 {
		t.Errorf("created_total sums to %v, want 800", total)
	}
}

func TestUnregisterAndWrap(t *testing.T) {
	r := instrument.NewRegistry()
	c := instrument.NewChan[int]("c", 1, instrument.WithRegistry(r))
	defer c.Close()
	p := prometheus.NewPedanticRegistry()
	wrapped := prometheus.WrapRegistererWith(prometheus.Labels{"zone": "a"}, p)
	collector := promexport.NewCollector(r)
	wrapped.MustRegister(collector)
	for _, m := range family(t, p, "weir_channel_wait_seconds").GetMetric() {
		if len(m.GetLabel()) != 2 {
			t.Errorf("labels = %v, want name and zone", m.GetLabel())
		}
	}
	if !wrapped.Unregister(collector) {
		t.Fatal("Unregister did not find the collector")
	}
	if families, err := p.Gather(); err != nil || len(families) != 0 {
		t.Errorf("after Unregister: %d families, %v", len(families), err)
	}
}
