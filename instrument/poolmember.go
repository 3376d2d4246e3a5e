package instrument

import (
	"sync"
	"sync/atomic"
	"time"
)

// taskSlot is what a worker is doing: when its task began, and which function it
// is. It keeps neither alive.
type taskSlot struct {
	start atomic.Int64 // 0 when idle
	entry atomic.Uintptr
	_     [48]byte // a cache line of its own: every task writes it
}

// poolMember is the stats block of one pool. It holds integers and times only;
// see chanMember. A nil one measures nothing.
type poolMember struct {
	submitted atomic.Uint64
	withdrawn atomic.Uint64
	started   atomic.Uint64
	rejected  atomic.Uint64
	ok        atomic.Uint64
	panicked  atomic.Uint64
	busy      atomic.Int64 // of ended tasks
	ends      atomic.Int32

	mu       sync.Mutex
	slots    map[*taskSlot]struct{}
	busySeen int64

	series   *poolSeries
	capacity int64
}

func (m *poolMember) addSlot() *taskSlot {
	if m == nil {
		return nil
	}
	slot := new(taskSlot)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slots[slot] = struct{}{}
	return slot
}

func (m *poolMember) dropSlot(slot *taskSlot) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.slots, slot)
}

// begin notes that a task started.
func (m *poolMember) begin(slot *taskSlot, t poolTask, start int64) {
	m.started.Add(1)
	slot.entry.Store(entryOf(t.run))
	slot.start.Store(start)
	m.series.wait.observe(since(start, t.at), 1)
}

// end notes that a task ended and returns when: the clock is read once here, for
// its run time and as the start of the next one.
func (m *poolMember) end(slot *taskSlot, start int64, panicked bool) int64 {
	t := now()
	slot.start.Store(0) // first: a reading in between must not count the time twice
	m.busy.Add(int64(since(t, start)))
	if panicked {
		m.panicked.Add(1)
	} else {
		m.ok.Add(1)
	}
	m.series.run.observe(since(t, start), 1)
	return t
}

// endedOnce is called when the handle is gone and when the last worker has
// ended. After both nothing can change the counters any more.
func (m *poolMember) endedOnce() {
	if m.ends.Add(1) == 2 {
		m.series.retire(m)
	}
}

// addTo adds the member's numbers to the stats of its name.
func (m *poolMember) addTo(p *PoolStats, t int64, limit time.Duration) {
	p.Members++
	p.QueueCapacity += m.capacity
	// Started first: what is submitted meanwhile does not make it negative.
	started := m.started.Load() + m.withdrawn.Load()
	waiting := int64(m.submitted.Load() - started)
	p.QueueDepth += min(max(waiting, 0), m.capacity) // the rest waits in Submit

	m.mu.Lock()
	defer m.mu.Unlock()
	busy := m.busy.Load()
	for slot := range m.slots {
		p.Workers++
		if start := slot.start.Load(); start != 0 {
			busy += int64(since(t, start))
			p.addRunning(since(t, start), slot, limit)
		}
	}
	// A task that ends between the two loads would take its time back for one
	// reading.
	m.busySeen = max(m.busySeen, busy)
	totals := m.totals()
	totals.busy = m.busySeen
	totals.addTo(p)
}

func (p *PoolStats) addRunning(age time.Duration, slot *taskSlot, limit time.Duration) {
	p.Busy++
	over := limit > 0 && age > limit
	if over {
		p.TasksOverLimit++
	}
	if age > p.OldestTask {
		p.OldestTask = age
		if over {
			p.OldestTaskSite = siteOfFunc(slot.entry.Load())
		}
	}
}

// poolTotals are the counters of a member, or the sums of those of retired ones.
type poolTotals struct {
	ok, panicked, rejected uint64
	busy                   int64
}

func (m *poolMember) totals() poolTotals {
	return poolTotals{m.ok.Load(), m.panicked.Load(), m.rejected.Load(), m.busy.Load()}
}

func (x poolTotals) addTo(p *PoolStats) {
	p.TasksOK += x.ok
	p.TasksPanic += x.panicked
	p.Rejected += x.rejected
	p.BusyTime += time.Duration(x.busy)
}

func (x *poolTotals) add(y poolTotals) {
	x.ok += y.ok
	x.panicked += y.panicked
	x.rejected += y.rejected
	x.busy += y.busy
}

// poolSeries is all pools of one name.
type poolSeries struct {
	series
	cfg  poolConfig
	wait histogram
	run  histogram

	mu      sync.Mutex
	live    map[*poolMember]struct{}
	retired poolTotals
}

// registerPool makes a new member of a name; nil where nothing is to be measured.
func registerPool(r *Registry, name string, queue int, cfg poolConfig) *poolMember {
	if name == "" || r.disabled {
		return nil
	}
	s := r.pools.join(r, name, func() *poolSeries {
		s := &poolSeries{cfg: cfg}
		s.describe(cfg.commonConfig, nil, true)
		s.cfg.registry, s.cfg.onPanic = nil, nil // the one holds us, the other is the pool's
		s.live = make(map[*poolMember]struct{})
		return s
	})
	r.conflict(s.conflicts(cfg.commonConfig, true), cfg.taskLimit != 0 && cfg.taskLimit != s.cfg.taskLimit)
	s.sites.note(2)
	m := &poolMember{series: s, capacity: int64(queue), slots: make(map[*taskSlot]struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[m] = struct{}{}
	return m
}

func (s *poolSeries) retire(m *poolMember) {
	s.mu.Lock()
	delete(s.live, m)
	s.retired.add(m.totals())
	s.mu.Unlock()
	s.leave()
}

func (s *poolSeries) read(t int64) PoolStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.header()
	s.retired.addTo(&p)
	for m := range s.live {
		m.addTo(&p, t, s.cfg.taskLimit)
	}
	return p
}

// readOne is read for one member.
func (s *poolSeries) readOne(m *poolMember) PoolStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.header()
	m.addTo(&p, now(), s.cfg.taskLimit)
	return p
}

func (s *poolSeries) header() PoolStats {
	return PoolStats{Info: s.info(), TaskLimit: s.cfg.taskLimit, TaskWait: s.wait.read(), TaskRun: s.run.read()}
}
