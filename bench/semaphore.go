package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/weir-go/weir/instrument"
)

// crowd is how many goroutines acquire at once, and of how many permits.
type crowd struct {
	shape      string
	goroutines int
	permits    int64
	yields     bool // the permits are held while others run, so that these wait
	must, aim  float64
}

const permits = 16

// The contended crowd holds its permits while others run, so that nearly every acquire
// waits. If it did not, whether a queue forms would be luck (somebody loses the
// processor while holding a permit), and once formed it feeds itself: in both
// semaphores an operation then takes 15 ns or 500, in turns of tens of milliseconds,
// and their ratio is anything from 0.05 to 3.
var crowds = []crowd{
	{"uncontended", 1, permits, false, 1, 0.8},
	{"parallel", 2, permits, false, 1, 0.8},
	{"contended", 16, 4, true, 1.1, 0.9},
}

// bareAcquires times n acquires and releases of one permit. This and acquirePairs
// are the same lines, so that no call goes through an interface.
func bareAcquires(c crowd, s *semaphore.Weighted, n int) time.Duration {
	ctx := context.Background()
	return together(c, n, func(n int) {
		for range n {
			_ = s.Acquire(ctx, 1)
			if c.yields {
				runtime.Gosched()
			}
			s.Release(1)
		}
	})
}

func acquirePairs(c crowd, s *instrument.Semaphore, n int) time.Duration {
	ctx := context.Background()
	return together(c, n, func(n int) {
		for range n {
			_ = s.Acquire(ctx, 1)
			if c.yields {
				runtime.Gosched()
			}
			s.Release(1)
		}
	})
}

// permitPairs times n Permits.
func permitPairs(c crowd, s *instrument.Semaphore, n int) time.Duration {
	ctx := context.Background()
	return together(c, n, func(n int) {
		for range n {
			p, _ := s.AcquirePermit(ctx, 1)
			p.Release()
		}
	})
}

// kept is where a Permit goes that outlives the function that took it.
var kept *instrument.Permit

// keptPairs is permitPairs where each is allocated, because it travels with the
// work. It is for one goroutine.
func keptPairs(c crowd, s *instrument.Semaphore, n int) time.Duration {
	ctx := context.Background()
	return together(c, n, func(n int) {
		for range n {
			kept, _ = s.AcquirePermit(ctx, 1)
			kept.Release()
		}
	})
}

// together divides n operations among the goroutines of a crowd.
func together(c crowd, n int, run func(n int)) time.Duration {
	start := time.Now()
	var all sync.WaitGroup
	for i := range c.goroutines {
		share := (n + i) / c.goroutines
		all.Go(func() { run(share) })
	}
	all.Wait()
	return time.Since(start)
}

// semaphoreRaces are acquire and release, by x/sync and by what measures it.
func semaphoreRaces(l *lab) []race {
	var all []race
	for _, c := range crowds {
		all = append(all, semaphoreRace(l, c))
	}
	return all
}

func semaphoreRace(l *lab, c crowd) race {
	bare := semaphore.NewWeighted(c.permits)
	r := race{
		what: "semaphore", shape: c.shape,
		native: contender{name: "x/sync Weighted", run: func(n int) time.Duration { return bareAcquires(c, bare, n) }},
	}
	measured := newMeasured(l, c, "Semaphore", acquirePairs)
	measured.must, measured.aim = c.must, c.aim
	entrants := []*entrant{measured}
	if c.shape == "uncontended" {
		entrants = append(entrants, permitEntrants(l, c)...)
	}
	for _, e := range entrants {
		r.rivals = append(r.rivals, contender{name: e.name, must: e.must, aim: e.aim, run: e.run})
	}
	r.check = func() error {
		var failed []error
		for _, e := range entrants {
			failed = append(failed, named(e.name, e.check()))
		}
		return errors.Join(failed...)
	}
	return r
}

// entrant is a measured semaphore in a race, and how many acquires it was put to.
type entrant struct {
	crowd
	name      string
	must, aim float64
	s         *instrument.Semaphore
	pairs     func(crowd, *instrument.Semaphore, int) time.Duration
	acquired  int
	holds     func(holds, acquired uint64) bool // that so many hold times are right for what was raced
}

func newMeasured(l *lab, c crowd, name string, pairs func(crowd, *instrument.Semaphore, int) time.Duration, opts ...instrument.SemaphoreOption) *entrant {
	opts = append(opts, instrument.WithRegistry(l.weir), instrument.WithOwner("bench"), instrument.WithHoldLimit(time.Minute))
	return &entrant{
		crowd: c, name: name, pairs: pairs,
		s:     instrument.NewSemaphore(name+", "+c.shape, c.permits, opts...),
		holds: func(holds, _ uint64) bool { return holds == 0 },
	}
}

func permitEntrants(l *lab, c crowd) []*entrant {
	thinned := newMeasured(l, c, "AcquirePermit", permitPairs)
	thinned.must, thinned.aim = 2.5, 1.6
	kept := newMeasured(l, c, "AcquirePermit, kept", keptPairs)
	for _, e := range []*entrant{thinned, kept} {
		e.holds = func(holds, acquired uint64) bool { return holds >= acquired/256 && holds <= acquired }
	}
	tracked := newMeasured(l, c, "AcquirePermit, WithTrackAll", permitPairs, instrument.WithTrackAll())
	tracked.must, tracked.aim = 10, 6
	tracked.holds = func(holds, acquired uint64) bool { return holds == acquired }

	wrapped := newMeasured(l, c, "WrapSemaphore", acquirePairs)
	wrapped.must, wrapped.aim = 1.6, 1.3
	wrapped.s = instrument.WrapSemaphore("WrapSemaphore, "+c.shape, semaphore.NewWeighted(c.permits), c.permits, instrument.WithRegistry(l.weir))
	return []*entrant{thinned, kept, tracked, wrapped}
}

// semaphoreMeasurements is what an acquire and its release allocate.
func semaphoreMeasurements(l *lab) []measurement {
	one := crowds[0]
	api := newMeasured(l, one, "Semaphore, allocations", acquirePairs)
	kept := newMeasured(l, one, "AcquirePermit, kept, allocations", keptPairs)
	return []measurement{
		{"semaphore: allocations of Semaphore", one.shape, "", none, none,
			func(int) ([]float64, error) { return api.allocations(), nil }},
		{"semaphore: allocations of AcquirePermit, kept", one.shape, "", 1, 1,
			func(int) ([]float64, error) { return kept.allocations(), nil }},
	}
}

// none is a bound that only 0 keeps; 0 itself is no bound.
const none = 0.001

func (e *entrant) allocations() []float64 {
	const pairs = 1000
	e.run(pairs)
	least := 100.0
	for range 10 { // what else runs in this process allocates now and then
		perRun := testing.AllocsPerRun(10, func() { e.pairs(e.crowd, e.s, pairs) })
		least = min(least, math.Floor(perRun/pairs)) // each run also starts goroutines
	}
	return []float64{least}
}

// upToSpeed is how many acquires precede those that are timed: every Permit is
// tracked until their rate is known, and others have raced since the last time.
const upToSpeed = 4096

func (e *entrant) run(n int) time.Duration {
	e.acquired += upToSpeed + n
	e.pairs(e.crowd, e.s, upToSpeed)
	return e.pairs(e.crowd, e.s, n)
}

// makeWait makes happen what need not happen in a race: all permits are taken, and
// somebody waits for one.
func (e *entrant) makeWait() {
	ctx := context.Background()
	_ = e.s.Acquire(ctx, e.permits)
	done := make(chan struct{})
	go func() {
		_ = e.s.Acquire(ctx, 1)
		close(done)
	}()
	await(func() bool { return e.s.Stats().Waiters == 1 })
	e.s.Release(e.permits)
	<-done
	e.s.Release(1)
	e.acquired += 2
}

func (e *entrant) check() error {
	raced := uint64(e.acquired)
	e.makeWait()
	s, wrong := e.s.Stats(), expect{}
	wrong.equal("acquires", s.Acquired, uint64(e.acquired))
	wrong.equal("in use", uint64(s.InUse), 0)
	wrong.equal("untracked releases", s.UntrackedReleases, 0)
	wrong.above("waits", s.AcquireWait.Count)
	wrong.equal("peak in use", uint64(s.InUsePeak), uint64(e.permits))
	if !e.holds(s.Hold.Count, raced) {
		wrong.failed = append(wrong.failed, fmt.Errorf("%d hold times of %d acquires", s.Hold.Count, raced))
	}
	return wrong.err()
}
