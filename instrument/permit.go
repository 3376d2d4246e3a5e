package instrument

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
	"weak"
)

const (
	// thinAbove is the rate, in acquires a second, above which only one Permit
	// in thinTo is tracked.
	thinAbove = 10_000
	thinTo    = 64
	// thinCheck is how many acquires make a rate.
	thinCheck    = 1024
	maxLeakSites = 50
	otherSite    = "other"
)

// Permit is permits of a Semaphore that are owned: release them with Release,
// from any goroutine. A Permit that is dropped unreleased is found by the garbage
// collector, and reported with the place that took it.
type Permit struct {
	s       *Semaphore
	n       int64
	done    atomic.Bool
	track   *node[heldPermit] // nil where this one is not tracked
	cleanup runtime.Cleanup
}

// heldPermit is what the stats block knows of a Permit. It reaches neither the
// Permit nor, but weakly, its Semaphore.
type heldPermit struct {
	m       *semaphoreMember
	n       int64
	since   int64
	pc      uintptr
	reclaim weak.Pointer[Semaphore] // set WithReclaim
}

// AcquirePermit takes n permits as Acquire does, as a Permit. On error the Permit
// is nil, whose Release does nothing. Beyond Acquire it costs one allocation;
// a tracked Permit costs three and about 0.2 µs.
func (s *Semaphore) AcquirePermit(ctx context.Context, n int64) (*Permit, error) {
	if err := s.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return s.newPermit(n, callerIfTracked), nil
}

// TryAcquirePermit takes n permits as TryAcquire does, as a Permit. Where it
// refuses, the Permit is nil.
func (s *Semaphore) TryAcquirePermit(n int64) (*Permit, bool) {
	if !s.TryAcquire(n) {
		return nil, false
	}
	return s.newPermit(n, callerIfTracked), true
}

// callerIfTracked is the number of frames between newPermit and the program.
const callerIfTracked = 1

func (s *Semaphore) newPermit(n int64, skip int) *Permit {
	p := &Permit{s: s, n: n}
	m := s.m
	if m.series == nil {
		return p
	}
	m.mu.Lock()
	m.permits.used = true
	tracked := n > 0 && (m.thinning.next() || s.trackAll)
	m.mu.Unlock()
	if tracked {
		s.trackPermit(p, callerOf(skip+1))
	}
	return p
}

func (s *Semaphore) trackPermit(p *Permit, pc uintptr) {
	h := &node[heldPermit]{value: heldPermit{m: s.m, n: p.n, since: now(), pc: pc}} // the start of its hold time
	if s.reclaim {
		h.value.reclaim = weak.Make(s)
	}
	s.m.mu.Lock()
	s.m.permits.held.add(h)
	s.m.thinning.measure(h.value.since)
	s.m.mu.Unlock()
	p.track = h
	p.cleanup = runtime.AddCleanup(p, permitLost, h)
}

// Release gives the permits back, once: later calls, and calls on a nil Permit,
// do nothing. It is safe to call from several goroutines.
func (p *Permit) Release() {
	if p == nil || !p.done.CompareAndSwap(false, true) {
		return
	}
	if p.track != nil {
		p.cleanup.Stop()
		p.untrack()
	}
	p.s.Release(p.n)
	runtime.KeepAlive(p) // or it could be collected, and reported, while it is released
}

func (p *Permit) untrack() {
	t, m := now(), p.s.m // the end of its hold time
	m.mu.Lock()
	m.permits.held.remove(p.track)
	m.mu.Unlock()
	m.series.hold.observe(since(t, p.track.value.since), 1)
}

// permitLost runs when a tracked Permit was collected unreleased.
func permitLost(h *node[heldPermit]) {
	m := h.value.m
	s := h.value.reclaim.Value()
	t := now()
	m.mu.Lock()
	lost := m.permits.held.remove(h)
	if lost && s == nil {
		if m.lost == 0 {
			m.lostAt = t
		}
		m.lost += h.value.n
	}
	m.mu.Unlock()
	if !lost {
		return
	}
	m.series.leaked(siteOf(h.value.pc), uint64(h.value.n))
	if s != nil {
		s.Release(h.value.n)
	}
}

// permitList is the tracked Permits that are out, the oldest first.
type permitList struct {
	held list[heldPermit]
	used bool // a Permit was ever taken
}

func (l *permitList) addTo(c *SemaphoreStats, t int64, limit time.Duration) {
	c.HasPermits = c.HasPermits || l.used
	oldest := l.held.first
	if oldest == nil {
		return
	}
	if age := since(t, oldest.value.since); age > c.OldestPermit {
		c.OldestPermit = age
		if limit > 0 && age > limit {
			c.oldestPermitSite = siteOf(oldest.value.pc)
		}
	}
	for h := oldest; limit > 0 && h != nil && since(t, h.value.since) > limit; h = h.next {
		c.HeldTooLong++
	}
}

// thinning decides which Permits are tracked: all of them while they are taken at
// an ordinary rate, one in 64 above that, and all again when the floor of the
// permits in use rises from one window to the next, which is how a leak looks.
type thinning struct {
	count    uint64 // acquires
	thin     bool
	from     int64  // when the count for the rate began
	counted  uint64 // and what it was
	floor    int64
	floorAt  int64
	allUntil int64
}

func (x *thinning) next() bool {
	x.count++
	return !x.thin || x.count%thinTo == 0
}

// measure takes the rate, at a tracked Permit that knows the time.
func (x *thinning) measure(t int64) {
	n := x.count - x.counted
	if x.from == 0 || n < thinCheck {
		if x.from == 0 {
			x.from, x.counted = t, x.count
		}
		return
	}
	x.settle(t, n)
}

func (x *thinning) settle(t int64, n uint64) {
	fast := float64(n)*float64(time.Second) > thinAbove*float64(max(t-x.from, 1))
	x.thin = fast && t >= x.allUntil
	x.from, x.counted = t, x.count
}

// adapt takes the rate at a reading too, for when Permits get rare, and looks
// whether the floor drifts.
func (x *thinning) adapt(t, floor int64) {
	if x.from != 0 && t-x.from >= int64(time.Second) {
		x.settle(t, x.count-x.counted)
	}
	if t-x.floorAt < int64(windowLength) {
		return
	}
	if x.floorAt != 0 && floor > x.floor {
		x.allUntil = t + 2*int64(windowLength)
		x.thin = false
	}
	x.floor, x.floorAt = floor, t
}
