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
// weakly, and read would keep alive what it captured. A read that panics, or does not
// return within a second, leaves the last numbers standing and is counted in
// weir_collect_faults_total; whoever reads the registry does not wait for it any
// longer. A nil p or read measures nothing.
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

	mu     sync.Mutex
	tried  bool // was asked
	asking bool // an answer is still owed
	asked  bool // has answered
	last   PoolNumbers
	sums   poolTotals
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

// askLimit is how long a reading waits for the numbers of watched pools.
const askLimit = time.Second

// askPools asks the watched pools for their numbers, all at once, because what it
// calls is the user's: that may take long, and may itself read the registry. It
// holds no lock that others wait for beyond askLimit.
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
	var answers []<-chan struct{}
	for _, s := range r.pools.list(t) {
		for _, m := range s.watched() {
			if m.wanted(r, due) {
				answers = append(answers, m.refresh(r))
			}
		}
	}
	r.await(answers)
}

// await waits for answers until askLimit, and counts those that are late.
func (r *Registry) await(answers []<-chan struct{}) {
	if len(answers) == 0 {
		return
	}
	limit := time.NewTimer(askLimit)
	defer limit.Stop()
	late := false
	for _, answer := range answers {
		if late {
			select {
			case <-answer:
			default:
				r.faults.Add(1)
			}
			continue
		}
		select {
		case <-answer:
		case <-limit.C:
			late = true
			r.faults.Add(1)
		}
	}
}

// wanted reports whether a pool is to be asked: that is due, or it never was,
// and it does not owe the answer to an earlier question, which is one more fault.
func (m *watchedPool) wanted(r *Registry, due bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !due && m.tried {
		return false
	}
	if m.asking {
		r.faults.Add(1)
		return false
	}
	m.tried, m.asking = true, true
	return true
}

// refresh asks a pool, in a goroutine of its own, and returns what is closed when it
// has answered.
func (m *watchedPool) refresh(r *Registry) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var n PoolNumbers
		answered := false
		defer func() { m.take(n, answered) }() // also where the user's function ends the goroutine
		n, answered = m.answer(r)
	}()
	return done
}

// answer calls the user. A panic, or a Goexit, is no answer and a fault.
func (m *watchedPool) answer(r *Registry) (n PoolNumbers, ok bool) {
	returned := false
	defer func() {
		if !returned {
			_ = recover()
			r.faults.Add(1)
		}
	}()
	n, ok = m.ask()
	returned = true
	return n, ok
}

// take notes an answer.
func (m *watchedPool) take(n PoolNumbers, answered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asking = false
	if answered {
		m.asked, m.last = true, n
		m.sums.raise(poolTotals{ok: n.TasksOK, failed: n.TasksError, panicked: n.TasksPanic, rejected: n.Rejected})
	}
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
