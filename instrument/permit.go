package instrument

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"
	"weak"
)

const (
	// agedAtOnce is how many Permits are looked at under one lock.
	agedAtOnce = 256
	// maxSpareTokens is how many tokens a semaphore keeps for reuse.
	maxSpareTokens = 64
)

// Permit is permits of a Semaphore that are owned: release them with Release,
// from any goroutine. A Permit that is dropped unreleased is found by the garbage
// collector, and reported with the place that took it. It must not be copied.
type Permit struct {
	grip
	done atomic.Bool
}

// grip is what a Permit has hold of.
type grip struct {
	s     *Semaphore
	n     int64
	token *permitToken // nil where this one is not tracked
}

// permitToken is what tells that a Permit is gone: nothing else refers to it, and
// it has a cleanup. The Permit itself has none, so that one which does not outlive
// a function needs no memory, and so that a token can serve many Permits one after
// another: a cleanup costs more than all the rest.
type permitToken struct{ held *node[heldPermit] }

// heldPermit is what the stats block knows of a Permit. It reaches neither the
// Permit nor its token, nor, but weakly, its Semaphore: what a cleanup reaches
// is never collected.
type heldPermit struct {
	m       *semaphoreMember // set once
	n       int64
	since   int64
	pc      uintptr                 // of the call that took it
	over    bool                    // known to be older than the hold limit
	reclaim weak.Pointer[Semaphore] // set WithReclaim
}

// AcquirePermit takes n permits as Acquire does, as a Permit. On error the Permit
// is nil, whose Release does nothing. A tracked Permit costs two clock reads and two
// short locks more than Acquire, one that is not tracked next to nothing; the Permit is
// allocated only where it outlives the function that took it. The first Permit of each
// line of code also costs a look at the stack; where the call is not inlined (through
// an interface, a func value, or in a function that is very large) each one that is
// tracked does, 0.1 µs or more.
func (s *Semaphore) AcquirePermit(ctx context.Context, n int64) (p *Permit, err error) {
	// Small enough to be inlined, which saves the allocation and makes the mark:
	// see callMark. The compiler's measure of small is kinder to a call of a
	// parameter, which takeGrip is in through.
	g, err := through(takeGrip, ctx, s, n, false, func() {})
	if err == nil {
		p = &Permit{grip: g}
	}
	return p, err
}

// TryAcquirePermit takes n permits as TryAcquire does, as a Permit. Where it
// refuses, the Permit is nil.
func (s *Semaphore) TryAcquirePermit(n int64) (p *Permit, ok bool) {
	g, err := through(takeGrip, nil, s, n, true, func() {}) // as in AcquirePermit
	if err == nil {
		p = &Permit{grip: g}
	}
	return p, err == nil
}

type takingGrip func(ctx context.Context, s *Semaphore, n int64, try bool, mark callMark) (grip, error)

func through(take takingGrip, ctx context.Context, s *Semaphore, n int64, try bool, mark callMark) (grip, error) {
	return take(ctx, s, n, try, mark)
}

var errRefused = errors.New("no permit is free")

// takeGrip is Acquire or TryAcquire, with what the Permit has hold of.
func takeGrip(ctx context.Context, s *Semaphore, n int64, try bool, mark callMark) (g grip, err error) {
	if try {
		if !s.TryAcquire(n) {
			return g, errRefused
		}
	} else if err := s.Acquire(ctx, n); err != nil {
		return g, err
	}
	g.s, g.n = s, n
	if s.tracksNext(n) {
		g.token = s.track(n, mark.caller(3))
	}
	return g, nil
}

// tracksNext reports whether a Permit that was just taken is to be tracked.
func (s *Semaphore) tracksNext(n int64) bool {
	m := s.m
	if m == nil || m.series == nil {
		return false
	}
	if !m.series.permits.Load() {
		m.series.permits.Store(true)
	}
	return n > 0 && (s.trackAll || m.thinning.next())
}

// track notes that n permits are held from now on, and returns the token of their
// Permit. Its clock read is the start of the hold time.
func (s *Semaphore) track(n int64, pc uintptr) *permitToken {
	t, m := now(), s.m
	m.mu.Lock()
	token := s.spareToken()
	h := &token.held.value
	h.n, h.since, h.pc, h.over, h.reclaim = n, t, pc, false, s.self
	if bubbled(t) {
		h.reclaim = weak.Pointer[Semaphore]{}
	}
	m.permits.add(token.held)
	inUse, _ := m.peek()
	m.levels.rotate(t, inUse)
	if !s.trackAll {
		m.thinning.measure(t)
	}
	m.mu.Unlock()
	return token
}

// spareToken returns a token that is not in use. The caller holds m.mu.
func (s *Semaphore) spareToken() *permitToken {
	if last := len(s.spare) - 1; last >= 0 {
		token := s.spare[last]
		s.spare[last], s.spare = nil, s.spare[:last]
		return token
	}
	token := &permitToken{&node[heldPermit]{value: heldPermit{m: s.m}}}
	runtime.AddCleanup(token, permitLost, token.held)
	return token
}

// Release gives the permits back, once: later calls, and calls on a nil Permit,
// do nothing. It is safe to call from several goroutines.
func (p *Permit) Release() {
	if p == nil || !p.done.CompareAndSwap(false, true) {
		return
	}
	if p.token != nil {
		p.s.untrack(p.token)
	}
	p.s.Release(p.n)
}

// untrack notes that a Permit is released. Its clock read is the end of the hold
// time. The token stays with the semaphore, not with the stats block: that is
// what a cleanup reaches.
func (s *Semaphore) untrack(token *permitToken) {
	t, m := now(), s.m
	m.mu.Lock()
	from := token.held.value.since
	m.permits.remove(token.held)
	if len(s.spare) < maxSpareTokens {
		s.spare = append(s.spare, token)
	}
	m.mu.Unlock()
	m.series.hold.observe(since(t, from), 1)
	runtime.KeepAlive(token) // or it could be reported while it is released
}

// permitLost runs when a token was collected: that of a Permit which nobody
// released, or a spare one of a semaphore that is gone.
func permitLost(h *node[heldPermit]) {
	m := h.value.m
	m.mu.Lock()
	lost := h.listed
	m.mu.Unlock()
	if !lost {
		return
	}
	m.series.leaked(siteOf(h.value.pc), uint64(h.value.n)) // first: whoever sees it missing sees the site
	if !m.series.reclaim(h) {
		m.mu.Lock()
		m.permits.remove(h)
		m.forgo(h.value.n)
		m.mu.Unlock()
	}
}

// forgo notes that n permits are gone for good. The caller holds mu.
func (m *semaphoreMember) forgo(n int64) {
	if m.lost.Load() == 0 {
		m.lostAt = now()
	}
	m.lose(n)
}

// reclaim gives the permits of h back, and reports false where that is not asked
// for, or there is nobody to give them to. The dereference keeps the semaphore and
// its waiters for a moment, which must not be while the leak profile is taken.
func (s *semaphoreSeries) reclaim(h *node[heldPermit]) bool {
	if h.value.reclaim == (weak.Pointer[Semaphore]{}) {
		return false
	}
	looking.RLock()
	defer looking.RUnlock()
	sem := h.value.reclaim.Value()
	if sem == nil {
		return false
	}
	sem.takeBack(h)
	return true
}

// takeBack gives the permits of h, which is lost, to whoever waits for them.
func (s *Semaphore) takeBack(h *node[heldPermit]) {
	m := s.m
	s.lock()
	m.permits.remove(h)
	n := max(min(h.value.n, m.inUse-m.lost.Load()), 0) // as in lose
	if s.inner == nil {
		m.giveHome(n)
		s.serve()
	}
	s.unlock()
	if s.inner != nil {
		go s.giveInnerBack(n) // it is not ours, and may wait, or read the registry
	}
}

// bubbled reports whether a stamp was taken inside a synctest bubble, whose clock
// starts decades before the real one. Cleanups run outside of every bubble, where
// waking what waits in one is fatal.
func bubbled(at int64) bool { return at < epochOffset }

// permitList is the tracked Permits that are out, the oldest first.
type permitList struct {
	held    list[heldPermit]
	permits int64             // that they stand for
	young   *node[heldPermit] // the first that is not known to be over the limit
	over    int               // how many are
}

func (l *permitList) add(h *node[heldPermit]) {
	l.held.add(h)
	l.permits += h.value.n
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
	l.permits -= h.value.n
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
