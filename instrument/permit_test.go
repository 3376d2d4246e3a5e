package instrument

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// quietRegistry does not log what tests bring about on purpose.
func quietRegistry() *Registry { return NewRegistry(WithLogger(slog.New(slog.DiscardHandler))) }

// suspectIn returns the suspect of a reason in a snapshot, the zero one where
// there is none.
func suspectIn(s Snapshot, reason string) Suspect {
	i := slices.IndexFunc(s.Suspects, func(x Suspect) bool { return x.Reason == reason })
	if i < 0 {
		return Suspect{}
	}
	return s.Suspects[i]
}

// leakedAt returns the leaked permits of a name by site, without the empty ones.
func leakedAt(c SemaphoreStats) map[string]uint64 {
	out := make(map[string]uint64)
	for _, l := range c.Leaked {
		if l.Permits > 0 {
			out[l.Site] = l.Permits
		}
	}
	return out
}

func TestPermitRelease(t *testing.T) {
	s := NewSemaphore("release", 3, WithRegistry(quietRegistry()))
	p, err := s.AcquirePermit(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(p.Release)
	}
	all.Wait()
	p.Release()
	if c := s.Stats(); c.InUse != 0 || c.Hold.Count != 1 || c.OldestPermit != 0 {
		t.Errorf("in use %d, held %d times, oldest %v", c.InUse, c.Hold.Count, c.OldestPermit)
	}
	if p, ok := s.TryAcquirePermit(4); p != nil || ok {
		t.Error("a Permit for more than there is")
	}
	(*Permit)(nil).Release()
	if c := s.Stats(); c.InUse != 0 || c.Rejected != 1 {
		t.Errorf("in use %d, rejected %d", c.InUse, c.Rejected)
	}
}

func TestPermitOfCanceledAcquireIsNil(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := NewSemaphore("canceled", 1, WithRegistry(quietRegistry()))
	p, err := s.AcquirePermit(ctx, 1)
	if p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", p, err)
	}
	p.Release()
	if c := s.Stats(); c.InUse != 0 || c.HasPermits {
		t.Errorf("in use %d, has permits %t", c.InUse, c.HasPermits)
	}
}

// forget takes a Permit in several ways and drops it.
func forget(s *Semaphore) {
	_, _ = s.AcquirePermit(context.Background(), 1)
	_, _ = s.TryAcquirePermit(2)
	forgetInlined(s)
	func() { // on the panic path
		defer func() { _ = recover() }()
		p, _ := s.TryAcquirePermit(1)
		(*Permit).Release(panics(p))
	}()
	held := map[int]*Permit{}
	held[1], _ = s.TryAcquirePermit(1)
	clear(held)
}

// panics is what stands between an acquire and its release.
func panics(*Permit) *Permit { panic("no release today") }

func forgetInlined(s *Semaphore) { _, _ = s.TryAcquirePermit(3) }

func TestPermitForgottenIsReported(t *testing.T) {
	r := quietRegistry()
	s := NewSemaphore("forgotten", 20, WithRegistry(r))
	forget(s)
	afterGC(t, "8 permits are leaked", func() bool { return s.Stats().missing.permits == 8 })

	snap := r.Snapshot()
	leaked := leakedAt(snap.Semaphores[0])
	if len(leaked) != 5 {
		t.Errorf("leaked at %v", leaked)
	}
	if age := snap.Semaphores[0].OldestPermit; age != 0 {
		t.Errorf("what is collected is still held, for %v", age)
	}
	for site, n := range leaked {
		if !strings.HasPrefix(site, "instrument.forget") || !strings.Contains(site, " permit_test.go:") {
			t.Errorf("%d leaked at %q", n, site)
		}
		if (n == 3) != strings.HasPrefix(site, "instrument.forgetInlined ") {
			t.Errorf("%d leaked at %q", n, site)
		}
	}
	x := suspectIn(snap, "unreleased")
	if x.Kind != "semaphore" || x.Name != "forgotten" || x.Evidence != Collected || x.Count != 8 ||
		!strings.HasPrefix(x.Site, "instrument.forgetInlined permit_test.go:") {
		t.Errorf("suspect %+v", x)
	}
	if got := valuesOf(snap, "weir.semaphore.leaked_permits", "forgotten"); len(got) != 6 || got[x.Site] != 3 || got[otherSite] != 0 {
		t.Errorf("exported as %v", got)
	}
	testStaysWhileMissing(t, r, s)
}

// testStaysWhileMissing goes on where 8 permits were forgotten.
func testStaysWhileMissing(t *testing.T, r *Registry, s *Semaphore) {
	for range 1000 {
		p, ok := s.TryAcquirePermit(12) // all that are left
		if !ok {
			t.Fatal("more is missing than was forgotten")
		}
		p.Release()
	}
	if x := suspectIn(r.Snapshot(), "unreleased"); x.Count != 8 {
		t.Errorf("later the suspect is %+v", x)
	}
	s.Release(5) // found, and given back by hand
	if x := suspectIn(r.Snapshot(), "unreleased"); x.Count != 3 {
		t.Errorf("where 3 are missing the suspect is %+v", x)
	}
	s.Release(3)
	snap := r.Snapshot()
	if x := suspectIn(snap, "unreleased"); x.Count != 0 {
		t.Errorf("where nothing is missing the suspect is %+v", x)
	}
	if n := leakedAt(snap.Semaphores[0]); len(n) != 5 {
		t.Errorf("the counters went back: %v", n)
	}
}

func TestPermitReleasedIsNotReported(t *testing.T) {
	r := quietRegistry()
	s := NewSemaphore("fine", 100, WithRegistry(r), WithTrackAll())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25_000 {
				p, _ := s.AcquirePermit(nil, 1) //nolint:staticcheck // nil is never done
				p.Release()
			}
		})
	}
	all.Wait()
	marker := NewSemaphore("marker", 1, WithRegistry(r))
	forgetInlinedOne(marker)
	afterGC(t, "the collector has passed", func() bool { return marker.Stats().missing.permits == 1 })
	c := semaphoreNow(t, r, "fine")
	if len(leakedAt(c)) != 0 || c.missing.permits != 0 || c.InUse != 0 || c.Hold.Count != 100_000 {
		t.Errorf("leaked %v, in use %d, held %d times", leakedAt(c), c.InUse, c.Hold.Count)
	}
	runtime.KeepAlive(s)
}

func forgetInlinedOne(s *Semaphore) { _, _ = s.TryAcquirePermit(1) }

func TestPermitReclaim(t *testing.T) {
	r := quietRegistry()
	s := NewSemaphore("reclaim", 3, WithRegistry(r), WithReclaim())
	forgetInlined(s)
	got := make(chan error, 1)
	go func() { got <- s.Acquire(context.Background(), 2) }()
	afterGC(t, "the starved waiter goes on", func() bool { return len(got) == 1 })
	snap := r.Snapshot()
	c := snap.Semaphores[0]
	if c.InUse != 2 || len(leakedAt(c)) != 1 || len(snap.Suspects) != 0 {
		t.Errorf("in use %d, leaked %v, suspects %v", c.InUse, leakedAt(c), snap.Suspects)
	}
	runtime.KeepAlive(s)
}

// A program that releases by hand what it had as a Permit must neither be ended
// by the collector's release nor stand accused for ever.
func TestPermitReleasedByHand(t *testing.T) {
	for _, opt := range []SemaphoreOption{nil, WithReclaim()} {
		r := quietRegistry()
		s := NewSemaphore("hand", 4, WithRegistry(r), opt)
		forgetInlined(s)
		s.Release(3)
		afterGC(t, "the Permit is found", func() bool { return len(leakedAt(s.Stats())) == 1 })
		snap := r.Snapshot()
		if c := snap.Semaphores[0]; c.InUse != 0 || len(snap.Suspects) != 0 || !s.TryAcquire(4) {
			t.Errorf("in use %d, suspects %v", c.InUse, snap.Suspects)
		}
	}
}

// Cleanups run outside of a synctest bubble, where waking a goroutine of the
// bubble is fatal: what is forgotten inside is counted and not given back.
func TestPermitReclaimInsideBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore("bubble", 3, WithRegistry(quietRegistry()), WithReclaim())
		forgetInlined(s)
		ctx, cancel := context.WithCancel(t.Context())
		got := acquiring(ctx, s, 1)
		for range 1000 {
			if runtime.GC(); s.Stats().missing.permits != 0 {
				break
			}
		}
		if c := s.Stats(); c.missing.permits != 3 || c.InUse != 3 {
			t.Errorf("missing %d, in use %d", c.missing, c.InUse)
		}
		cancel()
		if err := <-got; err == nil {
			t.Error("what was forgotten came back")
		}
	})
}

func TestPermitThinning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		thin := NewSemaphore("thin", 1, WithRegistry(r))
		all := NewSemaphore("all", 1, WithRegistry(r), WithTrackAll())
		// tracked takes n permits, perStep each millisecond, and returns how many
		// of them were tracked.
		tracked := func(s *Semaphore, n, perStep int, step time.Duration) uint64 {
			before := s.Stats().Hold.Count
			for i := range n {
				if i%perStep == 0 {
					time.Sleep(step)
				}
				p, _ := s.TryAcquirePermit(1)
				p.Release()
			}
			return s.Stats().Hold.Count - before
		}
		if n := tracked(thin, 5000, 9, time.Millisecond); n != 5000 {
			t.Errorf("at 9,000 a second %d of 5,000 are tracked", n)
		}
		tracked(thin, 3000, 20, time.Millisecond)
		if n := tracked(thin, 6400, 20, time.Millisecond); n < 60 || n > 150 {
			t.Errorf("at 20,000 a second %d of 6,400 are tracked, not 1 in 64", n)
		}
		// Slow again: within the longest gap.
		tracked(thin, 2*thinTo, 1, time.Second)
		if n := tracked(thin, 100, 1, time.Second); n != 100 {
			t.Errorf("at 1 a second %d of 100 are tracked", n)
		}
		if n := tracked(all, 10_000, 20, time.Millisecond); n != 10_000 {
			t.Errorf("with WithTrackAll %d of 10,000 are tracked", n)
		}
	})
}

func TestThinningEndsWhereItIsSlowAndNobodyReads(t *testing.T) {
	x := thinning{thin: true, from: epochOffset, gap: 50}
	x.left.Store(50)
	tracked := 0
	for i := range int64(100) {
		if x.next() {
			tracked++
			x.measure(epochOffset + (i+1)*int64(time.Second))
		}
	}
	if tracked != 51 {
		t.Errorf("%d of 100 tracked, not the 50th and all after it", tracked)
	}
}

func TestThinningEndsWhenTheFloorRises(t *testing.T) {
	var x thinning
	at := int64(epochOffset)
	// window lets 30 s of 100,000 acquires a second pass and returns how many
	// of them were tracked.
	window := func(floor int64) (tracked int) {
		for range 30 * 100 {
			at += int64(10 * time.Millisecond)
			for range 1000 {
				if x.next() {
					tracked++
					x.measure(at)
				}
			}
		}
		x.drift(at, floor)
		return tracked
	}
	const acquires = 30 * 100_000
	thinned := func(what string, floor int64, want bool) {
		t.Helper()
		if n := window(floor); (n < acquires/50) != want {
			t.Errorf("%s: %d of %d tracked", what, n, acquires)
		}
	}
	thinned("from the start", 50, true)
	thinned("with a steady floor", 50, true)
	thinned("until the floor rose", 51, true)
	thinned("after the floor rose", 51, false)
	thinned("until a minute later", 51, false)
	thinned("then", 49, true)
	thinned("with a floor that goes down", 51, true)
	thinned("with a floor that comes back to where it was", 51, true)
}

func TestPermitHoldLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		s := NewSemaphore("limit", 1000, WithRegistry(r), WithHoldLimit(time.Minute))
		first, _ := s.TryAcquirePermit(1)
		start := time.Now()
		time.Sleep(time.Second)
		var rest []*Permit
		for range 700 {
			p, _ := s.TryAcquirePermit(1)
			rest = append(rest, p)
		}
		time.Sleep(59 * time.Second)
		if x := suspectIn(r.Snapshot(), "held_too_long"); x.Count != 0 {
			t.Errorf("a suspect at the limit: %+v", x)
		}
		time.Sleep(time.Nanosecond)
		snap := r.Snapshot()
		x := suspectIn(snap, "held_too_long")
		if x.Kind != "semaphore" || x.Evidence != Heuristic || x.Count != 1 || !x.Since.Equal(start) ||
			!strings.HasPrefix(x.Site, "instrument.TestPermitHoldLimit.func1 permit_test.go:") {
			t.Errorf("suspect %+v", x)
		}
		if got := valuesOf(snap, "weir.semaphore.oldest_permit", "limit"); got[""] < 60 || got[""] > 60.001 {
			t.Errorf("oldest permit %v", got)
		}
		time.Sleep(time.Second)
		rest[0].Release()
		rest[350].Release()
		if c := semaphoreNow(t, r, "limit"); c.HeldTooLong != 699 || c.HoldLimit != time.Minute {
			t.Errorf("%d held too long", c.HeldTooLong)
		}
		first.Release()
		for _, p := range rest {
			p.Release()
		}
		snap = r.Snapshot()
		if c := snap.Semaphores[0]; c.HeldTooLong != 0 || c.OldestPermit != 0 || len(snap.Suspects) != 0 {
			t.Errorf("after release %d held too long, oldest %v, suspects %v", c.HeldTooLong, c.OldestPermit, snap.Suspects)
		}
		if c := snap.Semaphores[0]; c.Hold.Count != 701 || c.Hold.Sum < 700*60 {
			t.Errorf("%d holds of %v s", c.Hold.Count, c.Hold.Sum)
		}
	})
}

func TestPermitSitesAreCapped(t *testing.T) {
	s := NewSemaphore("sites", 1, WithRegistry(quietRegistry()))
	for i := range 60 {
		s.m.series.leaked(fmt.Sprint("site ", i), uint64(i))
		s.m.series.leaked(fmt.Sprint("site ", i), 1)
	}
	c := s.Stats()
	if len(c.Leaked) != maxLeakSites+1 || c.Leaked[50] != (LeakSite{"site 49", 50}) {
		t.Errorf("%d sites: %v", len(c.Leaked), c.Leaked)
	}
	if want := (LeakSite{otherSite, 51 + 52 + 53 + 54 + 55 + 56 + 57 + 58 + 59 + 60}); c.Leaked[0] != want {
		t.Errorf("the rest is %v, not %v", c.Leaked[0], want)
	}
}

func TestPermitSeriesAbsentWithoutPermits(t *testing.T) {
	r := quietRegistry()
	s := NewSemaphore("plain", 1, WithRegistry(r))
	s.TryAcquire(1)
	s.Release(1)
	present := func() (n int) {
		snap := r.Snapshot()
		for _, metric := range []string{"weir.semaphore.hold", "weir.semaphore.oldest_permit"} {
			n += len(valuesOf(snap, metric, "plain"))
		}
		return n
	}
	if n := present(); n != 0 {
		t.Errorf("%d series of Permits where none was taken", n)
	}
	p, _ := s.TryAcquirePermit(0)
	p.Release()
	if n := present(); n != 2 {
		t.Errorf("%d series of Permits where one was taken", n)
	}
}

// The runtime's leak profile sees a goroutine stuck in a semaphore that nobody
// has any more, though the registry, its permit and its waiter stand in the
// stats.
func TestPermitWaiterShowsInLeakProfile(t *testing.T) {
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		t.Skip("this runtime has no goroutineleak profile")
	}
	r := quietRegistry()
	func() {
		s := NewSemaphore("stuck", 1, WithRegistry(r), WithReclaim())
		p, _ := s.TryAcquirePermit(1)
		go stuckAcquire(s, p)
		for s.Stats().Waiters == 0 {
			runtime.Gosched()
		}
	}()
	var out strings.Builder
	if err := profile.WriteTo(&out, 1); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "stuckAcquire") {
		t.Errorf("not in the profile:\n%s", out.String())
	}
	runtime.KeepAlive(r)
}

func stuckAcquire(s *Semaphore, p *Permit) {
	_ = s.Acquire(context.Background(), 1)
	p.Release()
}

// kept is where a Permit goes that outlives the function that took it.
var kept *Permit

func TestPermitAllocations(t *testing.T) {
	r := quietRegistry()
	all := NewSemaphore("tracked", 1, WithRegistry(r), WithTrackAll())
	thin := NewSemaphore("thinned", 1, WithRegistry(r))
	thin.m.thinning.left.Store(1 << 40)
	for what, s := range map[string]*Semaphore{"tracked": all, "thinned": thin, "unmeasured": NewSemaphore("", 1)} {
		if n := testing.AllocsPerRun(640, func() {
			p, _ := s.TryAcquirePermit(1)
			p.Release()
			p, _ = s.AcquirePermit(context.Background(), 1)
			p.Release()
		}); n != 0 {
			t.Errorf("a Permit that stays in its function, %s, allocates %v times", what, n/2)
		}
		if n := testing.AllocsPerRun(640, func() {
			kept, _ = s.TryAcquirePermit(1)
			kept.Release()
		}); n != 1 {
			t.Errorf("a Permit that leaves its function, %s, allocates %v times, not once", what, n)
		}
	}
}
