package instrument

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestZeroSemaphore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s, other Semaphore
		if !s.TryAcquire(0) || s.TryAcquire(1) || s.Acquire(t.Context(), 0) != nil {
			t.Error("it has permits, or not even none")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, beside := acquiring(ctx, &s, 1), acquiring(ctx, &other, 2)
		if err := <-got; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Acquire: %v", err)
		}
		if err := <-beside; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Acquire beside it: %v", err)
		}
		p, err := s.AcquirePermit(t.Context(), 0)
		if err != nil {
			t.Error(err)
		}
		p.Release()
		s.Release(0)
		if got := panicWith(func() { s.Release(1) }); got != "semaphore: released more than held" {
			t.Errorf("Release(1): panic %v", got)
		}
		if c := s.Stats(); c.Acquired != 0 || c.Name != "" {
			t.Errorf("it is measured: %+v", c)
		}
	})
}

// The texts are those of golang.org/x/sync/semaphore: programs compare them.
func TestSemaphorePanicTexts(t *testing.T) {
	for _, s := range []*Semaphore{NewSemaphore("texts", 2, WithRegistry(quietRegistry())), NewSemaphore("", 2), {}} {
		for _, c := range []struct {
			do   func()
			want string
		}{
			{func() { NewSemaphore("negative", -1, WithRegistry(quietRegistry())) }, "semaphore: size < 0"},
			{func() { _ = s.Acquire(t.Context(), -1) }, "semaphore: n < 0"},
			{func() { _ = s.Acquire(nil, -1) }, "semaphore: n < 0"}, //nolint:staticcheck // a nil ctx is what is tried
			{func() { s.TryAcquire(-1) }, "semaphore: n < 0"},
			{func() { s.Release(-1) }, "semaphore: n < 0"},
			{func() { s.Release(3) }, "semaphore: released more than held"},
		} {
			if got := panicWith(c.do); got != c.want {
				t.Errorf("panic %v, want %q", got, c.want)
			}
		}
		if s.TryAcquire(1) {
			s.Release(1)
		}
	}
}

// After a Release of too many, at home or not, everything is as before.
func TestSemaphoreOverRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("over", 2, WithRegistry(quietRegistry()))
		s.TryAcquire(1)
		mustPanic(t, "releasing two of one", func() { s.Release(2) })
		if s.TryAcquire(2) || !s.TryAcquire(1) {
			t.Error("it made permits")
		}
		got := acquiring(t.Context(), s, 1)
		mustPanic(t, "releasing three of two", func() { s.Release(3) })
		if c := s.Stats(); c.InUse != 2 || c.Waiters != 1 || len(got) != 0 {
			t.Errorf("%d in use, %d wait", c.InUse, c.Waiters)
		}
		s.Release(1)
		if err := <-got; err != nil {
			t.Error(err)
		}
	})
}

func TestSemaphoreCanceledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("cause", 1, WithRegistry(quietRegistry()))
		s.TryAcquire(1)
		ctx, cancel := context.WithCancelCause(t.Context())
		got := acquiring(ctx, s, 1)
		cancel(errors.New("not this one"))
		if err := <-got; err != ctx.Err() { //nolint:errorlint // ctx.Err() itself, as x/sync returns it
			t.Errorf("Acquire: %v", err)
		}
		if s.TryAcquire(1) {
			t.Error("who gave up took or made a permit")
		}
		s.Release(1)
		if !s.TryAcquire(1) {
			t.Error("the permit went to who gave up")
		}
	})
}

// What waits inside of a synctest bubble and outside must not share a channel.
func TestSemaphoreWaitersInAndOutOfBubble(t *testing.T) {
	wait := func(s *Semaphore) {
		s.TryAcquire(1)
		got := make(chan error, 1)
		go func() { got <- s.Acquire(context.Background(), 1) }()
		for s.Stats().Waiters == 0 {
			runtime.Gosched()
		}
		s.Release(1)
		if err := <-got; err != nil {
			t.Error(err)
		}
		s.Release(1)
	}
	for range 3 {
		wait(NewSemaphore("outside", 1, WithRegistry(quietRegistry())))
		synctest.Test(t, func(*testing.T) { wait(NewSemaphore("inside", 1, WithRegistry(quietRegistry()))) })
	}
}

func TestSemaphoreWaitingAllocatesNothing(t *testing.T) {
	s := NewSemaphore("waits", 1, WithRegistry(quietRegistry()))
	ctx, cancel := context.WithCancel(t.Context())
	turn, done := make(chan struct{}), make(chan struct{})
	go func() {
		for range turn {
			for s.m.waiting() == 0 {
				runtime.Gosched()
			}
			s.Release(1)
		}
		close(done)
	}()
	pass := func() {
		s.TryAcquire(1)
		turn <- struct{}{}
		_ = s.Acquire(ctx, 1)
		s.Release(1)
	}
	least := 1.0
	for range 10 { // the collector empties the pool at times
		least = min(least, testing.AllocsPerRun(100, pass))
	}
	if least != 0 && !raceEnabled {
		t.Errorf("an Acquire that waits allocates %v times", least)
	}
	cancel()
	close(turn)
	<-done
}

func (m *semaphoreMember) waiting() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waiters
}

// Permits wander between the word and the waiters on one processor and on many.
func TestSemaphoreHandsOver(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		const goroutines, each = 8, 500
		s := NewSemaphore("handover", 2, WithRegistry(quietRegistry()))
		inside := make([]int, goroutines)
		done := make(chan struct{})
		for g := range goroutines {
			go func() {
				for range each {
					if s.Acquire(context.Background(), 1+int64(g%2)) == nil {
						inside[g]++
						runtime.Gosched()
						s.Release(1 + int64(g%2))
					}
				}
				done <- struct{}{}
			}()
		}
		for range goroutines {
			<-done
		}
		c := s.Stats()
		if slices.Min(inside) != each || c.Acquired != goroutines*each || c.InUse != 0 || c.AcquireWait.Count == 0 {
			t.Errorf("acquired %d of %d, %d in use, %d waits", c.Acquired, goroutines*each, c.InUse, c.AcquireWait.Count)
		}
	})
}
