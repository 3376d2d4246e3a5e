package instrument

import (
	"sync"
	"time"
)

const (
	sampleEvery = time.Second
	// sampleShare bounds what sampling costs: where there are so many objects that
	// a sample takes more than a 4,000th of a second, the next comes later, up to
	// sampleSlowest. A window must have several, or one moment would stand for it.
	sampleShare   = 4000
	sampleSlowest = windowLength / 4
	// sampleFor is how long sampling goes on after the last reading: longer
	// than any usual scrape interval, so that it runs on between scrapes.
	sampleFor = 3 * time.Minute
	// sampleLost is how late a sample may be before its timer is taken for
	// one that will never fire: that of a synctest bubble that has ended, or
	// one on the other side of a bubble, whose clock is years apart.
	sampleLost = 10 * time.Second
)

// sampler reads a registry about every second while somebody else reads it too, so a
// program that is not watched pays nothing. Between two samples it is a timer
// and not a sleeping goroutine, which would end a synctest bubble, and with it
// its user's test, as a deadlock.
type sampler struct {
	mu       sync.Mutex
	round    uint64 // which chain of timers is the valid one
	running  bool
	sampled  int64
	lastRead int64
	took     time.Duration // the last sample
	pause    time.Duration // until the next
}

// wake notes a reading, and starts sampling if it is not going on.
func (s *sampler) wake(r *Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := now()
	s.lastRead = t
	if s.running && apart(t, s.sampled) < s.pause+sampleLost {
		return
	}
	s.running = true
	s.round++
	s.schedule(r, t, s.round)
}

// schedule sets the timer for the next sample. The caller holds s.mu.
func (s *sampler) schedule(r *Registry, t int64, round uint64) {
	s.sampled = t
	time.AfterFunc(max(s.pause, sampleEvery), func() {
		if s.due(r, round) {
			r.sample()
		}
	})
}

// due reports whether a sample is wanted, and sets the timer for the one after.
func (s *sampler) due(r *Registry, round uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if round != s.round {
		return false
	}
	t := now()
	s.running = apart(t, s.lastRead) < sampleFor
	if s.running {
		s.schedule(r, t, round)
	}
	return s.running
}

// note adapts the pause to what samples take. One alone may have been kept waiting.
func (s *sampler) note(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = min(sampleShare*min(took, s.took), sampleSlowest)
	s.took = took
}

// apart returns the time between two stamps, whichever is the later.
func apart(a, b int64) time.Duration { return time.Duration(max(a-b, b-a)) }
