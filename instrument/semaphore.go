package instrument

import (
	"cmp"
	"context"
	"runtime"
	"sync"
	"weak"
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
// golang.org/x/sync/semaphore v0.24.0: first come, first served, so that large
// requests are not starved, and the same panics. All methods are safe for
// concurrent use. The zero Semaphore has no permits and is not measured.
//
// Two differences, both for the worse case: a nil ctx is never done, and after a
// Release of more than is taken has panicked nothing has changed, where that of
// x/sync has more permits than it should.
type Semaphore struct {
	fast  *ledger          // that of m; nil in the zero Semaphore, and around one that is not measured
	inner Weighted         // set by WrapSemaphore
	m     *semaphoreMember // nil in the zero Semaphore

	// The waiters stand here and not in the stats block: the registry holds
	// that one, and a goroutine stuck in a semaphore that nobody has any more
	// must stay visible to the runtime's leak profile.
	waiters list[acquirer]
	// doomed want more permits than there are, so that only their ctx can end
	// them and nobody is to wait behind them; or they wait in inner.
	doomed list[acquirer]

	trackAll bool
	self     weak.Pointer[Semaphore] // set WithReclaim
	spare    []*permitToken          // see track; guarded by m.mu, as the lists are
}

// acquirer is a goroutine that waits for n permits.
type acquirer struct {
	n     int64
	since int64
	ready chan struct{} // of capacity 1: gets a message when it has them
}

// noPermits stands in for the stats block of every zero Semaphore. They can share
// it: there is nothing to take, so nobody ever waits in line.
var noPermits semaphoreMember

// NewSemaphore makes a semaphore of so many permits and measures it under name.
// An empty name measures nothing. It panics if permits is negative.
func NewSemaphore(name string, permits int64, opts ...SemaphoreOption) *Semaphore {
	if permits < 0 {
		panic("semaphore: size < 0")
	}
	return makeSemaphore(name, nil, permits, opts)
}

func makeSemaphore(name string, inner Weighted, permits int64, opts []SemaphoreOption) *Semaphore {
	cfg := semaphoreConfigOf(opts)
	s := &Semaphore{m: new(semaphoreMember), inner: inner, trackAll: cfg.trackAll}
	s.m.init(permits)
	measured := s.m.register(name, cfg, semaphoreKind{wrapped: inner != nil, moves: true, skip: 2})
	if measured || inner == nil {
		s.fast = &s.m.ledger
	}
	if measured {
		runtime.AddCleanup(s, (*semaphoreMember).retire, s.m)
		if cfg.reclaim {
			s.self = weak.Make(s)
		}
	}
	return s
}

// member returns the stats block.
func (s *Semaphore) member() *semaphoreMember {
	if s.m == nil {
		return &noPermits
	}
	return s.m
}

// Acquire takes n permits, and waits for them. It returns ctx.Err() and takes
// none when ctx is done first; a ctx that is done already fails also where
// permits are free. A nil ctx is never done. A request for more permits than there
// are waits until ctx is done, and in nobody's way. One for none waits its turn where
// others wait. It panics if n is negative.
//
// Where nobody waits it is one atomic operation, and reads no clock.
func (s *Semaphore) Acquire(ctx context.Context, n int64) error {
	l := s.fast
	if l == nil && s.inner != nil {
		return s.inner.Acquire(ctx, n)
	}
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	switch {
	case l == nil:
	case s.inner == nil:
		if old := l.word.Load(); !isDone(done) { // in this order: see take
			if inUse, ok := l.swapTake(old, n); ok {
				l.rose(inUse)
				runtime.KeepAlive(s) // or it could be retired before this is counted
				return nil
			}
		}
	case ctx != nil && !isDone(done) && s.inner.TryAcquire(n):
		if inUse, ok := l.swapTake(l.word.Load(), n); ok {
			l.rose(inUse)
		} else {
			s.countTaken(n)
		}
		runtime.KeepAlive(s)
		return nil
	}
	return s.acquire(ctx, done, n)
}

// acquire is Acquire where there is more to it.
func (s *Semaphore) acquire(ctx context.Context, done <-chan struct{}, n int64) error {
	if s.inner != nil {
		return s.acquireInner(ctx, done, n)
	}
	checkPermits(n)
	defer runtime.KeepAlive(s) // as in Acquire
	m := s.member()
	switch m.take(n, done, s.fast != nil) {
	case taken:
		return nil
	case wasDone:
		m.canceled.Add(1)
		return ctx.Err()
	}
	return s.acquireSlowly(ctx, done, n)
}

// acquireSlowly is Acquire where too few permits are free or somebody waits. Its
// clock read is the beginning of the wait.
func (s *Semaphore) acquireSlowly(ctx context.Context, done <-chan struct{}, n int64) error {
	m := s.member()
	t := now() // before the lock, which others wait for
	s.lock()
	if isDone(done) {
		s.unlock()
		m.canceled.Add(1)
		return ctx.Err()
	}
	if s.waiters.first == nil && m.takeHome(n) {
		m.acquired++
		s.unlock()
		return nil
	}
	w := newAcquirer(n, t)
	s.lineOf(n).add(w)
	m.levels.rotate(t, m.inUse)
	s.noteWaiters()
	s.unlock()
	if s.wait(done, w) {
		m.waitedFor.Add(1)
		m.endWait(w)
		return nil
	}
	m.canceled.Add(1)
	m.endWait(w)
	return ctx.Err()
}

// lock and unlock take the numbers home and put them out again; while somebody
// waits in line they stay at home, so that nobody can pass.
func (s *Semaphore) lock()   { s.member().lock() }
func (s *Semaphore) unlock() { s.member().unlock(s.waiters.first == nil) }

// lineOf returns the list in which a request for n permits waits.
func (s *Semaphore) lineOf(n int64) *list[acquirer] {
	if n > s.member().limit {
		return &s.doomed
	}
	return &s.waiters
}

// wait waits for the permits of w, which whoever releases them takes for it, and
// reports whether it has them.
func (s *Semaphore) wait(done <-chan struct{}, w *node[acquirer]) bool {
	if done == nil { // a select of one costs as much as the two clock reads
		<-w.value.ready
		return true
	}
	select {
	case <-w.value.ready:
		select {
		case <-done: // both: being cancelled wins, as it does before waiting
			s.abandon(w, true)
			return false
		default:
			return true
		}
	case <-done:
		s.abandon(w, false)
		return false
	}
}

// abandon takes back a request that was cancelled. If its permits were handed over
// already they go on to the next.
func (s *Semaphore) abandon(w *node[acquirer], told bool) {
	m := s.member()
	s.lock()
	first := s.waiters.first == w
	switch {
	case !s.lineOf(w.value.n).remove(w):
		if !told {
			<-w.value.ready
		}
		m.giveHome(w.value.n)
		s.serve()
	case first && m.limit > m.inUse:
		s.serve()
	default:
		s.noteWaiters()
	}
	s.unlock()
}

// serve hands free permits to waiters, in order. It stops at the first that
// wants more than there is: going on would starve large requests.
func (s *Semaphore) serve() {
	m := s.member()
	for w := s.waiters.first; w != nil && m.takeHome(w.value.n); w = s.waiters.first {
		s.waiters.remove(w)
		w.value.ready <- struct{}{}
	}
	s.noteWaiters()
}

// noteWaiters copies what a reading wants to know of the waiters.
func (s *Semaphore) noteWaiters() {
	m := s.member()
	m.waiters = s.waiters.len + s.doomed.len
	first, doomed := sinceOf(s.waiters.first), sinceOf(s.doomed.first)
	m.oldestSince = earliest(first, cmp.Or(doomed, first))
	m.doomedSince = 0
	if s.inner == nil {
		m.doomedSince = doomed
	}
}

// TryAcquire takes n permits if they are free and nobody waits, and reports
// whether it did. What it refuses is counted as outcome "rejected". It panics if
// n is negative.
func (s *Semaphore) TryAcquire(n int64) bool {
	if l := s.fast; l != nil && s.inner == nil {
		if inUse, ok := l.swapTake(l.word.Load(), n); ok {
			l.rose(inUse)
			runtime.KeepAlive(s) // as in Acquire
			return true
		}
	}
	return s.try(n)
}

// try is TryAcquire where there is more to it.
func (s *Semaphore) try(n int64) bool {
	if s.inner != nil {
		return s.tryInner(n)
	}
	checkPermits(n)
	m := s.member()
	got := m.take(n, nil, s.fast != nil)
	if got == notOut {
		got = s.trySlowly(n)
	}
	if got == tooFew {
		m.rejected.Add(1)
	}
	runtime.KeepAlive(s) // as in Acquire
	return got == taken
}

func (s *Semaphore) trySlowly(n int64) taking {
	m := s.member()
	s.lock()
	defer s.unlock()
	if s.waiters.first != nil || !m.takeHome(n) {
		return tooFew
	}
	m.acquired++
	return taken
}

// Release gives n permits back, no matter who took them; 0 does nothing. It panics if
// n is negative or more than are taken. So a second Release for one Acquire gives back
// what somebody else has, or panics: a Permit can be released once.
func (s *Semaphore) Release(n int64) {
	if l := s.fast; l != nil {
		if inUse, ok := l.swapGive(n); ok {
			if inUse < l.low() {
				l.fell(inUse)
			}
			if s.inner != nil {
				s.inner.Release(n)
			}
			runtime.KeepAlive(s) // as in Acquire
			return
		}
	}
	if s.inner != nil {
		s.releaseInner(n)
		return
	}
	checkPermits(n)
	if !s.member().give(n) {
		s.releaseSlowly(n)
	}
	runtime.KeepAlive(s) // as in Acquire
}

func (s *Semaphore) releaseSlowly(n int64) {
	m := s.member()
	s.lock()
	if n > m.inUse {
		s.unlock()
		panic("semaphore: released more than held")
	}
	m.giveHome(n)
	if s.waiters.first != nil {
		s.serve()
	}
	s.unlock()
}

func checkPermits(n int64) {
	if n < 0 {
		panic("semaphore: n < 0")
	}
}

// Stats returns the numbers of this semaphore alone; its histograms and leaks are
// those of its name. It is the zero SemaphoreStats where nothing is measured.
func (s *Semaphore) Stats() SemaphoreStats {
	m := s.member()
	if m.series == nil {
		return SemaphoreStats{}
	}
	defer runtime.KeepAlive(s)
	return m.series.readOne(m)
}

// acquirers are those that have waited, to be used again: a wait then allocates
// nothing. None that waits is in here, which would hide it from the leak profile.
var acquirers = sync.Pool{New: func() any {
	return &node[acquirer]{value: acquirer{ready: make(chan struct{}, 1)}}
}}

// newAcquirer returns an acquirer that begins to wait at t. A channel made inside
// of a synctest bubble must not be touched outside, nor the other way round.
func newAcquirer(n, t int64) *node[acquirer] {
	pool := acquirers.Get
	if bubbled(t) {
		pool = acquirers.New
	}
	w := pool().(*node[acquirer])
	w.value.n, w.value.since = n, t
	return w
}

// endWait counts a wait that is over. Its clock read is the end of it.
func (m *semaphoreMember) endWait(w *node[acquirer]) {
	t, from := now(), w.value.since
	if !bubbled(from) {
		acquirers.Put(w)
	}
	if m.series != nil {
		m.series.wait.observe(since(t, from), 1)
	}
}
