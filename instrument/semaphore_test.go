package instrument

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// semaphoreNow reads one name of a registry.
func semaphoreNow(t testing.TB, r *Registry, name string) SemaphoreStats {
	t.Helper()
	s := r.Snapshot()
	i := slices.IndexFunc(s.Semaphores, func(c SemaphoreStats) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no semaphore %q in the snapshot", name)
	}
	return s.Semaphores[i]
}

// valuesOf returns the samples of a metric for a name, by their other labels.
func valuesOf(s Snapshot, metric, name string) map[string]float64 {
	out := make(map[string]float64)
	for _, d := range Metrics() {
		if d.Name != metric {
			continue
		}
		for x := range d.Samples(&s) {
			if x.Labels[0] == name {
				out[strings.Join(x.Labels[1:], ",")] = x.Value
			}
		}
	}
	return out
}

// acquiring starts an Acquire and returns where its error will be.
func acquiring(ctx context.Context, s *Semaphore, n int64) <-chan error {
	got := make(chan error, 1)
	go func() { got <- s.Acquire(ctx, n) }()
	synctest.Wait()
	return got
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", what)
		}
	}()
	f()
}

func TestSemaphoreFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("fifo", 1, WithRegistry(NewRegistry()))
		s.TryAcquire(1)
		var order []int
		for i := range 10 {
			go func() {
				if err := s.Acquire(t.Context(), 1); err == nil {
					order = append(order, i)
				}
			}()
			synctest.Wait()
		}
		for range 10 {
			s.Release(1)
			synctest.Wait()
		}
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("served in order %v", order)
		}
	})
}

func TestSemaphoreLargeRequestIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("large", 10, WithRegistry(NewRegistry()))
		s.TryAcquire(6)
		large := acquiring(t.Context(), s, 8)
		small := acquiring(t.Context(), s, 1)
		none := acquiring(t.Context(), s, 0)
		if s.TryAcquire(1) || len(small) != 0 || len(none) != 0 {
			t.Error("a request passed a large one that came before")
		}
		s.Release(4) // 8 are free now
		synctest.Wait()
		if len(large) != 1 || len(small) != 0 {
			t.Errorf("the large one has its permits: %t, the small one: %t", len(large) == 1, len(small) == 1)
		}
		s.Release(8)
		synctest.Wait()
		if len(small) != 1 || len(none) != 1 {
			t.Error("those after the large one still wait")
		}
	})
}

// A request for more than there is waits for its ctx alone: it must neither hold
// up the others nor, when it gives up, disturb their list.
func TestSemaphoreDoomedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("doomed", 2, WithRegistry(NewRegistry()))
		s.TryAcquire(2)
		var cancels [3]context.CancelFunc
		var doomed, waiting [3]<-chan error
		for i := range doomed {
			var ctx context.Context
			ctx, cancels[i] = context.WithCancel(t.Context())
			doomed[i] = acquiring(ctx, s, 3+int64(i))
			time.Sleep(time.Second)
			waiting[i] = acquiring(t.Context(), s, 1)
			time.Sleep(time.Second)
		}
		if c := s.Stats(); c.Waiters != 6 || c.OldestWaiter != 6*time.Second {
			t.Errorf("%d waiters, the oldest for %v", c.Waiters, c.OldestWaiter)
		}
		s.Release(1)
		synctest.Wait()
		if len(waiting[0]) != 1 {
			t.Error("a waiter was held up by a doomed request")
		}
		for _, i := range []int{1, 0, 2} {
			cancels[i]()
			if err := <-doomed[i]; !errors.Is(err, context.Canceled) {
				t.Errorf("doomed request ended with %v", err)
			}
		}
		if c := s.Stats(); c.Waiters != 2 || c.OldestWaiter != 3*time.Second || c.Canceled != 3 {
			t.Errorf("%d waiters, the oldest for %v, %d canceled", c.Waiters, c.OldestWaiter, c.Canceled)
		}
		for i := 1; i < len(waiting); i++ {
			s.Release(1)
			synctest.Wait()
			if len(waiting[i]) != 1 {
				t.Fatalf("waiter %d was forgotten", i)
			}
		}
	})
}

func TestSemaphoreDoneContextFailsFirst(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := NewSemaphore("done", 1, WithRegistry(NewRegistry()))
	for _, n := range []int64{0, 1, 2} {
		if err := s.Acquire(ctx, n); !errors.Is(err, context.Canceled) {
			t.Errorf("Acquire(%d) with a done ctx: %v", n, err)
		}
	}
	if c := s.Stats(); c.InUse != 0 || c.Canceled != 3 || c.AcquireWait.Count != 0 {
		t.Errorf("in use %d, canceled %d, waits %d", c.InUse, c.Canceled, c.AcquireWait.Count)
	}
	if !s.TryAcquire(1) {
		t.Error("a failed Acquire took the permit")
	}
}

func TestSemaphoreCanceledWhileGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("race", 1, WithRegistry(NewRegistry()))
		gaveBack := 0
		for i := range 2000 {
			s.TryAcquire(1)
			ctx, cancel := context.WithCancel(t.Context())
			got := acquiring(ctx, s, 1)
			if i%2 == 0 {
				cancel()
				s.Release(1)
				if err := <-got; err == nil {
					t.Fatal("canceled before the permit was there, and yet it was taken")
				}
			} else {
				s.Release(1)
				cancel()
				if err := <-got; err == nil {
					s.Release(1)
				} else {
					gaveBack++
				}
			}
		}
		if gaveBack == 0 {
			t.Error("canceled before Acquire returned, and never did it say so")
		}
		if c := s.Stats(); c.InUse != 0 || c.Waiters != 0 || c.Acquired+c.Canceled != 4000 {
			t.Errorf("in use %d, waiters %d, acquired %d, canceled %d", c.InUse, c.Waiters, c.Acquired, c.Canceled)
		}
	})
}

func TestSemaphoreCanceledFirstLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("front", 4, WithRegistry(NewRegistry()))
		s.TryAcquire(2)
		ctx, cancel := context.WithCancel(t.Context())
		large := acquiring(ctx, s, 4)
		small := acquiring(t.Context(), s, 2)
		cancel()
		synctest.Wait()
		if err := <-large; !errors.Is(err, context.Canceled) {
			t.Errorf("canceled request: %v", err)
		}
		if len(small) != 1 {
			t.Error("two permits are free, and the one that wants two waits")
		}
	})
}

func TestSemaphoreZeroAndNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("none", 0, nil, WithRegistry(NewRegistry()))
		if !s.TryAcquire(0) || s.Acquire(nil, 0) != nil { //nolint:staticcheck // a nil ctx is what is tried
			t.Error("no permits are not to be had of none")
		}
		s.Release(0)

		s = NewSemaphore("nil", 1, WithRegistry(NewRegistry()))
		s.TryAcquire(1)
		got := acquiring(nil, s, 1) //nolint:staticcheck // see above
		s.Release(1)
		if err := <-got; err != nil {
			t.Errorf("Acquire with a nil ctx: %v", err)
		}
	})
}

func TestSemaphorePanics(t *testing.T) {
	r := NewRegistry()
	s := NewSemaphore("panics", 2, WithRegistry(r))
	s.TryAcquire(1)
	mustPanic(t, "a negative size", func() { NewSemaphore("negative", -1, WithRegistry(r)) })
	mustPanic(t, "a negative Acquire", func() { _ = s.Acquire(t.Context(), -1) })
	mustPanic(t, "a negative TryAcquire", func() { s.TryAcquire(-1) })
	mustPanic(t, "a negative Release", func() { s.Release(-1) })
	mustPanic(t, "releasing more than held", func() { s.Release(2) })
	mustPanic(t, "a negative permit", func() { s.TryAcquirePermit(-1) })
	if s.TryAcquire(math.MaxInt64) {
		t.Error("all permits of the world were free")
	}
	if c := s.Stats(); c.InUse != 1 || c.Acquired != 1 {
		t.Errorf("after the panics %d in use and %d acquired, not 1 and 1", c.InUse, c.Acquired)
	}
	s.Release(1) // would wait for ever if a panic had kept the lock
}

// semaphoreModel drives a Semaphore with random operations and checks it against
// its own count.
type semaphoreModel struct {
	s                            *Semaphore
	limit                        int64
	held                         atomic.Int64
	acquired, rejected, canceled atomic.Uint64
}

func (m *semaphoreModel) run(t *testing.T, seed uint64, operations int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range operations {
		n := rnd.Int64N(m.limit + 2) // one more than there are at times
		var release func(int64)
		switch rnd.IntN(4) {
		case 0:
			release = m.try(n)
		case 1:
			release = m.permit(rnd, n)
		default:
			release = m.acquire(rnd, n)
		}
		if release == nil {
			continue
		}
		if held := m.held.Add(n); held > m.limit {
			t.Errorf("%d permits held of %d", held, m.limit)
		}
		if rnd.IntN(3) == 0 {
			runtime.Gosched()
		}
		m.held.Add(-n)
		release(n)
	}
}

func (m *semaphoreModel) try(n int64) func(int64) {
	if !m.s.TryAcquire(n) {
		m.rejected.Add(1)
		return nil
	}
	m.acquired.Add(1)
	return m.s.Release
}

func (m *semaphoreModel) permit(rnd *rand.Rand, n int64) func(int64) {
	ctx, cancel := randomContext(rnd)
	p, err := m.s.AcquirePermit(ctx, n)
	cancel()
	if err != nil {
		m.canceled.Add(1)
		return nil
	}
	m.acquired.Add(1)
	return func(int64) { p.Release() }
}

func (m *semaphoreModel) acquire(rnd *rand.Rand, n int64) func(int64) {
	ctx, cancel := randomContext(rnd)
	err := m.s.Acquire(ctx, n)
	cancel()
	if err != nil {
		m.canceled.Add(1)
		return nil
	}
	m.acquired.Add(1)
	return m.s.Release
}

// randomContext is done sooner or later, at times already.
func randomContext(rnd *rand.Rand) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rnd.IntN(200))*time.Microsecond)
	switch rnd.IntN(4) {
	case 0:
		cancel()
	case 1:
		go cancel()
	}
	return ctx, cancel
}

func TestSemaphoreLosesAndMakesNoPermit(t *testing.T) {
	const goroutines, operations = 16, 1500
	r := NewRegistry()
	m := &semaphoreModel{limit: 5}
	m.s = NewSemaphore("model", m.limit, WithRegistry(r))
	var all sync.WaitGroup
	for i := range uint64(goroutines) {
		all.Go(func() { m.run(t, i, operations) })
	}
	stop := watchSemaphore(t, r, "model")
	all.Wait()
	stop()
	c := semaphoreNow(t, r, "model")
	if c.InUse != 0 || c.Waiters != 0 || c.OldestWaiter != 0 {
		t.Errorf("at rest: in use %d, waiters %d, oldest %v", c.InUse, c.Waiters, c.OldestWaiter)
	}
	if c.Acquired != m.acquired.Load() || c.Rejected != m.rejected.Load() || c.Canceled != m.canceled.Load() {
		t.Errorf("counted %d, %d, %d; were %d, %d, %d", c.Acquired, c.Rejected, c.Canceled,
			m.acquired.Load(), m.rejected.Load(), m.canceled.Load())
	}
	if c.Acquired+c.Rejected+c.Canceled != goroutines*operations || c.Canceled == 0 || c.Rejected == 0 {
		t.Errorf("not all operations were counted, or some kind never happened: %d, %d, %d", c.Acquired, c.Rejected, c.Canceled)
	}
	if !m.s.TryAcquire(m.limit) {
		t.Error("not all permits are free at the end")
	}
}

// watchSemaphore reads a name again and again until it is stopped, and fails the
// test where a level is impossible or a counter goes back.
func watchSemaphore(t *testing.T, r *Registry, name string) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var last SemaphoreStats
		for {
			c := semaphoreNow(t, r, name)
			if c.InUse < 0 || c.InUse > c.Limit || c.InUsePeak > c.Limit || c.InUsePeak < c.InUse || c.InUseFloor > c.InUse {
				t.Errorf("in use %d of %d, peak %d, floor %d", c.InUse, c.Limit, c.InUsePeak, c.InUseFloor)
			}
			if c.Acquired < last.Acquired || c.Rejected < last.Rejected || c.Canceled < last.Canceled ||
				c.AcquireWait.Count < last.AcquireWait.Count || c.Hold.Count < last.Hold.Count {
				t.Error("a counter went back")
			}
			last = c
			select {
			case <-end:
				return
			default:
				runtime.Gosched()
			}
		}
	}()
	return func() { close(end); <-ended }
}

func TestSemaphoreWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		s := NewSemaphore("waits", 1, WithRegistry(r))
		s.TryAcquire(1)
		first := acquiring(t.Context(), s, 1)
		time.Sleep(3 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		second := acquiring(ctx, s, 1)
		time.Sleep(time.Second)
		if c := semaphoreNow(t, r, "waits"); c.Waiters != 2 || c.OldestWaiter != 4*time.Second || c.AcquireWait.Count != 0 {
			t.Errorf("%d waiters, the oldest for %v; %d waits over", c.Waiters, c.OldestWaiter, c.AcquireWait.Count)
		}
		s.Release(1)
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		if c := semaphoreNow(t, r, "waits"); c.Waiters != 1 || c.OldestWaiter != time.Second {
			t.Errorf("%d waiters, the oldest for %v", c.Waiters, c.OldestWaiter)
		}
		if err := <-second; !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		s.Release(1)
		c := semaphoreNow(t, r, "waits")
		if c.Waiters != 0 || c.OldestWaiter != 0 || c.AcquireWait.Count != 2 || c.AcquireWait.Sum != 6 {
			t.Errorf("%d waiters, the oldest for %v; %d waits of %v s", c.Waiters, c.OldestWaiter, c.AcquireWait.Count, c.AcquireWait.Sum)
		}
		if q := c.AcquireWait.Quantile(1); math.Abs(q/4-1) > 0.05 {
			t.Errorf("the longest wait was %v s, not 4", q)
		}
	})
}

// TestSemaphoreFloorRatio holds that one semaphore without a free permit shows
// among many of its name, and that one whose permits come back does not.
func TestSemaphoreFloorRatio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		var all []*Semaphore
		for range 100 {
			all = append(all, NewSemaphore("tenants", 4, WithRegistry(r)))
		}
		none := NewSemaphore("none", 0, WithRegistry(r))
		expect := func(when string, want float64) {
			t.Helper()
			if c := semaphoreNow(t, r, "tenants"); c.FloorRatioMax != want {
				t.Errorf("%s: the highest floor is %v of the limit, want %v", when, c.FloorRatioMax, want)
			}
		}
		one := all[7]
		one.TryAcquire(4)
		expect("at once", 0)
		time.Sleep(2 * windowLength)
		expect("two windows later", 1)
		if c := one.Stats(); c.FloorRatioMax != 1 {
			t.Errorf("the semaphore itself says %v", c.FloorRatioMax)
		}
		one.Release(1)
		one.TryAcquire(1)
		expect("after one came back", 0.75)
		if c := semaphoreNow(t, r, "none"); c.FloorRatioMax != 0 {
			t.Errorf("a semaphore of no permits has a ratio of %v", c.FloorRatioMax)
		}
		runtime.KeepAlive(all)
		runtime.KeepAlive(none)
	})
}

func TestSemaphoreWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		s := NewSemaphore("windows", 10, WithRegistry(r))
		expect := func(when string, inUse, peak, floor int64) {
			t.Helper()
			c := semaphoreNow(t, r, "windows")
			if c.InUse != inUse || c.InUsePeak != peak || c.InUseFloor != floor {
				t.Errorf("%s: in use %d, peak %d, floor %d; want %d, %d, %d", when, c.InUse, c.InUsePeak, c.InUseFloor, inUse, peak, floor)
			}
		}
		s.TryAcquire(3)
		s.TryAcquire(5)
		s.Release(5)
		expect("after a burst", 3, 8, 0)
		expect("read again", 3, 8, 0)
		time.Sleep(2 * windowLength)
		expect("two windows later", 3, 3, 3)
		s.Release(2)
		s.TryAcquire(6)
		expect("after a dip", 7, 7, 1)
		time.Sleep(2 * windowLength)
		expect("at last", 7, 7, 7)
		runtime.KeepAlive(s)
	})
}

func TestSemaphoreGroupAddsUp(t *testing.T) {
	r := NewRegistry()
	a := NewSemaphore("group", 3, WithRegistry(r), WithOwner("team-a"))
	b := NewSemaphore("group", 4, WithRegistry(r), WithOwner("team-b"))
	a.TryAcquire(2)
	b.TryAcquire(1)
	b.TryAcquire(9)
	s := r.Snapshot()
	c := s.Semaphores[0]
	if len(s.Semaphores) != 1 || c.Members != 2 || c.Limit != 7 || c.InUse != 3 || c.Acquired != 2 || c.Rejected != 1 {
		t.Errorf("%+v", c)
	}
	if c.Owner != "team-a" || s.Self.ConflictingOptions != 1 {
		t.Errorf("owner %q, %d conflicts", c.Owner, s.Self.ConflictingOptions)
	}
	if own := b.Stats(); own.Members != 1 || own.Limit != 4 || own.InUse != 1 || own.Rejected != 1 {
		t.Errorf("Stats of one: %+v", own)
	}
	if !strings.HasPrefix(c.Site, "instrument.TestSemaphoreGroupAddsUp semaphore_test.go:") || len(c.Sites) != 2 {
		t.Errorf("made at %q", c.Sites)
	}
	got := valuesOf(s, "weir.semaphore.permits_available", "group")
	if len(got) != 1 || got[""] != 4 {
		t.Errorf("available: %v", got)
	}
	runtime.KeepAlive(a)
}

func TestSemaphoreCollected(t *testing.T) {
	r := NewRegistry()
	func() {
		s := NewSemaphore("collected", 3, WithRegistry(r))
		p, _ := s.TryAcquirePermit(2)
		s.TryAcquire(2)
		p.Release()
	}()
	afterGC(t, "the semaphore is gone", func() bool { return semaphoreNow(t, r, "collected").Members == 0 })
	c := semaphoreNow(t, r, "collected")
	if c.Limit != 0 || c.InUse != 0 || c.Acquired != 1 || c.Rejected != 1 {
		t.Errorf("limit %d, in use %d, acquired %d, rejected %d", c.Limit, c.InUse, c.Acquired, c.Rejected)
	}
	if !c.HasPermits || c.Hold.Count != 1 {
		t.Errorf("its Permits are forgotten: %t, %d", c.HasPermits, c.Hold.Count)
	}
}

// What the registry holds must reach neither the semaphore nor who waits for it:
// both would be hidden from the runtime's leak profile.
func TestSemaphoreStatsBlockKeepsNothing(t *testing.T) {
	r := NewRegistry()
	var m *semaphoreMember
	var s weak.Pointer[Semaphore]
	var w weak.Pointer[node[acquirer]]
	func() {
		sem := NewSemaphore("kept", 1, WithRegistry(r), WithReclaim(), WithHoldLimit(time.Hour))
		if _, ok := sem.TryAcquirePermit(1); !ok {
			t.Fatal("no permit")
		}
		m, s = sem.m, weak.Make(sem)
		for _, n := range []int64{1, 2} {
			ctx, cancel := context.WithCancel(t.Context())
			got := make(chan error)
			go func() { got <- sem.Acquire(ctx, n) }()
			for sem.Stats().Waiters == 0 {
				runtime.Gosched()
			}
			sem.m.mu.Lock()
			w = weak.Make(sem.lineOf(n).first)
			sem.m.mu.Unlock()
			cancel()
			if err := <-got; err == nil {
				t.Error("canceled, and yet it acquired")
			}
		}
	}()
	afterGC(t, "semaphore and waiter are gone", func() bool { return s.Value() == nil && w.Value() == nil })
	runtime.KeepAlive(m)
	runtime.KeepAlive(r)
}

func TestSemaphoreUnmeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := func(r *Registry, s *Semaphore) {
			p, err := s.AcquirePermit(t.Context(), 2)
			got := acquiring(t.Context(), s, 1)
			if err != nil || len(got) != 0 || s.TryAcquire(1) {
				t.Error("it does not bound")
			}
			p.Release()
			if err := <-got; err != nil {
				t.Error(err)
			}
			s.Release(1)
			if c := s.Stats(); c.Limit != 0 || c.Acquired != 0 || len(r.Snapshot().Semaphores) != 0 {
				t.Errorf("it is measured: %+v", c)
			}
		}
		r := NewRegistry()
		check(r, NewSemaphore("", 2, WithRegistry(r), WithReclaim()))
		check(r, NewSemaphore("\x00\n", 2, WithRegistry(r), nil))
		t.Setenv("WEIR_DISABLE", "1")
		r = NewRegistry()
		check(r, NewSemaphore("disabled", 2, WithRegistry(r), WithReclaim()))
	})
}

func TestSemaphoreAllocatesNothing(t *testing.T) {
	s := NewSemaphore("allocs", 2, WithRegistry(NewRegistry()))
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		_ = s.Acquire(ctx, 1)
		s.TryAcquire(1)
		s.TryAcquire(1)
		s.Release(2)
	}); n != 0 {
		t.Errorf("Acquire, TryAcquire and Release allocate %v times", n)
	}
}
