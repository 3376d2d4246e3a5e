package instrument

import (
	"sync"
	"time"
)

const (
	sampleEvery = time.Second
	// sampleFor is how long sampling goes on after the last reading: longer
	// than any usual scrape interval, so that it runs on between scrapes.
	sampleFor = 3 * time.Minute
	// sampleLost is how late a sample may be before its timer is taken for
	// one that will never fire: that of a synctest bubble that has ended, or
	// one on the other side of a bubble, whose clock is years apart.
	sampleLost = 10 * time.Second
)

// sampler reads a registry every second while somebody else reads it too, so a
// program that is not watched pays nothing. Between two samples it is a timer
// and not a sleeping goroutine, which would end a synctest bubble, and with it
// its user's test, as a deadlock.
type sampler struct {
	mu       sync.Mutex
	round    uint64 // which chain of timers is the valid one
	running  bool
	sampled  int64
	lastRead int64
}

// wake notes a reading, and starts sampling if it is not going on.
func (s *sampler) wake(r *Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := now()
	s.lastRead = t
	if s.running && apart(t, s.sampled) < sampleLost {
		return
	}
	s.running = true
	s.round++
	s.schedule(r, t, s.round)
}

// schedule sets the timer for the next sample. The caller holds s.mu.
func (s *sampler) schedule(r *Registry, t int64, round uint64) {
	s.sampled = t
	time.AfterFunc(sampleEvery, func() {
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

// apart returns the time between two stamps, whichever is the later.
func apart(a, b int64) time.Duration { return time.Duration(max(a-b, b-a)) }
