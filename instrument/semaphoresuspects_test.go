package instrument

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The permits of Acquire have no owner: that nothing is released stands in.
func TestSemaphoreNothingReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		s := NewSemaphore("still", 8, WithRegistry(r), WithHoldLimit(time.Minute))
		r.Snapshot() // from now on it is sampled
		watch := func(d time.Duration) Suspect {
			time.Sleep(d)
			return suspectIn(r.Snapshot(), "nothing_released")
		}
		if x := watch(time.Hour); x.Count != 0 {
			t.Errorf("nothing in use, and a suspect %+v", x)
		}
		s.TryAcquire(3)
		start := time.Now()
		if x := watch(time.Minute); x.Count != 0 {
			t.Errorf("at the limit: %+v", x)
		}
		x := watch(2 * time.Second)
		if x.Kind != "semaphore" || x.Evidence != Heuristic || x.Count != 3 || x.Since.Sub(start) > time.Second ||
			!strings.HasPrefix(x.Site, "instrument.TestSemaphoreNothingReleased.func1 ") {
			t.Errorf("suspect %+v, since %v", x, x.Since.Sub(start))
		}
		s.Release(1)
		if x := watch(time.Minute); x.Count != 0 {
			t.Errorf("after a release: %+v", x)
		}
		for range 10 { // always three in use, and always another
			s.TryAcquire(1)
			s.Release(1)
			if x := watch(59 * time.Second); x.Count != 0 {
				t.Errorf("while permits come and go: %+v", x)
			}
		}
		s.Release(2)
		p, _ := s.TryAcquirePermit(2)
		snap := Snapshot{}
		for range 3 {
			time.Sleep(time.Minute)
			snap = r.Snapshot()
		}
		if suspectIn(snap, "nothing_released").Count != 0 || suspectIn(snap, "held_too_long").Count != 1 {
			t.Errorf("where a Permit says more: %v", snap.Suspects)
		}
		p.Release()
	})
}

func TestSemaphoreRisingFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		leaky := NewSemaphore("leaky", 100, WithRegistry(r), WithHoldLimit(2*time.Minute))
		busy := NewSemaphore("busy", 100, WithRegistry(r), WithHoldLimit(2*time.Minute))
		silent := NewSemaphore("silent", 100, WithRegistry(r))
		r.Snapshot()
		suspects := make(map[string]Suspect)
		for minute := range 12 {
			for _, s := range []*Semaphore{leaky, silent} {
				s.TryAcquire(1) // and never released
			}
			for range 60 { // the load
				n := int64(1 + minute%3)
				for _, s := range []*Semaphore{leaky, busy, silent} {
					s.TryAcquire(n)
				}
				time.Sleep(time.Second)
				for _, s := range []*Semaphore{leaky, busy, silent} {
					s.Release(n)
				}
			}
			for _, x := range r.Snapshot().Suspects {
				suspects[x.Name] = x
			}
		}
		x := suspects["leaky"]
		if len(suspects) != 1 || x.Reason != "rising_floor" || x.Evidence != Heuristic || x.Count < 4 || x.Count > 12 {
			t.Errorf("suspects %v", suspects)
		}
		leaky.Release(12)
		time.Sleep(3 * windowLength)
		if x := suspectIn(r.Snapshot(), "rising_floor"); x.Count != 0 {
			t.Errorf("after it fell: %+v", x)
		}
		runtime.KeepAlive(busy)
		runtime.KeepAlive(silent)
	})
}

// TestAcquirerBlocked has goroutines wait for permits, of which there are four: in
// vain, and in lines that are worked off.
func TestAcquirerBlocked(t *testing.T) {
	type semaphore struct {
		*Semaphore
		come func(n int64, goroutines int)
	}
	full := func(s semaphore) { s.TryAcquire(4) }
	for name, c := range map[string]struct {
		options []SemaphoreOption
		begin   func(s semaphore)
		step    func(i int, s semaphore) // every ten seconds
		after   time.Duration            // of the suspicion; 0 is never
		count   uint64
	}{
		"nothing is released": {begin: func(s semaphore) { full(s); s.come(1, 3) }, after: 5 * time.Minute, count: 3},
		"nothing is released, but longer by design": {
			options: []SemaphoreOption{WithHoldLimit(time.Hour)},
			begin:   func(s semaphore) { full(s); s.come(1, 3) }, after: time.Hour, count: 3,
		},
		"nothing is released, and told": {
			options: []SemaphoreOption{WithHoldLimit(time.Hour), WithWaitLimit(time.Minute)},
			begin:   func(s semaphore) { full(s); s.come(1, 1) }, after: time.Minute, count: 1,
		},
		"more than there are, while others come and go": {
			begin: func(s semaphore) { s.come(5, 1) },
			step:  func(_ int, s semaphore) { s.TryAcquire(1); s.Release(1) }, after: 5 * time.Minute, count: 1,
		},
		"a line that only grows": {
			begin: full,
			step:  func(_ int, s semaphore) { s.come(1, 2); s.Release(1) }, after: 10 * time.Minute, count: 60,
		},
		"a fan of goroutines":    {begin: func(s semaphore) { full(s); s.come(1, 600) }, step: func(_ int, s semaphore) { s.Release(1) }},
		"a line as long as ever": {begin: func(s semaphore) { full(s); s.come(1, 40) }, step: func(_ int, s semaphore) { s.come(1, 1); s.Release(1) }},
		"nobody waits":           {begin: full},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRegistry()
				ctx, cancel := context.WithCancel(t.Context())
				s := semaphore{Semaphore: NewSemaphore("s", 4, append(c.options, WithRegistry(r))...)}
				s.come = func(n int64, goroutines int) {
					for range goroutines {
						go func() { _ = s.Acquire(ctx, n) }() // fails at the end only
					}
					synctest.Wait()
				}
				r.Snapshot()
				began := time.Now()
				c.begin(s)
				var x Suspect
				for i := 0; i < 500 && x.Count == 0; i++ {
					time.Sleep(10 * time.Second)
					if c.step != nil {
						c.step(i, s)
					}
					x = suspectIn(r.Snapshot(), "acquirer_blocked")
				}
				switch after := time.Since(began); {
				case c.after == 0:
					if x.Count != 0 {
						t.Errorf("suspected after %v: %+v", after, x)
					}
				case after < c.after || after > c.after+time.Minute || x.Count < c.count || x.Count > c.count+10 ||
					x.Kind != "semaphore" || x.Evidence != Heuristic || time.Since(x.Since) < c.after/2 ||
					!strings.HasPrefix(x.Site, "instrument.TestAcquirerBlocked."):
					t.Errorf("suspected after %v: %+v", after, x)
				}
				cancel()
				synctest.Wait()
				if x := suspectIn(r.Snapshot(), "acquirer_blocked"); x.Count != 0 {
					t.Errorf("nobody waits any more, and still %+v", x)
				}
			})
		})
	}
}

// picky hands out small requests at once, and a large one when it is told to.
type picky chan struct{}

func (p picky) Acquire(context.Context, int64) error { <-p; return nil }
func (p picky) TryAcquire(n int64) bool              { return n < 4 }
func (p picky) Release(int64)                        {}

// TestWrappedAcquirerBlocked has somebody wait inside of a semaphore that is wrapped,
// where nothing is known of lines: nothing is wrong while permits come and go.
func TestWrappedAcquirerBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		inner := make(picky)
		s := WrapSemaphore("s", inner, 4, WithRegistry(r))
		r.Snapshot()
		s.TryAcquire(1)
		got := acquiring(t.Context(), s, 4)
		for range 5 {
			time.Sleep(4 * time.Minute)
			if x := suspectIn(r.Snapshot(), "acquirer_blocked"); x.Count != 0 {
				t.Errorf("while permits come and go: %+v", x)
			}
			s.TryAcquire(1)
			s.Release(1)
		}
		time.Sleep(5*time.Minute + 2*time.Second)
		if x := suspectIn(r.Snapshot(), "acquirer_blocked"); x.Count != 1 {
			t.Errorf("it waits in vain, and the suspects are %+v", r.Snapshot().Suspects)
		}
		inner <- struct{}{}
		if err := <-got; err != nil {
			t.Error(err)
		}
		if s := r.Snapshot(); len(s.Suspects) != 0 {
			t.Errorf("it has its permits, and still %+v", s.Suspects)
		}
	})
}

// TestThresholdsAreExported: what nobody set has a value as well.
func TestThresholdsAreExported(t *testing.T) {
	r := NewRegistry()
	c := NewChan[int]("c", 1, WithRegistry(r))
	s := NewSemaphore("s", 1, WithRegistry(r))
	held := NewSemaphore("held", 1, WithRegistry(r), WithHoldLimit(time.Hour))
	snap := r.Snapshot()
	for _, want := range []struct {
		metric, name string
		seconds      float64
	}{
		{"weir.channel.stall_threshold", "c", 300},
		{"weir.semaphore.wait_threshold", "s", 300},
		{"weir.semaphore.wait_threshold", "held", 3600},
		{"weir.semaphore.hold_threshold", "held", 3600},
	} {
		if got := valuesOf(snap, want.metric, want.name); len(got) != 1 || got[""] != want.seconds {
			t.Errorf("%s of %s is %v, want %v", want.metric, want.name, got, want.seconds)
		}
	}
	if got := numberOf(t, snap, "weir.leak.look_interval"); got != 30 {
		t.Errorf("the goroutines are said to be looked at every %v s", got)
	}
	runtime.KeepAlive(c)
	runtime.KeepAlive(s)
	runtime.KeepAlive(held)
}
