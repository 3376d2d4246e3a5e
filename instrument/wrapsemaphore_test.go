package instrument

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slots is somebody else's semaphore: as simple as can be, and unlike ours.
type slots chan struct{}

func (s slots) Acquire(ctx context.Context, n int64) error {
	for i := range n {
		select {
		case s <- struct{}{}:
		case <-ctx.Done():
			s.Release(i)
			return ctx.Err()
		}
	}
	return nil
}

func (s slots) TryAcquire(n int64) bool {
	for i := range n {
		select {
		case s <- struct{}{}:
		default:
			s.Release(i)
			return false
		}
	}
	return true
}

func (s slots) Release(n int64) {
	for range n {
		select {
		case <-s:
		default:
			panic("slots: not taken")
		}
	}
}

func TestWrapSemaphoreCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		inner := make(slots, 3)
		s := WrapSemaphore("wrapped", inner, 3, WithRegistry(r))
		p, err := s.AcquirePermit(t.Context(), 2)
		if err != nil || !s.TryAcquire(1) || s.TryAcquire(1) {
			t.Fatal("it is not the semaphore inside that decides")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		late, got := acquiring(ctx, s, 2), acquiring(t.Context(), s, 1)
		time.Sleep(2 * time.Second)
		if c := s.Stats(); c.Waiters != 2 || c.OldestWaiter != 2*time.Second || c.InUse != 3 || c.AcquireWait.Count != 0 {
			t.Errorf("%d wait, for %v; %d in use", c.Waiters, c.OldestWaiter, c.InUse)
		}
		s.Release(1)
		synctest.Wait()
		if err := <-late; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it never got two, but %v", err)
		}
		if err := <-got; err != nil {
			t.Error(err)
		}
		p.Release()
		p.Release()
		s.Release(1)
		c := semaphoreNow(t, r, "wrapped")
		if c.Acquired != 3 || c.Rejected != 1 || c.Canceled != 1 || c.InUse != 0 || c.Waiters != 0 || c.UntrackedReleases != 0 {
			t.Errorf("acquired %d, rejected %d, canceled %d, in use %d, waiters %d, untracked %d",
				c.Acquired, c.Rejected, c.Canceled, c.InUse, c.Waiters, c.UntrackedReleases)
		}
		if c.AcquireWait.Count != 2 || c.Hold.Count != 1 || c.InUsePeak != 3 || len(inner) != 0 {
			t.Errorf("%d waits, %d holds, peak %d", c.AcquireWait.Count, c.Hold.Count, c.InUsePeak)
		}
	})
}

func TestWrapSemaphoreUsedFromBothSides(t *testing.T) {
	r := quietRegistry()
	inner := make(slots, 4)
	s := WrapSemaphore("sides", inner, 4, WithRegistry(r))
	expect := func(when string, inUse int64, untracked float64) {
		t.Helper()
		snap := r.Snapshot()
		got := valuesOf(snap, "weir.semaphore.untracked_releases", "sides")
		if c := snap.Semaphores[0]; c.InUse != inUse || got[""] != untracked {
			t.Errorf("%s: %d in use and %v untracked, not %d and %v", when, c.InUse, got, inUse, untracked)
		}
	}
	inner.TryAcquire(3)
	s.Release(2)
	expect("taken inside, released outside", 0, 2)
	s.TryAcquire(3)
	inner.Release(3)
	expect("released inside", 3, 2)
	s.TryAcquire(3)
	expect("taken again, more than there are", 4, 4)
	s.Release(3)
	expect("and released", 1, 4)
	runtime.KeepAlive(s)
}

func TestUntrackedReleasesAbsentWhereNothingIsWrapped(t *testing.T) {
	r := quietRegistry()
	s := NewSemaphore("own", 1, WithRegistry(r))
	if got := valuesOf(r.Snapshot(), "weir.semaphore.untracked_releases", "own"); len(got) != 0 {
		t.Errorf("untracked releases: %v", got)
	}
	w := WrapSemaphore("own", s, 1, WithRegistry(r))
	if got := valuesOf(r.Snapshot(), "weir.semaphore.untracked_releases", "own"); len(got) != 1 {
		t.Errorf("with a wrapped one: %v", got)
	}
	runtime.KeepAlive(w)
}

// A wrapped semaphore has its own idea of contexts, and its own panics.
func TestWrapSemaphoreKeepsSemantics(t *testing.T) {
	r := quietRegistry()
	eager := eager{make(slots, 2)}
	s := WrapSemaphore("eager", eager, 2, WithRegistry(r))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Acquire(ctx, 1); err != nil {
		t.Errorf("it acquires with a done ctx, but: %v", err)
	}
	if err := s.Acquire(ctx, 3); err == nil {
		t.Error("three of two")
	}
	if c := s.Stats(); c.Acquired != 1 || c.Canceled != 1 || c.InUse != 1 || c.AcquireWait.Count != 0 {
		t.Errorf("%+v", c)
	}
	if got := panicWith(func() { s.Release(2) }); got != "slots: not taken" {
		t.Errorf("panic %v", got)
	}
	if got := panicWith(func() { _ = s.Acquire(nil, 5) }); got == nil { //nolint:staticcheck // a nil ctx is what is tried
		t.Error("a nil ctx does not come through")
	}
	if got := panicWith(func() { _ = WrapSemaphore("nil", nil, 1, WithRegistry(r)).TryAcquire(1) }); got == nil {
		t.Error("a nil semaphore can be used")
	}
	own := WrapSemaphore("negative", NewSemaphore("", 1), 1, WithRegistry(r))
	for what, f := range map[string]func(){
		"Acquire":    func() { _ = own.Acquire(t.Context(), -1) },
		"TryAcquire": func() { own.TryAcquire(-1) },
		"Release":    func() { own.Release(-1) },
	} {
		if got := panicWith(f); got != "semaphore: n < 0" {
			t.Errorf("%s(-1): panic %v", what, got)
		}
	}
	if c := own.Stats(); c.Acquired+c.Rejected+c.Canceled+c.UntrackedReleases != 0 || c.InUse != 0 || c.Waiters != 0 {
		t.Errorf("panics were counted: %+v", c)
	}
}

// eager takes what is free also for a done ctx.
type eager struct{ slots }

func (e eager) Acquire(ctx context.Context, n int64) error {
	if e.TryAcquire(n) {
		return nil
	}
	return e.slots.Acquire(ctx, n)
}

// panicWith runs f and returns what it panics with, or nil.
func panicWith(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestWrapSemaphoreNegativePermits(t *testing.T) {
	var log bytes.Buffer
	r := NewRegistry(WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	s := WrapSemaphore("less", make(slots, 1), -3, WithRegistry(r))
	if c := s.Stats(); c.Limit != 0 || !s.TryAcquire(1) {
		t.Errorf("limit %d", c.Limit)
	}
	if c := s.Stats(); c.InUse != 0 || c.UntrackedReleases != 1 {
		t.Errorf("%d in use of none, %d untracked", c.InUse, c.UntrackedReleases)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "name=less permits=-3") {
		t.Errorf("logged %q", log.String())
	}
}

func TestWrapSemaphoreUnmeasured(t *testing.T) {
	s := WrapSemaphore("", make(slots, 2), 2)
	p, err := s.AcquirePermit(t.Context(), 2)
	if err != nil || s.TryAcquire(1) {
		t.Error("it does not bound")
	}
	p.Release()
	if c := s.Stats(); c.Limit != 0 || !s.TryAcquire(2) {
		t.Errorf("measured, or not released: %+v", c)
	}
	s.Release(2)
}

// Whoever uses the wrapper alone has a count that is right at every moment.
func TestWrapSemaphoreLosesAndMakesNoPermit(t *testing.T) {
	const goroutines, operations = 16, 1500
	r := quietRegistry()
	m := &semaphoreModel{limit: 5}
	m.s = WrapSemaphore("model", NewSemaphore("", m.limit), m.limit, WithRegistry(r))
	var all sync.WaitGroup
	for i := range uint64(goroutines) {
		all.Go(func() { m.run(t, i, operations) })
	}
	stop := watchSemaphore(t, r, "model")
	all.Wait()
	stop()
	c := semaphoreNow(t, r, "model")
	if c.InUse != 0 || c.Waiters != 0 || c.UntrackedReleases != 0 || !m.s.TryAcquire(m.limit) {
		t.Errorf("at rest: in use %d, waiters %d, untracked %d", c.InUse, c.Waiters, c.UntrackedReleases)
	}
	if c.Acquired != m.acquired.Load() || c.Rejected != m.rejected.Load() || c.Canceled != m.canceled.Load() {
		t.Errorf("counted %d, %d, %d; were %d, %d, %d", c.Acquired, c.Rejected, c.Canceled,
			m.acquired.Load(), m.rejected.Load(), m.canceled.Load())
	}
}

func TestWrapSemaphoreReclaims(t *testing.T) {
	r := quietRegistry()
	inner := NewSemaphore("", 3)
	s := WrapSemaphore("reclaim", inner, 3, WithRegistry(r), WithReclaim())
	forgetInlined(s)
	afterGC(t, "the permits are back", func() bool { return s.Stats().InUse == 0 && inner.TryAcquire(3) })
	if c := s.Stats(); len(leakedAt(c)) != 1 || c.missing.permits != 0 || c.UntrackedReleases != 0 {
		t.Errorf("leaked %v, missing %d, untracked %d", leakedAt(c), c.missing.permits, c.UntrackedReleases)
	}
	// What the program took away behind our back cannot be given back: the
	// semaphore's panic is contained, and counted.
	inner.Release(3)
	forgetInlined(s)
	inner.Release(3)
	afterGC(t, "the panic is counted", func() bool { return r.Snapshot().Self.CollectFaults == 1 })
	runtime.KeepAlive(s)
}

func TestWrapSemaphoreAllocatesNothing(t *testing.T) {
	s := WrapSemaphore("allocs", NewSemaphore("", 2), 2, WithRegistry(quietRegistry()))
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
