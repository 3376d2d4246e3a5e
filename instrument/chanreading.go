package instrument

import (
	"cmp"
	"time"
)

// What a reading makes of a member.

// chanSeen is what the last reading of a member found.
type chanSeen struct {
	sent, received uint64
	taken          uint64 // received through the wrapper
	depth          int64
	at             int64 // 0 before the first reading
	movedAt        int64 // when a receive was last seen, or nothing was there to receive
	sentAt         int64 // of the oldest message
	idle           bool  // nothing had changed since the reading before
	rising         bool  // the floor is above what it was
	lined          bool  // senders waited
}

// glance is what can be seen of a member's native channel.
type glance struct {
	sent  uint64 // loaded before the depth: receives may lag, never lead
	depth int64
	ok    bool // the channel was looked at, and is there
	// exposed is asked once for a reading: a channel that is handed out during
	// it would otherwise be neither counted nor looked at.
	exposed bool
}

// maxGlances is how many members are read at once. Their cache lines then come
// from memory side by side and not one after the other, which is more than half
// the time of reading 100,000 members.
const maxGlances = 16

// looks says which native channels a reading may look at.
type looks uint8

const (
	noLooks   looks = iota // a proof is running, and would take what is touched for reachable
	firstLook              // those that nobody has looked at
	allLooks
)

// glanceAt looks at the native channels of members whose movement may pass unseen.
func glanceAt(members []*chanMember, may looks) (g [maxGlances]glance) {
	var objects [maxGlances]*byte
	for i, m := range members {
		g[i].sent = m.sent.Load()
		m.received.Load() // these only fetch the lines
		m.depths.bucket.Load()
		g[i].exposed = m.exposed.Load()
		if g[i].exposed && (may == allLooks || may == firstLook && m.seen.at == 0) {
			objects[i] = m.object.Value()
		}
	}
	for i, m := range members {
		if objects[i] != nil {
			g[i].depth, g[i].ok = m.target.depthOf(objects[i])
		}
	}
	return g
}

// depthOf reads the depth of the native channel of the object at p. ok is false
// where there is none.
func (k target) depthOf(p *byte) (depth int64, ok bool) {
	switch k {
	case targetChannel:
		return int64(len(channelAt(p))), true
	case targetWrapper:
		return int64(len(wrapperAt(p))), true
	}
	return 0, false
}

// refresh updates what is known of the member at t. The caller holds shard.mu.
func (m *chanMember) refresh(t int64, g glance) {
	switch {
	case !g.exposed:
		m.refreshCounted(t)
	case g.ok:
		m.update(t, g.sent, g.sent-min(uint64(g.depth), g.sent), g.depth)
	}
}

// refreshCounted is for members whose every send and receive is counted.
func (m *chanMember) refreshCounted(t int64) {
	sent, depth := m.counts()
	if m.capacity >= 0 {
		depth = min(depth, m.capacity)
	}
	m.update(t, sent, sent-uint64(depth), depth)
}

// counts reads the counters as nearly at one moment as is needed: a reader that
// was descheduled between them would see a depth that never was, which the peak
// then keeps for a minute. Receivers wait for an empty channel alone, so while more
// was sent than they counted, those that wait for nothing else have been given a
// message each and have not run since: it is in the channel no more.
func (m *chanMember) counts() (sent uint64, depth int64) {
	for range 8 {
		before, given := m.sent.Load(), int64(0)
		received := m.received.Load() // before who waits: see endRecv
		if m.target != targetQueue {  // whose sender counts what it gives
			_, given = m.waitingReceivers()
		}
		sent = m.sent.Load()
		// A receive is counted before its send where they race.
		depth = max(int64(sent-received)-given, 0)
		if sent-before <= maxCountDrift {
			break
		}
	}
	return sent, depth
}

// maxCountDrift is how many sends may pass while the counters are read.
const maxCountDrift = 8

// update notes what a reading at t found. Most members of a large name are idle,
// and cost no lock.
func (m *chanMember) update(t int64, sent, received uint64, depth int64) {
	s := &m.seen
	received = max(received, s.received)
	taken := m.received.Load()
	idle := s.at != 0 && sent == s.sent && received == s.received && taken == s.taken && depth == s.depth
	m.updateFull(t, depth)
	if !idle || !s.idle {
		s.sentAt = m.restamp(t, sent, received, depth)
	}
	// Where sends pass unrecorded, what was received natively shows in the
	// depth alone, and the rest in the wrapper's own count.
	moved := received > s.received || taken > s.taken || depth < s.depth
	if moved || s.at == 0 || (depth == 0 && m.waiting.Load() == 0) {
		s.movedAt = t
	}
	s.sent, s.received, s.taken, s.depth, s.at, s.idle = sent, received, taken, depth, t, idle
}

// restamp makes the next message a stamped one where messages are rare, so that
// the first one after a pause does not take the age of the pause. The count of
// those sent since the last reading is the only clock this needs. It returns when
// the oldest message was sent.
func (m *chanMember) restamp(t int64, sent, received uint64, depth int64) (sentAt int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.track == nil {
		return 0 // nothing was sent yet, and the first message is stamped
	}
	x := &m.track.stamps
	if m.exposed.Load() {
		m.passNative(sent - min(sent, uint64(depth)))
	}
	// Where only the wrapper receives, each stamp is left to its receiver, who
	// may have the message and be on its way here.
	if depth == 0 && (x.count == 0 || m.native > 0) {
		x.empty(sent, t)
	}
	slow := int64(sent-m.seen.sent) < (t-m.seen.at)/stampEvery
	if slow && x.count < maxStamps/4 {
		x.stride = 1
		m.nextStamp.Store(0)
		m.sendSoon()
	}
	m.scheduleRecv(m.received.Load())
	if depth == 0 {
		return 0
	}
	return x.sentAt(received + 1)
}

// addTo adds what was last seen of the member to the stats of its name.
func (m *chanMember) addTo(c *ChanStats, t int64, stallAfter int64) {
	s := &m.seen
	c.Members++
	c.Depth += s.depth
	if m.depths.rotate(t, s.depth) {
		m.scheduleSoon()
	}
	peak, floor := m.depths.read(t, s.depth, m.created)
	c.DepthPeak += peak
	c.DepthFloor += floor
	if m.capacity > 0 {
		c.HasRatio = true
		c.Capacity += m.capacity
		c.FillRatioMax = max(c.FillRatioMax, ratio(s.depth, m.capacity))
		c.FloorRatioMax = max(c.FloorRatioMax, ratio(floor, m.capacity))
	}
	c.BufferedBytes += s.depth * m.meanBytes.Load() / bytesScale
	m.totals().addTo(c)
	if m.moves.Load() {
		m.addMovement(c, t, stallAfter)
		m.addGrowth(c, t, floor, stallAfter)
	}
}

func ratio(level, capacity int64) float64 { return float64(level) / float64(capacity) }

func (m *chanMember) addMovement(c *ChanStats, t, stallAfter int64) {
	s := &m.seen
	waiting, _ := m.waitingReceivers()
	c.BlockedReceivers += waiting
	senders, oldest := m.blockedSenders(c, t, stallAfter)
	c.BlockedSenders += senders
	c.OldestBlockedSender = max(c.OldestBlockedSender, since(t, oldest))
	c.OldestMessage = max(c.OldestMessage, since(s.at, s.sentAt)) // as of when it was seen there
	if s.depth == 0 && senders == 0 {
		return
	}
	// Nothing can be stalled for longer than it is there, however long ago
	// the last reading was.
	from := max(s.movedAt, cmp.Or(s.sentAt, oldest))
	if t-from < stallAfter {
		return
	}
	c.Stalled++
	if m.closed.Load() > 0 {
		c.Stranded++
		c.strandedSince = earliest(c.strandedSince, from)
		return
	}
	c.stalledSince = earliest(c.stalledSince, from)
}

// minGrowth is by how many messages a standing queue must have grown.
const minGrowth = 16

// addGrowth adds the member if its queue stands and has only grown for longer than
// twice the limit: a stall is seen, a leak guessed, and filling a queue for a while
// is what batches do. Where there is no floor there is nothing to follow, and no lock
// to take.
func (m *chanMember) addGrowth(c *ChanStats, t, floor, limit int64) {
	if floor == 0 && !m.seen.rising {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	x := &m.tracked().rise
	x.look(t, floor)
	m.seen.rising = x.rises > 0
	if x.grows(t, 2*time.Duration(limit)) >= minGrowth {
		c.growing++
		c.growingSince = earliest(c.growingSince, x.since)
	}
}

// earliest returns the earlier of two stamps, of which a may be none.
func earliest(a, b int64) int64 {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// blockedSenders returns how many senders wait, and since when the first does. It
// adds the member if that is for longer than limit, in a line that has only grown for
// as long. Those in a line that moves and does not grow will have their turn: so it
// is where many goroutines hand their results to one.
func (m *chanMember) blockedSenders(c *ChanStats, t, limit int64) (n, oldest int64) {
	if m.waiting.Load() == 0 && !m.seen.lined {
		return 0, 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.track
	n, oldest = x.senders.len, x.senders.oldestSince()
	m.seen.lined = n > 0
	x.line.look(t, n)
	moves := t-m.seen.movedAt < limit // else it is stalled
	if moves && oldest != 0 && t-oldest >= limit && x.line.grows(t, time.Duration(limit)) > 0 {
		c.passedSenders++
		c.passedSince = earliest(c.passedSince, oldest)
	}
	return n, oldest
}
