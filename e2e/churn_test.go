package e2e

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

var churnFor = flag.Duration("churn.for", 10*time.Second, "how long TestAMinuteOfChurn makes and drops objects; a minute shows more")

// TestAMinuteOfChurn makes, uses and drops objects of every kind under a few names
// and leaves them to the garbage collector, while one real Prometheus scrapes the
// program in both modes and another receives it by OTLP: neither may see a counter
// reset, and in the end both must have what was done, counted once. The
// instrument's own TestAnHourOfChurn is the long version, in fake time.
func TestAMinuteOfChurn(t *testing.T) {
	m := newMeasured(t)
	scraping := runPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- {job_name: text, scrape_protocols: [PrometheusText0.0.4], static_configs: [{targets: [%[1]q]}]}
- {job_name: native, scrape_native_histograms: true, static_configs: [{targets: [%[1]q]}]}
`, m.address))
	receiving := runPrometheus(t, "global: {}", "--web.enable-otlp-receiver")
	m.sendOTLP(t, receiving.url+otlpPath, "otlp", "one")

	did := m.churn(t, *churnFor)
	for n := 0; m.members() > 0; n++ {
		if n == 1000 {
			t.Fatalf("%d objects are never collected", m.members())
		}
		runtime.GC()
		runtime.Gosched()
	}
	for job, p := range map[string]prometheus{"text": scraping, "native": scraping, "otlp": receiving} {
		did.check(t, p, job)
		for _, series := range counters(job == "text") {
			expr := fmt.Sprintf("resets(%s{job=%q}[1h]) > 0", series, job)
			if found, err := p.query(expr); err != nil || len(found) > 0 {
				t.Errorf("%s: %v %v", expr, found, err)
			}
		}
	}
	t.Logf("%d channels and queues, %d messages, %d permits, %d tasks: no counter went back, nothing counted twice",
		did.created.Load(), did.sent.Load(), did.acquired.Load(), did.done.Load())
}

// churned is what was done to the objects.
type churned struct{ created, sent, acquired, lost, done atomic.Int64 }

// churn makes and drops objects from four goroutines, and collects garbage.
func (m measured) churn(t *testing.T, d time.Duration) *churned {
	did := new(churned)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for n := g; ctx.Err() == nil; n++ {
				m.useOnce(t, did, n)
				if g == 0 && n%20 == 0 {
					runtime.GC()
				}
				<-tick.C
			}
		})
	}
	all.Wait()
	return did
}

// useOnce makes one object of each kind, uses it and drops it, half of them as they
// are and half in order.
func (m measured) useOnce(t *testing.T, did *churned, n int) {
	name, with, orderly := fmt.Sprint("name", n%5), instrument.WithRegistry(m.registry), n%2 == 0
	c, q := instrument.NewChan[int](name, 4, with), instrument.NewQueue[int](name+" queue", with)
	w := instrument.WrapChan(name+" wrapped", make(chan int, 4), with)
	for i := range 3 {
		c.Send(i)
		q.Send(i)
		w.Send(i)
	}
	q.Recv()
	<-w.C()
	if orderly {
		c.Close()
		for range c.All() {
		}
	}
	s := instrument.NewSemaphore(name, 4, with, instrument.WithTrackAll())
	if p, ok := s.TryAcquirePermit(1); ok && orderly {
		p.Release()
	} else {
		did.lost.Add(1)
	}
	p := instrument.NewPool(name, 1, 1, with)
	submit(t, p, func() {})
	if orderly {
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	g, meter := instrument.NewGroup(name+" group", with), instrument.NewTaskMeter(name+" meter", 1, with)
	g.Go(func() error { return nil })
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	meter.Do(func() {})
	instrument.WatchPool(name+" watched", new(foreignPool), func(*foreignPool) instrument.PoolNumbers { return instrument.PoolNumbers{TasksError: 1} }, with)
	did.created.Add(3)
	did.sent.Add(9)
	did.acquired.Add(1)
	did.done.Add(3)
}

// foreignPool is a pool that is not weir's. Smaller ones share a block of memory
// with others, and are collected only with them.
type foreignPool [64]byte

func (m measured) members() (n int) {
	s := m.registry.Snapshot()
	for _, c := range s.Channels {
		n += c.Members
	}
	for _, c := range s.Semaphores {
		n += c.Members
	}
	for _, c := range s.Pools {
		n += c.Members
	}
	return n
}

// check compares what a Prometheus has of a job, once it has the last of it.
func (d *churned) check(t *testing.T, p prometheus, job string) {
	t.Helper()
	for expr, want := range map[string]int64{
		`sum(weir_channel_created_total{job=%[1]q})`:            d.created.Load(),
		`sum(weir_channel_sends_total{job=%[1]q,outcome="ok"})`: d.sent.Load(),
		`sum(weir_channel_receives_total{job=%[1]q}) + sum(weir_channel_abandoned_messages_total{job=%[1]q}) + sum(weir_channel_unverified_messages_total{job=%[1]q}) + sum(weir_channel_depth{job=%[1]q})`: d.sent.Load(),
		`sum(weir_semaphore_acquires_total{job=%[1]q,outcome="ok"})`: d.acquired.Load(),
		`sum(weir_semaphore_leaked_permits_total{job=%[1]q})`:        d.lost.Load(),
		`sum(weir_pool_tasks_total{job=%[1]q,outcome="ok"})`:         d.done.Load(),
	} {
		expr = fmt.Sprintf(expr, job)
		eventually(t, time.Minute, fmt.Sprint(expr, " is ", want), func() (bool, string) {
			result, err := p.query(expr)
			if err != nil || len(result) != 1 {
				return false, fmt.Sprint(result, err)
			}
			return fmt.Sprint(result[0].Value[1]) == strconv.FormatInt(want, 10), fmt.Sprint(result[0].Value[1])
		})
	}
}

// counters are the series of the table that only go up, classic or native.
func counters(classic bool) (all []string) {
	for _, d := range instrument.Metrics() {
		name := d.PrometheusName()
		switch {
		case d.Kind == instrument.Counter:
			all = append(all, name)
		case d.Kind == instrument.HistogramKind && classic:
			all = append(all, name+"_bucket", name+"_count", name+"_sum")
		case d.Kind == instrument.HistogramKind:
			all = append(all, name)
		}
	}
	return all
}
