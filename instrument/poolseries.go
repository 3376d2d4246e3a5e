package instrument

import (
	"sync"
	"time"
)

// poolPart is a member of a name: the stats block of a Pool, a TaskMeter or a
// watched pool.
type poolPart interface {
	// flush puts what was held back into the histograms of the name.
	flush()
	addTo(p *PoolStats, t int64, limit time.Duration)
	totals() poolTotals
}

// poolTotals are the counters of a member, or the sums of those of retired ones.
type poolTotals struct {
	ok, failed, panicked, rejected uint64
	busy                           int64
}

func (x poolTotals) addTo(p *PoolStats) {
	p.TasksOK += x.ok
	p.TasksError += x.failed
	p.TasksPanic += x.panicked
	p.Rejected += x.rejected
	p.BusyTime += time.Duration(x.busy)
}

func (x *poolTotals) add(y poolTotals) {
	x.ok += y.ok
	x.failed += y.failed
	x.panicked += y.panicked
	x.rejected += y.rejected
	x.busy += y.busy
}

// raise keeps the highest of each, for what is not read at one moment and must
// not go back.
func (x *poolTotals) raise(y poolTotals) {
	x.ok = max(x.ok, y.ok)
	x.failed = max(x.failed, y.failed)
	x.panicked = max(x.panicked, y.panicked)
	x.rejected = max(x.rejected, y.rejected)
	x.busy = max(x.busy, y.busy)
}

func (p *PoolStats) addRunning(age, limit time.Duration, entry uintptr) {
	over := limit > 0 && age > limit
	if over {
		p.TasksOverLimit++
	}
	if age > p.OldestTask {
		p.OldestTask = age
		if over {
			p.oldestEntry = entry
		}
	}
}

// poolSeries is all pools of one name.
type poolSeries struct {
	series
	cfg  poolConfig
	wait histogram
	run  histogram

	mu      sync.Mutex
	live    map[poolPart]struct{}
	groups  *taskMember // of all Groups; nil while there was none
	retired poolTotals
}

// poolOptions puts the options together.
func poolOptions(opts []PoolOption) poolConfig {
	var cfg poolConfig
	for _, o := range opts {
		if o != nil {
			o.applyPool(&cfg)
		}
	}
	return cfg
}

// joinPools makes the caller's caller a member of a name, which leaves it by
// poolSeries.leave; nil where nothing is to be measured.
func joinPools(r *Registry, name string, bounded bool, cfg poolConfig) *poolSeries {
	if name == "" || r.disabled {
		return nil
	}
	s := r.pools.join(r, name, func() *poolSeries {
		s := &poolSeries{cfg: cfg}
		s.describe(cfg.commonConfig, nil, bounded)
		s.cfg.registry, s.cfg.onPanic = nil, nil // the one holds us, the other is the pool's
		s.live = make(map[poolPart]struct{})
		return s
	})
	r.conflict(s.conflicts(cfg.commonConfig, bounded), cfg.taskLimit != 0 && cfg.taskLimit != s.cfg.taskLimit)
	s.sites.note(2)
	return s
}

func (s *poolSeries) add(m poolPart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[m] = struct{}{}
}

func (s *poolSeries) retire(m poolPart) {
	totals := m.totals()
	s.mu.Lock()
	delete(s.live, m)
	s.retired.add(totals)
	s.mu.Unlock()
	s.leave()
}

// groupTasks returns the stats block of the Groups of the name.
func (s *poolSeries) groupTasks() *taskMember {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups == nil {
		s.groups = newTaskMember(s)
		s.live[s.groups] = struct{}{} // for as long as the name
	}
	return s.groups
}

func (s *poolSeries) read(t int64) PoolStats {
	p := s.readLocked(t)
	p.site()
	return p
}

func (s *poolSeries) readLocked(t int64) PoolStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.header()
	s.retired.addTo(&p)
	for m := range s.live {
		m.addTo(&p, t, s.cfg.taskLimit)
	}
	for m := range s.live {
		m.flush()
	}
	s.addTimes(&p)
	return p
}

// addTimes adds the histograms. They are read last, and so have the times of all
// tasks that are counted.
func (s *poolSeries) addTimes(p *PoolStats) { p.TaskWait, p.TaskRun = s.wait.read(), s.run.read() }

// readOne is read for one member.
func (s *poolSeries) readOne(m poolPart) PoolStats {
	s.mu.Lock()
	p := s.header()
	m.addTo(&p, now(), s.cfg.taskLimit)
	m.flush()
	s.addTimes(&p)
	s.mu.Unlock()
	p.site()
	return p
}

// site finds the line of the oldest task over the limit, which takes long, and so
// is done without the lock.
func (p *PoolStats) site() {
	if p.oldestEntry != 0 {
		p.OldestTaskSite = siteOfFunc(p.oldestEntry)
	}
}

func (s *poolSeries) header() PoolStats {
	return PoolStats{Info: s.info(), TaskLimit: s.cfg.taskLimit}
}
