package instrument

import (
	"context"
	"log/slog"
	"runtime"
)

// WrapSemaphore measures a semaphore that exists already, of so many permits: all
// that stands behind the three methods of Weighted. Who waits and in which order
// is that semaphore's affair; a nil s panics when it is used.
//
// Only what passes through the wrapper is counted. Permits that go in on one side
// and out on the other make the count wrong, so it is kept within 0 and permits,
// and the difference stands in weir_semaphore_untracked_releases_total. Acquire
// tries TryAcquire first, and calls Acquire, as a wait, where that refuses; with a
// ctx that is nil or done it calls Acquire alone. A negative number of permits is
// taken as 0, with one log line.
func WrapSemaphore(name string, s Weighted, permits int64, opts ...SemaphoreOption) *Semaphore {
	if s == nil {
		s = (*Semaphore)(nil)
	}
	if permits < 0 {
		registryOr(semaphoreConfigOf(opts).registry).tell(slog.LevelWarn, "weir: negative number of permits",
			slog.String("name", sanitize(name)), slog.Int64("permits", permits))
		permits = 0
	}
	return makeSemaphore(name, s, permits, opts)
}

// acquireInner is Acquire of a wrapped semaphore that has too few permits, or must
// be asked itself.
func (s *Semaphore) acquireInner(ctx context.Context, done <-chan struct{}, n int64) error {
	if ctx == nil || isDone(done) {
		return s.countInner(s.inner.Acquire(ctx, n), n)
	}
	return s.waitInner(ctx, n)
}

// countInner counts what became of an Acquire.
func (s *Semaphore) countInner(err error, n int64) error {
	if err == nil {
		s.countTaken(n)
	} else {
		s.m.canceled.Add(1)
		runtime.KeepAlive(s) // as in Acquire
	}
	return err
}

// waitInner is Acquire of a wrapped semaphore that has too few permits. It is deferred that
// the wait ends, because the semaphore's own panics stay as they are.
func (s *Semaphore) waitInner(ctx context.Context, n int64) error {
	w := newAcquirer(n, now())
	s.noteInner(func() { s.doomed.add(w) })
	defer func() {
		s.noteInner(func() { s.doomed.remove(w) })
		s.m.endWait(w)
	}()
	return s.countInner(s.inner.Acquire(ctx, n), n)
}

// noteInner changes the list of those that wait.
func (s *Semaphore) noteInner(change func()) {
	s.m.mu.Lock()
	change()
	s.noteWaiters()
	s.m.mu.Unlock()
}

func (s *Semaphore) tryInner(n int64) bool {
	ok := s.inner.TryAcquire(n)
	switch {
	case s.fast == nil:
	case ok:
		s.countTaken(n)
	default:
		s.m.rejected.Add(1)
		runtime.KeepAlive(s) // as in Acquire
	}
	return ok
}

// countTaken counts permits that the semaphore inside has handed out. Where they
// are more than there are some were released behind our back.
func (s *Semaphore) countTaken(n int64) {
	m := s.m
	if m.take(n, nil, false) != taken {
		s.lock()
		excess := max(n-(m.limit-m.inUse), 0)
		m.takeHome(n - excess)
		m.acquired++
		m.untracked.Add(uint64(excess))
		s.unlock()
	}
	runtime.KeepAlive(s) // as in Acquire
}

// releaseInner is Release of a wrapped semaphore where there is more to it. As in
// Release it is counted first: counted afterwards, permits that were taken again
// meanwhile would be too many.
func (s *Semaphore) releaseInner(n int64) {
	if s.fast != nil && n >= 0 {
		s.countGiven(n)
	}
	s.inner.Release(n)
	runtime.KeepAlive(s) // as in Acquire
}

// countGiven counts permits that are given back. Where they are more than are
// taken some were taken behind our back.
func (s *Semaphore) countGiven(n int64) {
	m := s.m
	if m.give(n) {
		return
	}
	s.lock()
	excess := max(n-m.inUse, 0)
	m.giveHome(n - excess)
	m.untracked.Add(uint64(excess))
	s.unlock()
}

// giveInnerBack gives reclaimed permits to the semaphore inside. Its panic would
// end the program from a goroutine that is not the user's.
func (s *Semaphore) giveInnerBack(n int64) {
	defer func() {
		if recover() != nil {
			s.m.series.registry.faults.Add(1)
			s.m.mu.Lock()
			s.m.forgo(n)
			s.m.mu.Unlock()
		}
	}()
	s.Release(n)
}
