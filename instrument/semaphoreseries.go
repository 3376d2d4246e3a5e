package instrument

import (
	"slices"
	"sync"
)

// semaphoreSeries is all semaphores of one name.
type semaphoreSeries struct {
	series
	cfg  semaphoreConfig
	wait histogram
	hold histogram

	mu      sync.Mutex
	live    map[*semaphoreMember]struct{}
	retired semaphoreTotals
	used    bool // retired members had Permits
	leaks   []LeakSite
}

// register makes m a member of a name, and reports whether it is measured.
func (m *semaphoreMember) register(name string, cfg semaphoreConfig) bool {
	r := registryOr(cfg.registry)
	name = sanitize(name)
	if name == "" || r.disabled {
		return false
	}
	s := r.semaphores.join(r, name, func() *semaphoreSeries {
		s := &semaphoreSeries{cfg: cfg}
		s.describe(cfg.commonConfig, nil, true)
		s.cfg.registry = nil // it holds us
		s.live = make(map[*semaphoreMember]struct{})
		// From the start, so that the rate of a first leak is seen.
		s.leaks = []LeakSite{{Site: otherSite}}
		return s
	})
	r.conflict(s.conflicts(cfg.commonConfig, true), cfg.holdLimit != 0 && cfg.holdLimit != s.cfg.holdLimit)
	s.sites.note(2)
	m.series, m.created = s, now()
	m.levels.bucket.Store(m.created / int64(windowLength))
	s.mu.Lock()
	s.live[m] = struct{}{}
	s.mu.Unlock()
	return true
}

// retire moves the counters of a collected semaphore into the sums of its name.
func (m *semaphoreMember) retire() {
	s := m.series
	s.mu.Lock()
	delete(s.live, m)
	m.mu.Lock()
	s.retired.add(m.totals())
	s.used = s.used || m.permits.used
	m.mu.Unlock()
	s.mu.Unlock()
	s.leave()
}

func (x *semaphoreTotals) add(y semaphoreTotals) {
	x.acquired += y.acquired
	x.rejected += y.rejected
	x.canceled += y.canceled
}

// leaked counts permits that were collected unreleased.
func (s *semaphoreSeries) leaked(site string, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.leaks, func(l LeakSite) bool { return l.Site == site })
	switch {
	case i >= 0:
	case len(s.leaks) <= maxLeakSites:
		i = len(s.leaks)
		s.leaks = append(s.leaks, LeakSite{Site: site})
	default:
		i = 0 // otherSite
	}
	s.leaks[i].Permits += n
}

func (s *semaphoreSeries) read(t int64) SemaphoreStats {
	c := s.header()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Leaked = slices.Clone(s.leaks)
	c.HasPermits = s.used
	s.retired.addTo(&c)
	for m := range s.live {
		m.addTo(&c, t, s.cfg.holdLimit)
	}
	return c
}

// readOne is read for one member.
func (s *semaphoreSeries) readOne(m *semaphoreMember) SemaphoreStats {
	c := s.header()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Leaked = slices.Clone(s.leaks)
	m.addTo(&c, now(), s.cfg.holdLimit)
	return c
}

func (s *semaphoreSeries) header() SemaphoreStats {
	return SemaphoreStats{
		Info:        s.info(),
		HoldLimit:   s.cfg.holdLimit,
		AcquireWait: s.wait.read(),
		Hold:        s.hold.read(),
	}
}
