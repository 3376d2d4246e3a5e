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
	thinCheck = 1024
	// agedAtOnce is how many Permits are looked at under one lock.
	agedAtOnce   = 256
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
	over    bool                    // known to be older than the hold limit
	reclaim weak.Pointer[Semaphore] // set WithReclaim
}

// AcquirePermit takes n permits as Acquire does, as a Permit. On error the Permit
// is nil, whose Release does nothing. Beyond Acquire it costs one allocation;
// a tracked Permit costs four and about 0.6 µs.
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
	if s.reclaim && !bubbled(h.value.since) {
		h.value.reclaim = weak.Make(s)
	}
	s.m.mu.Lock()
	s.m.permits.add(h)
	s.m.levels.rotate(h.value.since, s.m.inUse)
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
	m.permits.remove(p.track)
	m.mu.Unlock()
	m.series.hold.observe(since(t, p.track.value.since), 1)
}

// permitLost runs when a tracked Permit was collected unreleased.
func permitLost(h *node[heldPermit]) {
	m := h.value.m
	s := h.value.reclaim.Value()
	m.series.leaked(siteOf(h.value.pc), uint64(h.value.n)) // first: whoever sees it missing sees the site
	m.mu.Lock()
	m.permits.remove(h)
	// A program may have released by hand what it then forgot as a Permit: no
	// more is missing, or given back, than is taken.
	n := min(h.value.n, m.inUse-m.lost)
	if s == nil {
		m.lose(n)
	} else {
		m.give(n)
		s.serve()
	}
	m.mu.Unlock()
}

// lose notes that n permits are missing for good.
func (m *semaphoreMember) lose(n int64) {
	if m.lost == 0 {
		m.lostAt = now()
	}
	m.lost += n
}

// bubbled reports whether a stamp was taken inside a synctest bubble, whose clock
// starts decades before the real one. Cleanups run outside of every bubble, where
// waking what waits in one is fatal.
func bubbled(at int64) bool { return at < epochOffset }

// permitList is the tracked Permits that are out, the oldest first.
type permitList struct {
	held  list[heldPermit]
	young *node[heldPermit] // the first that is not known to be over the limit
	over  int               // how many are
	used  bool              // a Permit was ever taken
}

func (l *permitList) add(h *node[heldPermit]) {
	l.held.add(h)
	if l.young == nil {
		l.young = h
	}
}

func (l *permitList) remove(h *node[heldPermit]) {
	if h.value.over {
		l.over--
	}
	if l.young == h {
		l.young = h.next
	}
	l.held.remove(h)
}

// age finds some of those that got older than limit, and reports whether there
// may be more.
func (l *permitList) age(t int64, limit time.Duration) (more bool) {
	for range agedAtOnce {
		h := l.young
		if h == nil || since(t, h.value.since) <= limit {
			return false
		}
		h.value.over = true
		l.over++
		l.young = h.next
	}
	return true
}

// ageHeld finds the Permits that are held for longer than limit. Each is passed
// once, and not many under one lock, which acquires wait for.
func (m *semaphoreMember) ageHeld(t int64, limit time.Duration) {
	for more := limit > 0; more; {
		m.mu.Lock()
		more = m.permits.age(t, limit)
		m.mu.Unlock()
	}
}

// addTo adds the numbers, and returns the oldest.
func (l *permitList) addTo(c *SemaphoreStats) (oldest heldPermit) {
	c.HasPermits = c.HasPermits || l.used
	c.HeldTooLong += l.over
	if l.held.first != nil {
		oldest = l.held.first.value
	}
	return oldest
}

func (c *SemaphoreStats) addOldest(h heldPermit, t int64, limit time.Duration) {
	age := since(t, h.since)
	if age <= c.OldestPermit {
		return
	}
	c.OldestPermit = age
	if limit > 0 && age > limit {
		c.oldestPermitSite = siteOf(h.pc)
	}
}

// thinning decides which Permits are tracked: all of them while they are taken at
// an ordinary rate, one in 64 above that, and all again when the floor of the
// permits in use gets higher than it was, which is how a leak looks.
type thinning struct {
	count    uint64 // acquires
	thin     bool
	from     int64  // when the count for the rate began
	counted  uint64 // and what it was
	floor    int64  // the highest, slowly forgotten: a floor that goes up and down is no leak
	floorAt  int64
	allUntil int64
}

func (x *thinning) next() bool {
	x.count++
	return !x.thin || x.count%thinTo == 0
}

// measure takes the rate, at a tracked Permit that knows the time.
func (x *thinning) measure(t int64) {
	if x.from == 0 {
		x.from, x.counted = t, x.count
	}
	if x.count-x.counted >= thinCheck {
		x.settle(t)
	}
	x.adapt(t)
}

func (x *thinning) settle(t int64) {
	n := x.count - x.counted
	fast := float64(n)*float64(time.Second) > thinAbove*float64(max(t-x.from, 1))
	x.thin = fast && t >= x.allUntil
	x.from, x.counted = t, x.count
}

// adapt takes the rate once a second where Permits are rare; a reading calls it
// too, for when they stop.
func (x *thinning) adapt(t int64) {
	if x.from != 0 && t-x.from >= int64(time.Second) {
		x.settle(t)
	}
}

// drift looks, once a window, whether the floor of the permits in use rises.
func (x *thinning) drift(t, floor int64) {
	if t-x.floorAt < int64(windowLength) {
		return
	}
	if x.floorAt != 0 && floor > x.floor {
		x.allUntil = t + 2*int64(windowLength)
	}
	x.floor, x.floorAt = max(floor, x.floor-(x.floor-floor)/8), t
}
