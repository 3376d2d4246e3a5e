package instrument

import (
	"sync"
	"sync/atomic"
	"time"
)

// poolShut is set in poolMember.entered when the pool is shut down.
const poolShut = 1 << 63

// poolMember is the stats block of one pool, and the numbers that its Shutdown
// goes by. It holds integers and times only; see chanMember.
type poolMember struct {
	// What every submission touches.
	entered atomic.Uint64 // submissions, and poolShut
	pace    pace
	_       [64]byte

	withdrawn atomic.Uint64 // submissions that gave up or were refused
	rejected  atomic.Uint64
	ends      atomic.Int32

	mu    sync.Mutex
	slots map[*taskSlot]struct{}
	gone  slotTotals // of workers that have ended
	seen  poolTotals // what readings have shown

	series   *poolSeries // nil where nothing is measured
	capacity int64
}

// taskSlot is what a worker is doing. The worker alone writes it, and it keeps
// neither the worker nor its task alive.
type taskSlot struct {
	taken    atomic.Uint64 // tasks that it took
	panicked atomic.Uint64 // those that panicked or called runtime.Goexit
	// work is the nanoseconds spent in tasks, and below 0 while that goes on: then
	// a stamp is missing, that of the reading. One word is read at one moment.
	work atomic.Int64
	// Task number startOf began at startAt. Where tasks are fast not each is
	// timed, and another one may have begun since.
	startAt atomic.Int64
	startOf atomic.Uint64
	entry   atomic.Uintptr // of the task's function, with WithTaskLimit
	_       [16]byte       // a cache line of its own: every task writes it

	seen struct { // by the last reading; guarded by poolMember.mu
		taken uint64
		at    int64
	}
	_ [48]byte
}

func (s *taskSlot) begin(t int64, task uint64) {
	s.startAt.Store(t)
	s.startOf.Store(task)
}

// slotTotals are the counters of a slot, or the sums of those of several.
type slotTotals struct {
	taken, panicked uint64
	work            int64
}

func newPoolMember(queue int) *poolMember {
	return &poolMember{capacity: int64(queue), slots: make(map[*taskSlot]struct{})}
}

func (m *poolMember) addSlot() *taskSlot {
	slot := new(taskSlot)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slots[slot] = struct{}{}
	return slot
}

// dropSlot takes away the slot of a worker that has ended its last stretch.
func (m *poolMember) dropSlot(slot *taskSlot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.slots, slot)
	m.gone.taken += slot.taken.Load()
	m.gone.panicked += slot.panicked.Load()
	m.gone.work += slot.work.Load()
}

// pending returns how many submissions have not had their end, and whether the pool
// is shut down. The ends are counted before the beginnings: where the two are equal
// then, nothing was under way when the beginnings were read.
func (m *poolMember) pending() (n uint64, shut bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ended := m.gone.taken + m.withdrawn.Load()
	for slot := range m.slots {
		ended += slot.taken.Load()
	}
	entered := m.entered.Load()
	return entered&^poolShut - ended, entered&poolShut != 0
}

// endedOnce is called when the handle is gone and when the last worker has
// ended. After both nothing can change the counters any more.
func (m *poolMember) endedOnce() {
	if m.ends.Add(1) == 2 && m.series != nil {
		m.series.retire(m)
	}
}

func (m *poolMember) flush() {} // each worker observes what it timed

// addTo adds the member's numbers to the stats of its name.
func (m *poolMember) addTo(p *PoolStats, t int64, limit time.Duration) {
	m.pace.next()
	m.mu.Lock()
	defer m.mu.Unlock()
	sum, running := m.gone, uint64(0)
	for slot := range m.slots {
		busy := slot.addTo(p, &sum, t, limit)
		running += busy
	}
	// What was taken before what was submitted: the depth is never negative.
	waiting := -int64(sum.taken + m.withdrawn.Load())
	waiting += int64(m.entered.Load() &^ poolShut)
	p.Members++
	p.Workers += int64(len(m.slots))
	p.Busy += int64(running)
	p.HasWorkers, p.HasBusy, p.HasQueue, p.HasTasks = true, true, true, true
	p.QueueCapacity += m.capacity
	p.QueueDepth += min(max(waiting, 0), m.capacity) // the rest waits in Submit
	m.seen.raise(poolTotals{
		ok: sum.taken - min(running+sum.panicked, sum.taken), panicked: sum.panicked,
		rejected: m.rejected.Load(), busy: sum.work,
	})
	m.seen.addTo(p)
}

// addTo adds a worker's numbers, and returns 1 if it is in a task. Taken is read
// first: a task that begins meanwhile is not taken for one that has ended.
func (s *taskSlot) addTo(p *PoolStats, sum *slotTotals, t int64, limit time.Duration) (running uint64) {
	taken, work := s.taken.Load(), s.work.Load()
	sum.taken += taken
	sum.panicked += s.panicked.Load()
	if work >= 0 {
		sum.work += work
		return 0
	}
	sum.work += max(work+t, 0)
	p.addRunning(s.age(t, taken), limit, s.entry.Load())
	return 1
}

// age returns how long the task has run that a worker took last. Where its start
// was not timed, it is taken to have begun when a reading first saw it: too young
// by the time between two, rather than too old and so a suspect for nothing.
func (s *taskSlot) age(t int64, taken uint64) time.Duration {
	if s.startOf.Load() == taken {
		return since(t, s.startAt.Load())
	}
	if s.seen.taken != taken {
		s.seen.taken, s.seen.at = taken, t
	}
	return since(t, s.seen.at)
}

// totals are the counters of a member whose workers have all ended.
func (m *poolMember) totals() poolTotals {
	m.mu.Lock()
	defer m.mu.Unlock()
	return poolTotals{ok: m.gone.taken - m.gone.panicked, panicked: m.gone.panicked, rejected: m.rejected.Load(), busy: m.gone.work}
}
