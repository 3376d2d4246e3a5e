package instrument

import (
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// chanShards is into how many parts the members of a name are divided, so that
// many goroutines can make and drop channels of one name. A part that no member
// fell into is not allocated.
const chanShards = 64

// chanSeries is all channels of one name.
type chanSeries struct {
	series
	cfg     chanConfig
	moves   atomic.Bool
	bytes   atomic.Bool
	created atomic.Uint64
	blocked histogram
	wait    histogram
	waits   atomic.Uint64
	over    atomic.Uint64
	shards  [chanShards]atomic.Pointer[chanShard]
	// lostAt is when a collected member last left messages that nobody came for.
	lostAt atomic.Int64
}

// chanShard is some of the members of a name, and the sums of those that are
// gone. Both are under one lock, so that a reading never counts a member twice
// or not at all.
type chanShard struct {
	mu      sync.Mutex
	live    map[object]*chanMember
	members []*chanMember // those in live, for readings: a map is slow to walk
	retired chanTotals
}

// add and remove keep the two in step. The caller holds sh.mu.
func (sh *chanShard) add(m *chanMember) {
	sh.live[m.object] = m
	m.index = len(sh.members)
	sh.members = append(sh.members, m)
}

func (sh *chanShard) remove(m *chanMember) {
	delete(sh.live, m.object)
	last := len(sh.members) - 1
	moved := sh.members[last]
	sh.members[m.index], moved.index = moved, m.index
	sh.members[last] = nil
	sh.members = sh.members[:last]
	if cap(sh.members) > minShardRoom && last < cap(sh.members)/8 {
		sh.shrink()
	}
}

// minShardRoom is what a part keeps after a burst of members.
const minShardRoom = 64

// shrink gives the memory of a burst back: neither a map nor a slice does itself.
func (sh *chanShard) shrink() {
	sh.members = append(make([]*chanMember, 0, 2*len(sh.members)), sh.members...)
	sh.live = make(map[object]*chanMember, len(sh.members))
	for _, m := range sh.members {
		sh.live[m.object] = m
	}
}

// chanKind is what a constructor knows about what it registers.
type chanKind struct {
	target   target
	elem     reflect.Type
	capacity int64
	exposed  bool
	moves    bool
	found    int // messages that are in the channel already
	skip     int // frames between the constructor's caller and register
}

// registerChan makes p, the address of a channel, queue or wrapper, a member of a
// name, and returns its stats block; nil where nothing is to be measured. An
// object that is a member already keeps its block.
func registerChan(name string, p *byte, cfg chanConfig, kind chanKind) *chanMember {
	r := registryOr(cfg.registry)
	name = sanitize(name)
	if name == "" || p == nil || r.disabled {
		return nil
	}
	s := r.channels.join(r, name, func() *chanSeries {
		s := &chanSeries{cfg: cfg.withDefaults()}
		s.describe(cfg.commonConfig, kind.elem, kind.capacity >= 0)
		return s
	})
	s.reconcile(r, cfg, kind)
	s.sites.note(kind.skip + 1)
	m, fresh := s.shard(p).join(s, p, kind)
	if !fresh {
		s.leave()
		return m
	}
	s.created.Add(1)
	runtime.AddCleanup(p, (*chanMember).retire, m)
	return m
}

func (c chanConfig) withDefaults() chanConfig {
	if c.stallAfter == 0 {
		c.stallAfter = defaultStallAfter
	}
	c.registry = nil // it holds us
	c.bytes = nil    // the member's own, and may reach anything
	return c
}

// reconcile counts the options that differ from what the name has: the first
// member's stand.
func (s *chanSeries) reconcile(r *Registry, cfg chanConfig, kind chanKind) {
	if kind.moves && !s.moves.Load() {
		s.moves.Store(true)
	}
	r.conflict(
		s.conflicts(cfg.commonConfig, kind.capacity >= 0),
		cfg.stallAfter != 0 && cfg.stallAfter != s.cfg.stallAfter,
		cfg.waitTarget != 0 && cfg.waitTarget != s.cfg.waitTarget,
	)
}

// shard returns the part that the object at p belongs to.
func (s *chanSeries) shard(p *byte) *chanShard {
	slot := &s.shards[slotOf(p)]
	if sh := slot.Load(); sh != nil {
		return sh
	}
	slot.CompareAndSwap(nil, &chanShard{live: make(map[object]*chanMember)})
	return slot.Load()
}

// join returns the member of the object at p, and whether it is a new one.
func (sh *chanShard) join(s *chanSeries, p *byte, kind chanKind) (m *chanMember, fresh bool) {
	key := weak.Make(p)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if m := sh.live[key]; m != nil {
		m.wrapped(kind)
		return m, false
	}
	t := now()
	m = &chanMember{series: s, shard: sh, object: key, target: kind.target, capacity: kind.capacity, created: t}
	m.depths.bucket.Store(t / int64(windowLength))
	m.exposed.Store(kind.exposed)
	m.recvDue.Store(never)
	m.sizeless = kind.elem.Size() == 0
	m.wrapped(kind)
	sh.add(m)
	return m, true
}

// wrapped turns a member that was only watched into one whose movement is
// known. Messages that are in the channel already count as sent, so that
// receives and depth add up from the start.
func (m *chanMember) wrapped(kind chanKind) {
	if !kind.moves || m.moves.Load() {
		return
	}
	if kind.found > 0 {
		n := m.sent.Add(uint64(kind.found))
		m.depths.observe(0, int64(kind.found))
		m.mu.Lock()
		m.tracked().stamps.empty(n, now()) // sent before now, and no sample is to stand for them
		m.mu.Unlock()
	}
	m.moves.Store(true)
}

// retire moves the counters of a member whose object was collected into the
// sums of its name. It runs once, on the runtime's cleanup goroutine.
func (m *chanMember) retire() {
	sh := m.shard
	sh.mu.Lock()
	last := m.final()
	sh.remove(m)
	sh.retired.add(last)
	sh.mu.Unlock()
	if last.lost > 0 {
		m.series.lostAt.Store(now())
	}
	m.series.leave()
}

// observeWait counts the wait of a sampled message that stands for weight.
func (s *chanSeries) observeWait(d time.Duration, weight uint64) {
	s.wait.observe(d, weight)
	if target := s.cfg.waitTarget; target > 0 {
		s.waits.Add(weight)
		if d > target {
			s.over.Add(weight)
		}
	}
}

// read adds up the members at t.
func (s *chanSeries) read(t int64, may looks) ChanStats {
	c := s.header()
	stallAfter := int64(s.cfg.stallAfter)
	for i := range s.shards {
		sh := s.shards[i].Load()
		if sh == nil {
			continue
		}
		sh.mu.Lock()
		sh.retired.addTo(&c)
		for some := range slices.Chunk(sh.members, maxGlances) {
			seen := glanceAt(some, may)
			for i, m := range some {
				m.refresh(t, seen[i])
				m.addTo(&c, t, stallAfter)
			}
		}
		sh.mu.Unlock()
	}
	c.readHistograms(s)
	return c
}

// readOne is read for one member, whose channel the caller holds.
func (s *chanSeries) readOne(m *chanMember) ChanStats {
	t := now()
	c := s.header()
	m.shard.mu.Lock()
	m.refresh(t, glanceAt([]*chanMember{m}, allLooks)[0])
	m.addTo(&c, t, int64(s.cfg.stallAfter))
	m.shard.mu.Unlock()
	c.Created = 1
	c.readHistograms(s)
	return c
}

func (s *chanSeries) header() ChanStats {
	return ChanStats{
		Info:       s.info(),
		Moves:      s.moves.Load(),
		HasBytes:   s.bytes.Load(),
		WaitTarget: s.cfg.waitTarget,
		StallAfter: s.cfg.stallAfter,
		Created:    s.created.Load(),

		lostAt: s.lostAt.Load(),
	}
}

func (c *ChanStats) readHistograms(s *chanSeries) {
	c.SendBlocked = s.blocked.read()
	c.Wait = s.wait.read()
	c.WaitsOverTarget = s.over.Load() // before the total: never more than it
	c.Waits = s.waits.Load()
}
