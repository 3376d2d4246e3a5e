package instrument

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// carrier is how a Permit usually gets lost: together with something else.
type carrier struct {
	permit *Permit
	_      [64]byte // a body
}

// lose drops n Permits of one in each of several ways.
func lose(s *Semaphore, n int) (ways uint64) {
	held := make(map[int]carrier)
	queue := make(chan carrier, n)
	for i := range n {
		p, err := s.AcquirePermit(context.Background(), 1)
		held[i] = carrier{permit: p}
		if err == nil {
			p, _ = s.TryAcquirePermit(1)
			queue <- carrier{permit: p} // nobody will receive
		}
		func() {
			p, err := s.AcquirePermit(context.Background(), 1)
			if err == nil && fails() {
				return // the error path
			}
			p.Release()
		}()
		func() {
			defer func() { _ = recover() }()
			p, _ := s.TryAcquirePermit(1)
			p = panics(p)
			p.Release()
		}()
	}
	clear(held)
	return uint64(4 * n)
}

//go:noinline
func fails() bool { return true }

func leakedIn(c SemaphoreStats) (n uint64) {
	for _, l := range c.Leaked {
		n += l.Permits
	}
	return n
}

// At an ordinary rate, and everywhere with WithTrackAll, each lost permit counts.
func TestPermitEachLossCounts(t *testing.T) {
	for what, opt := range map[string]SemaphoreOption{"ordinary": nil, "track all": WithTrackAll()} {
		s := NewSemaphore(what, 10_000, WithRegistry(quietRegistry()), opt)
		n := 200 // fewer than make a rate
		if opt != nil {
			n = 2000
		}
		want := lose(s, n)
		afterGC(t, what+": all are found", func() bool { return s.Stats().missing.permits == int64(want) })
		c := s.Stats()
		if got := leakedIn(c); got != want || len(leakedAt(c)) != 4 || c.InUse != int64(want) {
			t.Errorf("%s: %d of %d counted, at %v", what, got, want, leakedAt(c))
		}
	}
}

// At full speed what is counted is a lower bound, and not a bad one.
func TestPermitLossesAtFullSpeed(t *testing.T) {
	s := NewSemaphore("full speed", 1_000_000, WithRegistry(quietRegistry()))
	s.m.thinning.set(true)
	s.m.thinning.choose() // on a machine that is too slow for this rate it ends by itself
	want := lose(s, 20_000)
	afterGC(t, "some are found", func() bool {
		return leakedIn(s.Stats()) > want/thinTo*3/4
	})
	for range 3 {
		runtime.GC()
	}
	if got := leakedIn(s.Stats()); got > want {
		t.Errorf("%d counted, and %d were lost", got, want)
	}
}

// Of a million that were released none is reported, however they are tracked.
func TestPermitMillionReleased(t *testing.T) {
	const goroutines, each = 4, 250_000
	r := quietRegistry()
	for what, opt := range map[string]SemaphoreOption{"ordinary": nil, "track all": WithTrackAll()} {
		s := NewSemaphore(what, 100, WithRegistry(r), opt)
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				var held [24]*Permit
				for i := range each {
					held[i%len(held)].Release()
					held[i%len(held)], _ = s.TryAcquirePermit(1)
					if i%50_000 == 0 {
						runtime.GC()
					}
				}
				for _, p := range held {
					p.Release()
				}
			})
		}
		all.Wait()
		marker := NewSemaphore("marker", 1, WithRegistry(r))
		forgetInlinedOne(marker)
		afterGC(t, "the collector has passed", func() bool { return marker.Stats().missing.permits == 1 })
		c := s.Stats()
		if leakedIn(c) != 0 || c.InUse != 0 || c.missing.permits != 0 || c.Acquired+c.Rejected != goroutines*each {
			t.Errorf("%s: %d leaked, %d in use, %d acquired, %d rejected", what, leakedIn(c), c.InUse, c.Acquired, c.Rejected)
		}
		if opt != nil && c.Hold.Count != c.Acquired {
			t.Errorf("%s: %d holds of %d", what, c.Hold.Count, c.Acquired)
		}
	}
}

// A Permit that a stuck goroutine holds is not lost, but it gets old.
func TestPermitOfStuckGoroutineShowsByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		s := NewSemaphore("stuck", 2, WithRegistry(r), WithHoldLimit(time.Minute))
		end := make(chan struct{})
		go holdUntil(s, end)
		time.Sleep(time.Hour)
		runtime.GC()
		snap := r.Snapshot()
		c, x := snap.Semaphores[0], suspectIn(snap, "held_too_long")
		if c.OldestPermit != time.Hour || leakedIn(c) != 0 || x.Count != 1 ||
			!strings.HasPrefix(x.Site, "instrument.holdUntil permitleak_test.go:") {
			t.Errorf("oldest %v, %d leaked, suspect %+v", c.OldestPermit, leakedIn(c), x)
		}
		close(end)
		synctest.Wait()
		if c := s.Stats(); c.InUse != 0 || c.OldestPermit != 0 {
			t.Errorf("%d in use, oldest %v", c.InUse, c.OldestPermit)
		}
	})
}

func holdUntil(s *Semaphore, end chan struct{}) {
	p, _ := s.TryAcquirePermit(1)
	defer p.Release()
	<-end
}

// A semaphore that is dropped with its Permits says so too.
func TestPermitLostWithItsSemaphore(t *testing.T) {
	r := quietRegistry()
	func() {
		s := NewSemaphore("dropped", 4, WithRegistry(r))
		p, _ := s.TryAcquirePermit(1)
		p.Release() // leaves a token behind, which is none of the lost
		forgetInlined(s)
	}()
	afterGC(t, "both are gone", func() bool {
		c := semaphoreNow(t, r, "dropped")
		return c.Members == 0 && leakedIn(c) == 3
	})
}

// A token goes from Permit to Permit: releasing an old one again is not to release
// the new one.
func TestPermitReleasedAgainAfterReuse(t *testing.T) {
	s := NewSemaphore("reuse", 4, WithRegistry(quietRegistry()))
	old, _ := s.TryAcquirePermit(1)
	old.Release()
	p, _ := s.TryAcquirePermit(2)
	if old.token != p.token {
		t.Error("the token is not used again")
	}
	old.Release()
	if c := s.Stats(); c.InUse != 2 || c.Hold.Count != 1 || c.OldestPermit == 0 {
		t.Errorf("%d in use, %d holds", c.InUse, c.Hold.Count)
	}
	p.Release()
}

// While a leak profile is taken no semaphore is touched: reclaiming waits.
func TestPermitReclaimWaitsForTheProfile(t *testing.T) {
	s := NewSemaphore("profile", 3, WithRegistry(quietRegistry()), WithReclaim())
	looking.Lock()
	forgetInlined(s)
	afterGC(t, "the loss is counted", func() bool { return leakedIn(s.Stats()) == 3 })
	if c := s.Stats(); c.InUse != 3 {
		t.Errorf("%d in use while the profile is taken", c.InUse)
	}
	looking.Unlock()
	afterGC(t, "the permits are back", func() bool { return s.Stats().InUse == 0 })
}
