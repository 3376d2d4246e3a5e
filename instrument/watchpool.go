package instrument

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// PoolNumbers is what a pool that is not weir's says of itself, now. What it does
// not tell is left zero; where zero would say something that is not so, it is below
// zero.
type PoolNumbers struct {
	Workers       int64 // less than 1: not known or not limited
	Busy          int64 // workers that run a task; below 0: not known
	QueueDepth    int64 // tasks that wait; below 0: not known
	QueueCapacity int64 // less than 1: not known or not limited

	// Since the pool was made; what goes back is taken as not having moved.
	TasksOK    uint64
	TasksError uint64
	TasksPanic uint64
	Rejected   uint64
}

// WatchPool measures a pool by the numbers that it gives itself: levels and counts,
// but no times, which a TaskMeter under another name can add. Nothing on the pool
// changes or gets slower.
//
// Read is called at most once a second while somebody reads the registry, never
// twice at once, with p; it must not block. It must use its argument: p is held
// weakly, and read would keep alive what it captured. A panic of read is contained
// and counted in weir_collect_faults_total. A nil p or read measures nothing.
func WatchPool[P any](name string, p *P, read func(*P) PoolNumbers, opts ...PoolOption) {
	if p == nil || read == nil {
		return
	}
	cfg := poolOptions(opts)
	r := registryOr(cfg.registry)
	s := joinPools(r, sanitize(name), false, cfg)
	if s == nil {
		return
	}
	object := weak.Make(p)
	m := &watchedPool{series: s, object: object, ask: func() (n PoolNumbers, ok bool) {
		if p := object.Value(); p != nil {
			return read(p), true
		}
		return n, false
	}}
	if !s.watch(m) {
		s.leave()
		return
	}
	r.watch.used.Store(true)
	runtime.AddCleanup(p, func(m *watchedPool) { m.series.retire(m) }, m)
}

// watchedPool is the stats block of a watched pool.
type watchedPool struct {
	series *poolSeries
	object any // the weak pointer, to tell the same pool
	ask    func() (PoolNumbers, bool)

	mu    sync.Mutex
	asked bool
	last  PoolNumbers
	sums  poolTotals
}

// watch adds a member, unless the same pool is one.
func (s *poolSeries) watch(m *watchedPool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.live {
		if w, ok := other.(*watchedPool); ok && w.object == m.object {
			return false
		}
	}
	s.live[m] = struct{}{}
	return true
}

func (s *poolSeries) watched() (all []*watchedPool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for m := range s.live {
		if w, ok := m.(*watchedPool); ok {
			all = append(all, w)
		}
	}
	return all
}

// poolWatch is when the watched pools of a registry are asked.
type poolWatch struct {
	used atomic.Bool
	mu   sync.Mutex
	at   int64
}

// askPools asks the watched pools for their numbers. It holds no lock that others
// wait for, because what it calls is the user's: that may take long, and may itself
// read the registry.
func (r *Registry) askPools() {
	w := &r.watch
	if !w.used.Load() || !w.mu.TryLock() {
		return
	}
	defer w.mu.Unlock()
	if !looking.TryRLock() {
		return // the weak pointers are left alone while leaks are proven
	}
	defer looking.RUnlock()
	t := now()
	due := w.at == 0 || apart(t, w.at) >= lookEvery
	if due {
		w.at = t
	}
	for _, s := range r.pools.list(t) {
		for _, m := range s.watched() {
			m.refresh(r, due)
		}
	}
}

// refresh asks a pool, if that is due or was never done.
func (m *watchedPool) refresh(r *Registry, due bool) {
	m.mu.Lock()
	due = due || !m.asked
	m.mu.Unlock()
	if !due {
		return
	}
	defer func() {
		if recover() != nil {
			r.faults.Add(1)
		}
	}()
	n, ok := m.ask()
	if !ok {
		return
	}
	m.mu.Lock()
	m.asked, m.last = true, n
	m.sums.raise(poolTotals{ok: n.TasksOK, failed: n.TasksError, panicked: n.TasksPanic, rejected: n.Rejected})
	m.mu.Unlock()
}

func (m *watchedPool) flush() {}

func (m *watchedPool) addTo(p *PoolStats, _ int64, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.Members++
	m.sums.addTo(p)
	n := &m.last
	if !m.asked {
		return
	}
	p.HasWorkers = p.HasWorkers || n.Workers > 0
	p.HasBusy = p.HasBusy || n.Busy >= 0
	p.HasQueue = p.HasQueue || n.QueueDepth >= 0
	p.Workers += max(n.Workers, 0)
	p.Busy += max(n.Busy, 0)
	p.QueueDepth += max(n.QueueDepth, 0)
	p.QueueCapacity += max(n.QueueCapacity, 0)
}

func (m *watchedPool) totals() poolTotals {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sums
}
