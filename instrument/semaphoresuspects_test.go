package instrument

import (
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
