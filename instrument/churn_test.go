package instrument

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnHourOfChurn makes, uses and retires objects of every kind for an hour,
// under names that come and go, and reads as a scraper does: what was counted
// must never become less while its name is known, and nothing may count twice.
// Retirement is synchronous here, where the garbage collector's moment would be
// another one each time; TestAMinuteOfChurn of the end-to-end tests leaves it to
// the collector.
func TestAnHourOfChurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(WithLogger(slog.New(slog.DiscardHandler)))
		x := &churn{registry: r, totals: map[string]Sample{}}
		for second := range 3600 {
			name := fmt.Sprint("name", second%5)
			x.make(t, name)
			if second%7 == 0 {
				x.makeOthers(t, name)
			}
			x.retireSome(second)
			time.Sleep(time.Second)
			if second%15 == 0 {
				x.read(t)
			}
		}
		for len(x.alive) > 0 {
			x.retireSome(0)
		}
		x.read(t)
		x.check(t)
	})
}

// churn makes objects and counts itself what they must have counted.
type churn struct {
	registry *Registry
	alive    []func() // each retires one
	totals   map[string]Sample
	did      churned
}

// churned is what was done, or counted, in all.
type churned struct{ sent, received, left, acquired, done, created uint64 }

func (x *churned) add(y churned) {
	x.sent += y.sent
	x.received += y.received
	x.left += y.left
	x.acquired += y.acquired
	x.done += y.done
	x.created += y.created
}

// make makes objects of every kind under a name, and moves their counters.
func (x *churn) make(t *testing.T, name string) {
	with := WithRegistry(x.registry)
	c, q := NewChan[int](name, 4, with), NewQueue[int](name+" queue", with)
	for i := range 3 {
		c.Send(i)
		q.Send(i)
	}
	time.Sleep(time.Millisecond)
	c.Recv()
	q.Recv()
	s := NewSemaphore(name, 4, with)
	if p, ok := s.TryAcquirePermit(2); ok {
		p.Release()
	}
	p := NewPool(name, 1, 1, with)
	for range 2 {
		if err := p.Submit(t.Context(), func() { time.Sleep(time.Millisecond) }); err != nil {
			t.Error(err)
		}
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	x.did.add(churned{sent: 6, received: 2, left: 4, acquired: 1, done: 2, created: 2})
	forever = append(forever, c, q, s, p) // or the collector would retire them once more
	x.alive = append(x.alive, c.m.retire, q.m.retire, s.m.retire, p.s.m.endedOnce)
}

// makeOthers makes those that are wrapped around something, and those that have no
// goroutines of their own.
func (x *churn) makeOthers(t *testing.T, name string) {
	with := WithRegistry(x.registry)
	c := WrapChan(name+" wrapped", make(chan int, 4), with)
	for i := range 3 {
		c.Send(i)
	}
	c.Recv()
	s := WrapSemaphore(name+" wrapped", NewSemaphore("", 4), 4, with)
	if s.TryAcquire(1) {
		s.Release(1)
	}
	g, m := NewGroup(name+" group", with), NewTaskMeter(name+" meter", 1, with)
	g.Go(func() error { return nil })
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	m.Do(func() {})
	x.did.add(churned{sent: 3, received: 1, left: 2, acquired: 1, done: 2, created: 1})
	forever = append(forever, c, s, g, m)
	x.alive = append(x.alive, c.m.retire, s.m.retire, g.m.leave, func() { m.m.series.retire(m.m) })
}

// retireSome retires one to nine objects, so that some live long.
func (x *churn) retireSome(n int) {
	for range min(1+n%9, len(x.alive)) {
		i := (n * 31) % len(x.alive)
		x.alive[i]()
		x.alive[i] = x.alive[len(x.alive)-1]
		x.alive = x.alive[:len(x.alive)-1]
	}
}

// read reads everything and fails where a total became less.
func (x *churn) read(t *testing.T) {
	t.Helper()
	s := x.registry.Snapshot()
	for _, d := range Metrics() {
		if d.Kind == Gauge {
			continue
		}
		for v := range d.Samples(&s) {
			key := d.Name + strings.Join(v.Labels, ",")
			before, known := x.totals[key]
			if known && (less(v, before) || !v.Start.Equal(before.Start)) {
				t.Fatalf("%s goes back from %+v to %+v", key, before, v)
			}
			x.totals[key] = v
		}
	}
}

// less reports whether a total, or any bucket of it, is below an earlier one.
func less(now, before Sample) bool {
	if now.Histogram == nil {
		return now.Value < before.Value
	}
	a, b := now.Histogram, before.Histogram
	if a.Count < b.Count || a.Sum < b.Sum || a.Zero < b.Zero {
		return true
	}
	for k, n := range b.Buckets {
		if i := b.Start + k - a.Start; n > 0 && (i < 0 || i >= len(a.Buckets) || a.Buckets[i] < n) {
			return true
		}
	}
	return false
}

// check compares the sums over all names with what was done.
func (x *churn) check(t *testing.T) {
	t.Helper()
	var counted churned
	s := x.registry.Snapshot()
	for _, c := range s.Channels {
		balance(t, c)
		counted.add(churned{sent: c.Sent, received: c.Received, left: c.Abandoned + c.Unverified + uint64(c.Depth), created: c.Created})
	}
	for _, c := range s.Semaphores {
		counted.add(churned{acquired: c.Acquired})
	}
	for _, p := range s.Pools {
		counted.add(churned{done: p.TasksOK})
	}
	if counted != x.did {
		t.Errorf("counted %+v, did %+v", counted, x.did)
	}
	runtime.KeepAlive(x)
}

// ends make one object of each kind, which the collector never gets, and return what
// ends it in its place.
var ends = map[string]func(name string, with Option) (end func()){
	"channel": func(name string, with Option) func() {
		c := NewChan[int](name, 1, with)
		forever = append(forever, c)
		return c.m.retire
	},
	"queue": func(name string, with Option) func() {
		q := NewQueue[int](name, with)
		forever = append(forever, q)
		return q.m.retire
	},
	"semaphore": func(name string, with Option) func() {
		s := NewSemaphore(name, 1, with)
		forever = append(forever, s)
		return s.m.retire
	},
	"pool": func(name string, with Option) func() {
		p := NewPool(name, 1, 1, with)
		forever = append(forever, p)
		return func() { _ = p.Shutdown(context.Background()); p.s.m.endedOnce() }
	},
	"group": func(name string, with Option) func() {
		g := NewGroup(name, with)
		forever = append(forever, g)
		return g.m.leave
	},
	"task meter": func(name string, with Option) func() {
		m := NewTaskMeter(name, 1, with)
		forever = append(forever, m)
		return func() { m.m.series.retire(m.m) }
	},
}

// TestNamesFreeTheirSlot: what has had no member for an hour makes room under the
// cap, of whatever kind it was, and not before. If it comes back its counters begin
// anew, and say so.
func TestNamesFreeTheirSlot(t *testing.T) {
	for kind, open := range ends {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRegistry(WithMaxNames(1), WithLogger(slog.New(slog.DiscardHandler)))
				open("a", WithRegistry(r))()
				synctest.Wait()
				time.Sleep(emptySeriesTTL - time.Second)
				end := open("b", WithRegistry(r))
				if n := r.Snapshot().Self.SeriesOverflow; n != 1 {
					t.Errorf("%d names over the cap, want 1", n)
				}
				time.Sleep(time.Second)
				r.Snapshot() // until somebody looks, a name could go on as it was
				defer open("a", WithRegistry(r))()
				s := r.Snapshot()
				if s.Self.SeriesOverflow != 1 {
					t.Errorf("%d names over the cap after an hour, want 1", s.Self.SeriesOverflow)
				}
				for _, d := range Metrics() {
					for x := range d.Samples(&s) {
						if d.Kind == Counter && len(x.Labels) > 0 && x.Labels[0] == "a" && (x.Value != 0 && d.Name != "weir.channel.created" || !x.Start.Equal(time.Now())) {
							t.Errorf("%s begins again at %v with %v", d.Name, x.Start, x.Value)
						}
					}
				}
				end()
			})
		})
	}
}

// TestNameIsNotForgottenTooEarly has readers look at a name that was empty long ago
// at the moment when it gets empty again.
func TestNameIsNotForgottenTooEarly(t *testing.T) {
	for range 20_000 {
		s := new(series)
		s.emptyAt.Store(now() - 2*int64(emptySeriesTTL))
		s.members.Store(1)
		left := make(chan struct{})
		go func() { s.leave(); close(left) }()
		for s.members.Load() == 1 {
			runtime.Gosched()
		}
		if s.expired(now()) {
			t.Fatal("a name that has just lost its last member is forgotten")
		}
		<-left
	}
}
