package instrument

import (
	"sync/atomic"
	"time"
)

// taskMember is the stats block of a TaskMeter, or that of all Groups of a name:
// those live for as long as a request, and are too many to have one each. It holds
// integers and times only; see chanMember.
type taskMember struct {
	board    taskBoard
	series   *poolSeries
	limited  bool // somebody may ask which function a task is
	pace     pace
	_        [64]byte
	rejected atomic.Uint64
	objects  atomic.Int64 // those that it stands for
	made     atomic.Uint64
	workers  atomic.Int64 // there may be; less than 1 is not known

	seen poolTotals // what readings have shown; guarded by poolSeries.mu
}

func newTaskMember(s *poolSeries) *taskMember {
	m := &taskMember{series: s, limited: s.cfg.taskLimit > 0}
	m.board.wait, m.board.run = &s.wait, &s.run
	return m
}

// submitted returns when the n-th task was submitted, or untimed.
func (m *taskMember) submitted(n uint64) int64 {
	if m.pace.due(n) {
		return m.pace.stamp()
	}
	return untimed
}

func (m *taskMember) addTo(p *PoolStats, t int64, limit time.Duration) {
	m.pace.next()
	p.Members += int(m.objects.Load())
	before := p.Busy
	m.seen.raise(m.totalsAt(p, t, limit))
	m.seen.addTo(p)
	if workers := m.workers.Load(); workers > 0 {
		p.HasWorkers = true
		p.Workers += max(workers, p.Busy-before)
	}
}

func (m *taskMember) totalsAt(p *PoolStats, t int64, limit time.Duration) poolTotals {
	sum := m.board.addTo(p, t, limit)
	sum.rejected = m.rejected.Load()
	return sum
}

func (m *taskMember) flush() { m.board.flush() }

// totals are the counters of a member that nothing can change any more.
func (m *taskMember) totals() poolTotals {
	m.flush()
	return m.totalsAt(new(PoolStats), now(), 0)
}
