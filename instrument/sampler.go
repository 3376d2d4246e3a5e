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
)

// sampler is the one goroutine of a registry. It runs only while somebody
// reads, so a program that is not watched pays nothing.
type sampler struct {
	mu       sync.Mutex
	running  bool
	lastRead int64
}

// wake notes a reading, and starts the goroutine if it is not running. It
// sleeps rather than waits on a channel or a timer of the registry's: those
// would belong to the synctest bubble that made them.
func (s *sampler) wake(r *Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastRead = now()
	if !s.running {
		s.running = true
		go s.run(r)
	}
}

func (s *sampler) run(r *Registry) {
	for {
		time.Sleep(sampleEvery)
		if s.over() {
			return
		}
		r.read()
	}
}

func (s *sampler) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if since(now(), s.lastRead) >= sampleFor {
		s.running = false
		return true
	}
	return false
}
