package instrument

import (
	"context"
	"math"
	"runtime"
	"sync"
	"time"
)

// Weighted is the method set of a weighted semaphore: that of Semaphore, and of
// Weighted in golang.org/x/sync/semaphore.
type Weighted interface {
	Acquire(ctx context.Context, n int64) error
	TryAcquire(n int64) bool
	Release(n int64)
}

// Semaphore is a weighted semaphore whose permits, waits and refusals are
// measured. It has the method set and the semantics of Weighted in
// golang.org/x/sync/semaphore: first come, first served, so that large requests
// are not starved, and the same panics. All methods are safe for concurrent use.
type Semaphore struct {
	m *semaphoreMember // never nil; its series is, where nothing is measured

	// The waiters stand here and not in the stats block: the registry holds
	// that one, and a goroutine stuck in a semaphore that nobody has any more
	// must stay visible to the runtime's leak profile.
	waiters list[acquirer]
	// doomed want more permits than there are. Only their ctx can end them,
	// and nobody is to wait behind them.
	doomed list[acquirer]

	trackAll, reclaim bool
}

// acquirer is a goroutine that waits for n permits.
type acquirer struct {
	n     int64
	since int64
	ready chan struct{} // closed when it has them
}

// NewSemaphore makes a semaphore of so many permits and measures it under name.
// An empty name measures nothing. It panics if permits is negative.
func NewSemaphore(name string, permits int64, opts ...SemaphoreOption) *Semaphore {
	if permits < 0 {
		panic("weir: semaphore size < 0")
	}
	var cfg semaphoreConfig
	for _, o := range opts {
		if o != nil {
			o.applySemaphore(&cfg)
		}
	}
	s := &Semaphore{m: &semaphoreMember{limit: permits}, trackAll: cfg.trackAll, reclaim: cfg.reclaim}
	if s.m.register(name, cfg) {
		runtime.AddCleanup(s, (*semaphoreMember).retire, s.m)
	}
	return s
}

// Acquire takes n permits, and waits for them. It returns ctx.Err() and takes
// none when ctx is done first; a ctx that is done already fails also where
// permits are free. A nil ctx is never done. More permits than there are wait
// until ctx is done. It panics if n is negative.
func (s *Semaphore) Acquire(ctx context.Context, n int64) error {
	checkPermits(n)
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	m := s.m
	m.mu.Lock()
	select {
	case <-done:
		m.canceled++
		m.mu.Unlock()
		return ctx.Err()
	default:
	}
	if s.waiters.first == nil && m.take(n) {
		m.acquired++
		m.mu.Unlock()
		return nil
	}
	// It waits: that is what the clock is read for.
	w := &node[acquirer]{value: acquirer{n: n, since: now(), ready: make(chan struct{})}}
	s.lineOf(n).add(w)
	s.noteWaiters()
	m.mu.Unlock()
	return s.wait(ctx, done, w)
}

// lineOf returns the list in which a request for n permits waits.
func (s *Semaphore) lineOf(n int64) *list[acquirer] {
	if n > s.m.limit {
		return &s.doomed
	}
	return &s.waiters
}

// wait waits for the permits of w, which whoever releases them takes for it.
func (s *Semaphore) wait(ctx context.Context, done <-chan struct{}, w *node[acquirer]) error {
	defer runtime.KeepAlive(s) // or it could be retired before this is counted
	select {
	case <-w.value.ready:
		select {
		case <-done: // both: being cancelled wins, as it does before waiting
		default:
			s.m.waited(w.value.since, true)
			return nil
		}
	case <-done:
	}
	s.abandon(w)
	s.m.waited(w.value.since, false)
	return ctx.Err()
}

// abandon takes back a request, with its permits if they were handed over
// meanwhile.
func (s *Semaphore) abandon(w *node[acquirer]) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if !s.lineOf(w.value.n).remove(w) {
		s.m.give(w.value.n)
	}
	s.serve()
}

// serve hands free permits to waiters, in order. It stops at the first that
// wants more than there is: going on would starve large requests.
func (s *Semaphore) serve() {
	for w := s.waiters.first; w != nil && s.m.take(w.value.n); w = s.waiters.first {
		s.waiters.remove(w)
		close(w.value.ready)
	}
	s.noteWaiters()
}

// noteWaiters copies what a reading wants to know of the waiters.
func (s *Semaphore) noteWaiters() {
	s.m.waiters = s.waiters.len + s.doomed.len
	s.m.oldestSince = min(sinceOf(s.waiters.first), sinceOf(s.doomed.first))
}

// sinceOf returns since when an acquirer waits, or the end of time.
func sinceOf(w *node[acquirer]) int64 {
	if w == nil {
		return math.MaxInt64
	}
	return w.value.since
}

// TryAcquire takes n permits if they are free and nobody waits, and reports
// whether it did. What it refuses is counted as outcome "rejected". It panics if
// n is negative.
func (s *Semaphore) TryAcquire(n int64) bool {
	checkPermits(n)
	m := s.m
	m.mu.Lock()
	ok := s.waiters.first == nil && m.take(n)
	if ok {
		m.acquired++
	} else {
		m.rejected++
	}
	m.mu.Unlock()
	return ok
}

// Release gives n permits back. It panics if n is negative or more than are
// taken.
func (s *Semaphore) Release(n int64) {
	checkPermits(n)
	m := s.m
	m.mu.Lock()
	if n > m.inUse {
		m.mu.Unlock()
		panic("weir: semaphore released more than held")
	}
	m.give(n)
	if s.waiters.first != nil {
		s.serve()
	}
	m.mu.Unlock()
}

func checkPermits(n int64) {
	if n < 0 {
		panic("weir: semaphore n < 0")
	}
}

// Stats returns the numbers of this semaphore alone; its histograms and leaks are
// those of its name. It is the zero SemaphoreStats where nothing is measured.
func (s *Semaphore) Stats() SemaphoreStats {
	if s.m.series == nil {
		return SemaphoreStats{}
	}
	return s.m.series.readOne(s.m)
}

// semaphoreMember is the stats block of one semaphore, and the lock and numbers
// it works with: under a lock that is held anyway, counting costs next to
// nothing. It holds integers and times only; see chanMember.
type semaphoreMember struct {
	mu     sync.Mutex
	limit  int64
	inUse  int64
	levels window

	waiters     int64
	oldestSince int64

	acquired, rejected, canceled uint64

	permits  permitList
	thinning thinning
	lost     int64 // permits collected unreleased, and not reclaimed
	lostAt   int64 // when the first of them was found

	series  *semaphoreSeries // nil where nothing is measured
	created int64
}

// take takes n permits if they are free.
func (m *semaphoreMember) take(n int64) bool {
	if n > m.limit-m.inUse {
		return false
	}
	before := m.inUse
	m.inUse += n
	m.levels.observe(before, m.inUse)
	return true
}

func (m *semaphoreMember) give(n int64) {
	m.inUse -= n
	m.lost = min(m.lost, m.inUse) // what is given back after all is not missing
	m.levels.observe(m.inUse, m.inUse)
}

// waited counts an acquire that had to wait.
func (m *semaphoreMember) waited(from int64, ok bool) {
	t := now()
	m.mu.Lock()
	m.levels.rotate(t, m.inUse)
	if ok {
		m.acquired++
	} else {
		m.canceled++
	}
	m.mu.Unlock()
	if m.series != nil {
		m.series.wait.observe(since(t, from), 1)
	}
}

// addTo adds the member's numbers to the stats of its name.
func (m *semaphoreMember) addTo(c *SemaphoreStats, t int64, holdLimit time.Duration) {
	m.ageHeld(t, holdLimit)
	m.mu.Lock()
	c.Members++
	c.Limit += m.limit
	c.InUse += m.inUse
	peak, floor := m.levels.read(t, m.inUse, m.created)
	c.InUsePeak += peak
	c.InUseFloor += floor
	m.thinning.adapt(t)
	if t-m.created >= int64(windowLength) {
		m.thinning.drift(t, floor)
	}
	c.Waiters += m.waiters
	c.OldestWaiter = max(c.OldestWaiter, since(t, m.oldestSince))
	m.totals().addTo(c)
	oldest := m.permits.addTo(c)
	c.addLost(m.lost, m.lostAt)
	m.mu.Unlock()
	c.addOldest(oldest, t, holdLimit) // it looks for a line of code, which takes long
}

func (c *SemaphoreStats) addLost(lost, at int64) {
	if lost == 0 {
		return
	}
	c.missing += lost
	if c.missingSince == 0 || at < c.missingSince {
		c.missingSince = at
	}
}

// semaphoreTotals are the counters of a member, or the sums of those of retired
// ones.
type semaphoreTotals struct{ acquired, rejected, canceled uint64 }

func (m *semaphoreMember) totals() semaphoreTotals {
	return semaphoreTotals{m.acquired, m.rejected, m.canceled}
}

func (x semaphoreTotals) addTo(c *SemaphoreStats) {
	c.Acquired += x.acquired
	c.Rejected += x.rejected
	c.Canceled += x.canceled
}
