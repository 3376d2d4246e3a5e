package instrument

import (
	"cmp"
	"slices"
	"time"
)

// Members reads the objects under a name one by one: the worst n of each kind, the
// worst first. Worse is what seems stuck, then what is fuller for its capacity, then
// what has more in it. It says which of 50,000 connections is behind a number that
// Snapshot adds up.
//
// Each entry is as in Snapshot, of one object alone: Start is when it was made (of a
// pool: when the name was first used), and what belongs to the name, such as its
// sites and its histograms, is the name's. The Groups of a name are one entry.
// Suspects and Self are left empty.
//
// It looks at no native channel: depths are those of the last reading. So it is to
// be called beside Snapshot, and costs about 0.2 µs for each object under the name.
// A nil Registry is Default.
func (r *Registry) Members(name string, n int) Snapshot {
	r = registryOr(r)
	n = max(n, 0)
	t, s := now(), Snapshot{Time: time.Now()}
	if c, ok := r.channels.find(name); ok {
		s.Channels = c.worst(t, s.Time, n)
	}
	if c, ok := r.semaphores.find(name); ok {
		s.Semaphores = c.worst(t, s.Time, n)
	}
	if p, ok := r.pools.find(name); ok {
		s.Pools = p.worst(t, n)
	}
	return s
}

func (d *directory[S]) find(name string) (s S, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok = d.byName[name]
	return s, ok
}

// badness is what members are ranked by.
type badness struct {
	stuck bool
	ratio float64
	level int64
}

// compare is below 0 if a is worse.
func (a badness) compare(b badness) int {
	if a.stuck != b.stuck {
		if a.stuck {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(b.level, a.level))
}

func badnessOf(stuck bool, level, limit int64) badness {
	b := badness{stuck: stuck, level: level}
	if limit > 0 {
		b.ratio = ratio(level, limit)
	}
	return b
}

// worstOf keeps the worst n of what it is shown, the worst first.
type worstOf[M any] struct {
	n      int
	kept   []M
	ranked []badness
}

func (w *worstOf[M]) show(m M, b badness) {
	if len(w.kept) == w.n && (w.n == 0 || w.ranked[w.n-1].compare(b) <= 0) {
		return
	}
	i, _ := slices.BinarySearchFunc(w.ranked, b, badness.compare)
	w.kept, w.ranked = slices.Insert(w.kept, i, m), slices.Insert(w.ranked, i, b)
	if len(w.kept) > w.n {
		w.kept, w.ranked = w.kept[:w.n], w.ranked[:w.n]
	}
}

func (s *chanSeries) worst(t int64, wall time.Time, n int) (out []ChanStats) {
	w := worstOf[*chanMember]{n: n}
	for i := range s.shards {
		if sh := s.shards[i].Load(); sh != nil {
			sh.mu.Lock()
			for _, m := range sh.members {
				depth := m.seen.depth
				stuck := depth > 0 && m.moves.Load() && since(t, m.seen.movedAt) >= s.cfg.stallAfter
				w.show(m, badnessOf(stuck, depth, m.capacity))
			}
			sh.mu.Unlock()
		}
	}
	for _, m := range w.kept {
		c := s.header()
		c.Created, c.Start = 1, wallTime(m.created, t, wall)
		m.shard.mu.Lock()
		m.refresh(t, glance{exposed: m.exposed.Load()})
		m.addTo(&c, t, int64(s.cfg.stallAfter))
		m.shard.mu.Unlock()
		c.readHistograms(s)
		out = append(out, c)
	}
	return out
}

func (s *semaphoreSeries) worst(t int64, wall time.Time, n int) (out []SemaphoreStats) {
	w := worstOf[*semaphoreMember]{n: n}
	for i := range s.shards {
		if sh := s.shards[i].Load(); sh != nil {
			sh.mu.Lock()
			for _, m := range sh.members {
				m.mu.Lock()
				inUse, _ := m.peek()
				w.show(m, badnessOf(m.waiters > 0, inUse, m.limit))
				m.mu.Unlock()
			}
			sh.mu.Unlock()
		}
	}
	for _, m := range w.kept {
		c := s.header()
		c.Start = wallTime(m.created, t, wall)
		m.shard.mu.Lock()
		m.addTo(&c, t)
		m.shard.mu.Unlock()
		out = append(out, c)
	}
	return out
}

// worst has all members read, which are few: the Groups and the TaskMeters of a name
// have a block or one for each meter.
func (s *poolSeries) worst(t int64, n int) []PoolStats {
	w := worstOf[PoolStats]{n: n}
	header := s.header()
	s.mu.Lock()
	for m := range s.live {
		m.flush()
		p := header
		m.addTo(&p, t, s.cfg.taskLimit)
		waiting := p.HasQueue && p.QueueCapacity > 0 && p.QueueDepth == p.QueueCapacity
		w.show(p, badnessOf(p.TasksOverLimit > 0 || waiting, p.Busy+p.QueueDepth, p.Workers+p.QueueCapacity))
	}
	s.mu.Unlock()
	for i := range w.kept {
		w.kept[i].site()
	}
	return w.kept
}
