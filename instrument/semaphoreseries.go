package instrument

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
	"weak"
)

const (
	// semaphoreShards is into how many parts the members of a name are divided;
	// see chanShards.
	semaphoreShards = chanShards
	maxLeakSites    = 50
	otherSite       = "other"
)

// semaphoreSeries is all semaphores of one name.
type semaphoreSeries struct {
	series
	registry *Registry
	cfg      semaphoreConfig
	wait     histogram
	hold     histogram
	moves    atomic.Bool // a member is more than watched
	wrapped  atomic.Bool // a member was made by WrapSemaphore
	permits  atomic.Bool // a Permit was ever taken
	shards   [semaphoreShards]atomic.Pointer[semaphoreShard]

	mu    sync.Mutex
	leaks []LeakSite
}

// semaphoreShard is some of the members of a name, and the sums of those that are
// gone. Both are under one lock, so that a reading never counts a member twice or
// not at all.
type semaphoreShard struct {
	mu      sync.Mutex
	members []*semaphoreMember
	watched map[object]*semaphoreMember
	retired semaphoreTotals
}

func semaphoreConfigOf(opts []SemaphoreOption) semaphoreConfig {
	var cfg semaphoreConfig
	for _, o := range opts {
		if o != nil {
			o.applySemaphore(&cfg)
		}
	}
	return cfg
}

// register makes m a member of a name, and reports whether it is measured.
func (m *semaphoreMember) register(name string, cfg semaphoreConfig, kind semaphoreKind) bool {
	s := joinSemaphores(name, cfg, kind, kind.skip+1)
	if s == nil {
		return false
	}
	m.begin(s, kind)
	sh := s.shard((*byte)(unsafe.Pointer(m)))
	sh.mu.Lock()
	sh.add(m)
	sh.mu.Unlock()
	return true
}

// registerWatched makes the channel at p, of so many permits, a member of a name,
// unless it is one already.
func registerWatched(name string, p *byte, permits int64, cfg semaphoreConfig) {
	kind := semaphoreKind{}
	s := joinSemaphores(name, cfg, kind, 2)
	if s == nil {
		return
	}
	m := &semaphoreMember{object: weak.Make(p)}
	m.init(permits)
	m.begin(s, kind)
	sh := s.shard(p)
	sh.mu.Lock()
	known := sh.watched[m.object] != nil
	if !known {
		sh.add(m)
	}
	sh.mu.Unlock()
	if known {
		s.leave()
		return
	}
	runtime.AddCleanup(p, (*semaphoreMember).retire, m)
}

// joinSemaphores returns the series of a name, with one more member; nil where
// nothing is to be measured.
func joinSemaphores(name string, cfg semaphoreConfig, kind semaphoreKind, skip int) *semaphoreSeries {
	r := registryOr(cfg.registry)
	name = sanitize(name)
	if name == "" || r.disabled {
		return nil
	}
	s := r.semaphores.join(r, name, func() *semaphoreSeries {
		s := &semaphoreSeries{cfg: cfg, registry: r}
		s.describe(cfg.commonConfig, nil, true)
		// From the start, so that the rate of a first leak is seen.
		s.leaks = []LeakSite{{Site: otherSite}}
		return s
	})
	r.conflict(
		s.conflicts(cfg.commonConfig, true),
		cfg.holdLimit != 0 && cfg.holdLimit != s.cfg.holdLimit,
		cfg.waitLimit != 0 && cfg.waitLimit != s.cfg.waitLimit,
	)
	s.sites.note(skip + 1)
	if kind.moves {
		s.moves.Store(true)
	}
	if kind.wrapped {
		s.wrapped.Store(true)
	}
	return s
}

func (m *semaphoreMember) begin(s *semaphoreSeries, kind semaphoreKind) {
	m.series, m.kind, m.created = s, kind, now()
	m.levels.bucket.Store(m.created / int64(windowLength))
}

// shard returns the part that the object at p belongs to.
func (s *semaphoreSeries) shard(p *byte) *semaphoreShard {
	slot := &s.shards[slotOf(p)]
	if slot.Load() == nil {
		slot.CompareAndSwap(nil, new(semaphoreShard))
	}
	return slot.Load()
}

// add and remove change the list. The caller holds sh.mu.
func (sh *semaphoreShard) add(m *semaphoreMember) {
	m.shard, m.index = sh, len(sh.members)
	sh.members = append(sh.members, m)
	if m.object != (object{}) {
		if sh.watched == nil {
			sh.watched = make(map[object]*semaphoreMember)
		}
		sh.watched[m.object] = m
	}
}

func (sh *semaphoreShard) remove(m *semaphoreMember) {
	last := len(sh.members) - 1
	moved := sh.members[last]
	sh.members[m.index], moved.index = moved, m.index
	sh.members[last] = nil
	sh.members = sh.members[:last]
	if cap(sh.members) > minShardRoom && last < cap(sh.members)/8 {
		sh.members = append(make([]*semaphoreMember, 0, 2*last), sh.members...) // what a burst left
	}
	delete(sh.watched, m.object)
}

// retire moves the counters of a collected semaphore into the sums of its name.
func (m *semaphoreMember) retire() {
	sh := m.shard
	sh.mu.Lock()
	sh.remove(m)
	m.mu.Lock()
	sh.retired.add(m.totals())
	m.mu.Unlock()
	sh.mu.Unlock()
	m.series.leave()
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

// read adds up the members at t. It looks at those watched channels that it may.
func (s *semaphoreSeries) read(t int64, may looks) SemaphoreStats {
	c := s.header()
	for i := range s.shards {
		sh := s.shards[i].Load()
		if sh == nil {
			continue
		}
		sh.mu.Lock()
		sh.retired.addTo(&c)
		for _, m := range sh.members {
			if may == allLooks || may == firstLook && m.seenAt == 0 {
				m.look(t)
			}
			m.addTo(&c, t)
		}
		sh.mu.Unlock()
	}
	return c
}

// readOne is read for one member.
func (s *semaphoreSeries) readOne(m *semaphoreMember) SemaphoreStats {
	c := s.header()
	m.shard.mu.Lock()
	defer m.shard.mu.Unlock()
	m.addTo(&c, now())
	return c
}

// waitLimit is how long somebody may wait in vain: nobody need wait for less than
// others may hold.
func (s *semaphoreSeries) waitLimit() time.Duration {
	return cmp.Or(s.cfg.waitLimit, s.cfg.holdLimit, defaultStallAfter)
}

func (s *semaphoreSeries) header() SemaphoreStats {
	s.mu.Lock()
	leaks := slices.Clone(s.leaks)
	s.mu.Unlock()
	return SemaphoreStats{
		Info:        s.info(),
		Moves:       s.moves.Load(),
		HasPermits:  s.permits.Load(),
		HoldLimit:   s.cfg.holdLimit,
		TrackAll:    s.cfg.trackAll,
		Reclaim:     s.cfg.reclaim,
		WaitLimit:   s.waitLimit(),
		AcquireWait: s.wait.read(),
		Hold:        s.hold.read(),
		Leaked:      leaks,

		wrapped: s.wrapped.Load(),
	}
}
