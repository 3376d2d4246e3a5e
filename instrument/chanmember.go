package instrument

import (
	"cmp"
	"sync"
	"sync/atomic"
)

// target says what a member's object is, and so how its depth is learned.
type target uint8

const (
	targetQueue   target = iota // a Queue: sends and receives are all seen, so depth is their difference
	targetChannel               // a native channel
	targetWrapper               // a Chan, where channels cannot be tracked
)

// chanMember is the stats block of one channel or queue. It holds integers and
// times only. The channel, its messages and those who wait for it must not be
// reachable from here: the registry holds this block strongly, and what it
// reached would be hidden from the runtime's leak profile and never collected.
type chanMember struct {
	// What every send touches.
	sent    atomic.Uint64
	sendDue atomic.Uint64 // the send that looks closer: see scheduleSend

	// What is rarely written keeps the receivers' cache line from the senders'.
	full, canceled, closedSends atomic.Uint64
	closed                      atomic.Uint64
	fullTime                    atomic.Int64
	fullSince                   atomic.Int64 // 0 when not known to be full
	meanBytes                   atomic.Int64 // times bytesScale
	capacity                    int64        // -1 for a queue; set once

	// What every receive touches.
	received atomic.Uint64 // through the wrapper
	recvDue  atomic.Uint64 // the receive that looks closer: see scheduleRecv

	depths           window
	nextStamp        atomic.Uint64 // the next message number to stamp
	calmFrom, calmTo atomic.Int64  // see calm
	blockedReceivers atomic.Int64
	waiting          atomic.Int64 // senders
	created          int64        // set once
	// exposed: the native channel was handed out (or came from outside), so
	// sends and receives may pass unseen.
	exposed atomic.Bool
	// moves is false for a channel that is only watched.
	moves    atomic.Bool
	wantSize atomic.Bool // the size of the next message is wanted
	target   target      // set once

	mu     sync.Mutex // slow paths: samples and waiters
	track  *chanTrack // nil until something was sent
	native int64      // native receives seen so far, at samples

	// Set once.
	series *chanSeries
	shard  *chanShard
	object object

	seen  chanSeen // guarded by shard.mu
	index int      // in shard.members
}

// chanTrack is what a member that moves needs besides: most members of a large
// name are idle.
type chanTrack struct {
	stamps  stamps
	senders waitlist
}

// chanSeen is what the last reading of a member found.
type chanSeen struct {
	sent, received uint64
	taken          uint64 // received through the wrapper
	depth          int64
	at             int64 // 0 before the first reading
	movedAt        int64 // when a receive was last seen, or nothing was there to receive
	sentAt         int64 // of the oldest message
	idle           bool  // nothing had changed since the reading before
}

// calm reports whether send n, which found room and left depth messages, changes
// nothing that scheduleSend looked at.
func (m *chanMember) calm(n uint64, depth int64) bool {
	return depth <= m.calmTo.Load() && depth > m.calmFrom.Load() && n < m.nextStamp.Load()
}

// lookAtSend is what a due send does after it was counted as number n: it found
// room, and depth messages are there now.
func (m *chanMember) lookAtSend(n uint64, depth int64) {
	if !m.calm(n, depth) && claim(&m.sendDue) {
		m.lookCloser(n, depth)
	}
}

func (m *chanMember) lookCloser(n uint64, depth int64) {
	m.depths.observe(max(depth-1, 0), depth)
	if m.fullSince.Load() != 0 && m.exposed.Load() {
		m.leaveFull(0, false)
	}
	m.replan(n, depth)
}

// lookAtWaited is lookAtSend for a send that had to wait for room.
func (m *chanMember) lookAtWaited(n uint64, depth int64) {
	if claim(&m.sendDue) {
		m.depths.observe(depth, depth)
		m.replan(n, depth)
	}
}

// claim lets one of those that are due at once look, and the others pass: they
// would only wait for each other. Who claims must schedule again.
func claim(due *atomic.Uint64) bool {
	old := due.Load()
	return old != never && due.CompareAndSwap(old, never)
}

func (m *chanMember) replan(n uint64, depth int64) {
	if n >= m.nextStamp.Load() {
		m.stamp(n, depth)
		return
	}
	m.mu.Lock()
	m.scheduleSend(n, depth)
	m.mu.Unlock()
}

// never is a message number that is not reached.
const never = ^uint64(0)

// worthPassing is how many sends must be able to pass by without a look to be worth
// the lock that the look after them takes.
const worthPassing = 8

// scheduleSend says which send is to look closer, given the depth after send n:
// the next one to be stamped, or one that could find a new peak or floor or the
// end of a stretch of being full. At least as many sends as the depth is below the
// peak must follow before it can be exceeded, so those between need not look at
// the channel: its cache line is what contended senders and receivers fight for.
// Where that is too few, the sends look at the depth alone, and no further if it
// is calm.
//
// The caller holds m.mu. Who changes what this reads does that first and calls
// scheduleSoon then, so that no change is overwritten by an older plan.
func (m *chanMember) scheduleSend(n uint64, depth int64) {
	peak, floor := m.depths.peak.Load(), m.depths.floor.Load()
	full := m.exposed.Load() && m.fullSince.Load() != 0
	due, calmFrom, calmTo := uint64(0), floor, peak
	switch {
	case full:
		calmTo = -1
	case floor > 0:
	case peak == m.capacity:
		due = m.nextStamp.Load()
	case peak-depth > worthPassing:
		due = min(m.nextStamp.Load(), n+1+uint64(peak-depth))
	default:
		calmFrom = max(floor, peak-worthPassing)
	}
	m.calmFrom.Store(calmFrom)
	m.calmTo.Store(calmTo)
	m.sendDue.Store(due)
}

// scheduleRecv says which receive is to look closer: the one that takes the oldest
// stamped message, or the first that can make room in a full channel, for which
// those who wait for room must have got in. The caller holds m.mu.
func (m *chanMember) scheduleRecv(r uint64) {
	due := m.oldestStamp()
	if due != never {
		due -= min(due, uint64(m.native))
	}
	if m.fullSince.Load() != 0 {
		due = min(due, r+1+uint64(m.waiting.Load()))
	}
	m.recvDue.Store(due)
}

// scheduleSoon makes the next send and the next receive look closer.
func (m *chanMember) scheduleSoon() {
	m.mu.Lock()
	m.sendSoon()
	m.recvDue.Store(0)
	m.mu.Unlock()
}

// sendSoon makes the next send look closer. The caller holds m.mu.
func (m *chanMember) sendSoon() {
	m.calmTo.Store(-1)
	m.sendDue.Store(0)
}

// stamp records the send time of message n. Its clock read is the sample that
// waits, ages and windows are made from.
func (m *chanMember) stamp(n uint64, depth int64) {
	t := now()
	m.depths.rotate(t, depth)
	m.mu.Lock()
	late := m.push(n, t, depth)
	m.scheduleSend(n, depth)
	m.scheduleRecv(m.received.Load())
	m.mu.Unlock()
	m.wantSize.Store(true)
	if late {
		m.sampleWait(t, m.received.Load(), n, depth)
	}
}

// push adds a stamp, and reports whether the message's receiver was faster than
// its sender, and saw no stamp. The caller holds m.mu.
func (m *chanMember) push(n uint64, t, depth int64) (late bool) {
	if n < m.nextStamp.Load() {
		return false // a sender beside us was first: one stamp is enough
	}
	x := &m.tracked().stamps
	if x.full() && m.exposed.Load() {
		m.passNative(n - min(n, uint64(depth)))
	}
	m.nextStamp.Store(x.push(n, t))
	return m.head(m.received.Load()) >= n
}

// tracked returns the track. The caller holds m.mu.
func (m *chanMember) tracked() *chanTrack {
	if m.track == nil {
		m.track = new(chanTrack)
	}
	return m.track
}

// head returns the number of the message that the r-th wrapper receive took. The
// caller holds m.mu.
func (m *chanMember) head(r uint64) uint64 {
	if r == 0 {
		return 0 // nobody receives through the wrapper
	}
	return r + uint64(m.native)
}

// lookAtRecv is what a due receive does after it was counted as the r-th through
// the wrapper: depth messages are left, and sent were counted before that. Its
// clock read is the end of a sampled wait.
func (m *chanMember) lookAtRecv(r, sent uint64, depth int64) {
	t := now()
	if m.fullSince.Load() != 0 {
		m.madeRoom(t, depth)
	}
	m.sampleWait(t, r, sent, depth)
}

// sampleWait observes the waits of the stamped messages that have been
// received by t, given the number of the wrapper's receive, and the sends counted
// before the depth was read.
func (m *chanMember) sampleWait(t int64, r, sent uint64, depth int64) {
	rotated := m.depths.rotate(t, depth)
	m.mu.Lock()
	if rotated {
		m.sendSoon()
	}
	head, exact := m.head(r), true
	if m.exposed.Load() && m.oldestStamp() <= head {
		head, exact = m.countNative(sent, depth)
	}
	for {
		s, ok := m.popStamp(head)
		if !ok {
			break
		}
		// A stamped message that a native receiver took has no wait that
		// could be known; only the one just received has.
		if exact || s.n == head {
			m.mu.Unlock() // the histogram has no lock and need not lengthen ours
			m.series.observeWait(since(t, s.at), s.weight)
			m.mu.Lock()
		}
	}
	m.scheduleRecv(r)
	m.mu.Unlock()
}

// oldestStamp returns the number of the oldest stamped message, or never. The
// caller holds m.mu.
func (m *chanMember) oldestStamp() uint64 {
	if m.track == nil {
		return never
	}
	return m.track.stamps.next()
}

// popStamp is stamps.pop. The caller holds m.mu.
func (m *chanMember) popStamp(head uint64) (x sample, ok bool) {
	if m.track == nil {
		return x, false
	}
	return m.track.stamps.pop(head)
}

// countNative works out which message was received last when native receivers
// may have taken some too, and whether they have lately. A goroutine may lose its
// processor between any two of these readings: sends first, then the depth, then
// the receives means that the native ones come out too few then, never too many.
func (m *chanMember) countNative(sent uint64, depth int64) (head uint64, exact bool) {
	head = sent - min(uint64(depth), sent)
	before := m.native
	native := int64(head) - int64(m.received.Load())
	m.native = max(native, 0)
	// Receivers that race each other look like a few native receives, the
	// more the longer the stride.
	return head, native-before <= int64(m.track.stamps.stride/4)
}

// passNative drops the stamps up to message head where native receivers have
// taken messages since the last look: no receiver of the wrapper will come for
// them, and they would make the stride longer for nothing. The caller holds m.mu.
func (m *chanMember) passNative(head uint64) {
	native := int64(head) - int64(m.received.Load())
	if native > m.native {
		m.native = native
		m.track.stamps.drop(head)
	}
}

// beginSend notes that a sender waits. Its clock read and the one in endSend
// make blocked time exact; what does not wait pays for neither.
func (m *chanMember) beginSend() *waiter {
	t := now()
	m.mu.Lock()
	w := m.tracked().senders.begin(t)
	m.waiting.Add(1)
	m.enterFull(t)
	m.mu.Unlock()
	return w
}

// endSend is deferred, so that a send that panics ends its wait as well.
func (m *chanMember) endSend(w *waiter, o *sendOutcome) {
	t := now()
	switch *o {
	case sendPanicked:
		m.closedSends.Add(1)
	case sendCanceled:
		m.canceled.Add(1)
	}
	m.mu.Lock()
	from := m.track.senders.end(w)
	m.waiting.Add(-1)
	m.mu.Unlock()
	if m.exposed.Load() {
		m.settleFull(t) // nobody may see when this stretch ends
	}
	m.series.blocked.observe(since(t, from), 1)
}

// bytesScale keeps the fraction of the mean size, or small sizes would never
// move it.
const bytesScale = 256

// noteBytes folds the size of a sampled message into the mean.
func (m *chanMember) noteBytes(size int) {
	m.wantSize.Store(false)
	mean, scaled := m.meanBytes.Load(), int64(size)*bytesScale
	if mean == 0 {
		m.meanBytes.Store(scaled)
		return
	}
	m.meanBytes.Store(mean + (scaled-mean)/8)
}

// glance is what can be seen of a member's native channel.
type glance struct {
	sent  uint64 // loaded before the depth: receives may lag, never lead
	depth int64
	ok    bool // the channel was looked at, and is there
}

// maxGlances is how many members are read at once. Their cache lines then come
// from memory side by side and not one after the other, which is more than half
// the time of reading 100,000 members.
const maxGlances = 16

// glanceAt looks at the native channels of members whose movement may pass unseen.
// It dereferences weak pointers, so the registry decides when: fresh is false
// where it did a moment ago.
func glanceAt(members []*chanMember, fresh bool) (g [maxGlances]glance) {
	var objects [maxGlances]*byte
	for i, m := range members {
		g[i].sent = m.sent.Load()
		m.received.Load() // these only fetch the lines
		m.depths.bucket.Load()
		if m.exposed.Load() && (fresh || m.seen.at == 0) {
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
	case !m.exposed.Load():
		m.refreshCounted(t)
	case g.ok:
		m.update(t, g.sent, g.sent-min(uint64(g.depth), g.sent), g.depth)
	}
}

// refreshCounted is for members whose every send and receive is counted.
func (m *chanMember) refreshCounted(t int64) {
	sent, received := m.counts()
	received = min(received, sent) // a receive is counted before its send where they race
	depth := int64(sent - received)
	if m.capacity >= 0 {
		depth = min(depth, m.capacity)
	}
	m.update(t, sent, received, depth)
}

// counts reads the two counters as nearly at one moment as is needed: a reader
// that was descheduled between them would see a depth that never was, which the
// peak then keeps for a minute.
func (m *chanMember) counts() (sent, received uint64) {
	for range 8 {
		before := m.sent.Load()
		received = m.received.Load()
		if sent = m.sent.Load(); sent-before <= maxCountDrift {
			break
		}
	}
	return sent, received
}

// maxCountDrift is how many sends may pass while the two counters are read.
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
	if depth == 0 && (x.count == 0 || m.exposed.Load()) {
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
	}
}

func ratio(level, capacity int64) float64 { return float64(level) / float64(capacity) }

func (m *chanMember) addMovement(c *ChanStats, t, stallAfter int64) {
	s := &m.seen
	c.BlockedReceivers += max(m.blockedReceivers.Load(), 0)
	senders, oldest := m.blockedSenders()
	c.BlockedSenders += senders
	c.OldestBlockedSender = max(c.OldestBlockedSender, since(t, oldest))
	c.OldestMessage = max(c.OldestMessage, since(s.at, s.sentAt)) // as of when it was seen there
	if s.depth == 0 && senders == 0 {
		return
	}
	// Nothing can be stalled for longer than it is there, however long ago
	// the last reading was.
	from := max(s.movedAt, cmp.Or(s.sentAt, oldest))
	if t-from >= stallAfter {
		c.Stalled++
		if c.stalledSince == 0 || from < c.stalledSince {
			c.stalledSince = from
		}
	}
}

// expose notes that the native channel was handed out. Sends look closer from now
// on at what receives alone did before.
func (m *chanMember) expose() {
	m.exposed.Store(true)
	m.scheduleSoon()
}

// blockedSenders returns how many senders wait, and since when the first does.
func (m *chanMember) blockedSenders() (n, oldest int64) {
	if m.waiting.Load() == 0 {
		return 0, 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.track.senders.len, m.track.senders.oldestSince()
}
