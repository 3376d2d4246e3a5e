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
	// What senders write.
	sent      atomic.Uint64
	nextStamp atomic.Uint64 // the next message number to stamp
	depths    window
	fullSince atomic.Int64 // 0 when not known to be full

	// What is rarely written keeps the receivers' cache line from the senders'.
	full, canceled, closedSends atomic.Uint64
	closed                      atomic.Uint64
	fullTime                    atomic.Int64
	meanBytes                   atomic.Int64 // times bytesScale
	capacity                    int64        // -1 for a queue; set once
	created                     int64        // set once

	// What receivers write.
	received atomic.Uint64 // through the wrapper
	nextWait atomic.Uint64 // the oldest stamped message number
	native   atomic.Int64  // native receives seen so far, at samples

	blockedReceivers atomic.Int64
	// exposed: the native channel was handed out (or came from outside), so
	// sends and receives may pass unseen.
	exposed atomic.Bool
	// moves is false for a channel that is only watched.
	moves atomic.Bool

	mu      sync.Mutex // slow paths: samples and waiters
	stamps  stamps
	senders waitlist

	// Set once.
	series *chanSeries
	shard  *chanShard
	object object
	target target

	seen chanSeen // guarded by shard.mu
}

// chanSeen is what the last reading of a member found.
type chanSeen struct {
	sent, received uint64
	taken          uint64 // received through the wrapper
	depth          int64
	at             int64 // 0 before the first reading
	movedAt        int64 // when a receive was last seen, or nothing was there to receive
}

// sendDone counts a send that succeeded, given the depth before and after it,
// and reports whether the message should be stamped.
func (m *chanMember) sendDone(before, after int) (n uint64, sample bool) {
	n = m.sent.Add(1)
	m.depths.observe(int64(before), int64(after))
	if m.fullSince.Load() != 0 && int64(before) < m.capacity {
		m.leaveFull(!m.exposed.Load())
	}
	return n, n >= m.nextStamp.Load()
}

// willSample reports whether the next send is likely to be a sample.
func (m *chanMember) willSample() bool { return m.sent.Load()+1 >= m.nextStamp.Load() }

// stamp records the send time of message n. Its clock read is the sample that
// waits, ages and windows are made from.
func (m *chanMember) stamp(n uint64, depth int) {
	t := now()
	m.depths.rotate(t, int64(depth))
	m.mu.Lock()
	if n < m.nextStamp.Load() { // a sender beside us was first: one stamp is enough
		m.mu.Unlock()
		return
	}
	if m.stamps.full() && m.exposed.Load() {
		m.passNative(n - min(n, uint64(depth)))
	}
	m.nextStamp.Store(m.stamps.push(n, t))
	m.nextWait.Store(m.stamps.next())
	late := m.head(m.received.Load()) >= n
	m.mu.Unlock()
	if late { // its receiver was faster than we, and saw no stamp
		m.sampleWait(m.received.Load(), n, depth)
	}
}

// head returns the number of the message that the r-th wrapper receive took.
func (m *chanMember) head(r uint64) uint64 {
	if r == 0 {
		return 0 // nobody receives through the wrapper
	}
	return r + uint64(m.native.Load())
}

// recvDone counts a receive and reports whether to sample its wait.
func (m *chanMember) recvDone() (r uint64, sample bool) {
	r = m.received.Add(1)
	return r, m.head(r) >= m.nextWait.Load()
}

// sampleWait observes the waits of the stamped messages that have been
// received, given the number of the wrapper's receive, and the sends counted
// before the depth was read.
func (m *chanMember) sampleWait(r, sent uint64, depth int) {
	t := now() // a sample: the wait ends here
	m.depths.rotate(t, int64(depth))
	m.mu.Lock()
	defer m.mu.Unlock()
	head, exact := m.head(r), true
	if m.exposed.Load() {
		head, exact = m.countNative(sent, depth)
	}
	for {
		s, ok := m.stamps.pop(head)
		if !ok {
			break
		}
		// A stamped message that a native receiver took has no wait that
		// could be known; only the one just received has.
		if exact || s.n == head {
			m.series.observeWait(since(t, s.at), s.weight)
		}
	}
	m.nextWait.Store(m.stamps.next())
}

// countNative works out which message was received last when native receivers
// may have taken some too, and whether they have lately. A goroutine may lose its
// processor between any two of these readings: sends first, then the depth, then
// the receives means that the native ones come out too few then, never too many.
func (m *chanMember) countNative(sent uint64, depth int) (head uint64, exact bool) {
	head = sent - min(uint64(depth), sent)
	native := int64(head) - int64(m.received.Load())
	before := m.native.Swap(max(native, 0))
	// Receivers that race each other look like a few native receives, the
	// more the longer the stride.
	return head, native-before <= int64(m.stamps.stride/4)
}

// passNative drops the stamps up to message head where native receivers have
// taken messages since the last look: no receiver of the wrapper will come for
// them, and they would make the stride longer for nothing. The caller holds m.mu.
func (m *chanMember) passNative(head uint64) {
	native := int64(head) - int64(m.received.Load())
	if native > m.native.Load() {
		m.native.Store(native)
		m.stamps.drop(head)
		m.nextWait.Store(m.stamps.next())
	}
}

// beginSend notes that a sender waits. Its clock read and the one in endSend
// make blocked time exact; what does not wait pays for neither.
func (m *chanMember) beginSend() *waiter {
	t := now()
	m.enterFull(t)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.senders.begin(t)
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
	from := m.senders.end(w)
	m.mu.Unlock()
	m.settleFull(t)
	m.series.blocked.observe(since(t, from), 1)
}

// bytesScale keeps the fraction of the mean size, or small sizes would never
// move it.
const bytesScale = 256

// noteBytes folds the size of a sampled message into the mean.
func (m *chanMember) noteBytes(size int) {
	if size == noSize {
		return
	}
	mean, scaled := m.meanBytes.Load(), int64(size)*bytesScale
	if mean == 0 {
		m.meanBytes.Store(scaled)
		return
	}
	m.meanBytes.Store(mean + (scaled-mean)/8)
}

// look reads the depth of the native channel. ok is false when there is none,
// or none any more. It dereferences a weak pointer, so the registry decides
// when.
func (m *chanMember) look() (depth int64, ok bool) {
	p := m.object.Value()
	if p == nil {
		return 0, false
	}
	switch m.target {
	case targetChannel:
		return int64(len(channelAt(p))), true
	case targetWrapper:
		return int64(len(wrapperAt(p))), true
	}
	return 0, false
}

// refresh updates what is known of the member at t. Only where fresh is true
// it may look at the native channel. The caller holds shard.mu.
func (m *chanMember) refresh(t int64, fresh bool) {
	if !m.exposed.Load() {
		m.refreshCounted(t)
		return
	}
	if !fresh {
		return
	}
	sent := m.sent.Load() // before the depth: received may lag, never lead
	if depth, ok := m.look(); ok {
		m.update(t, sent, sent-min(uint64(depth), sent), depth)
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

func (m *chanMember) update(t int64, sent, received uint64, depth int64) {
	s := &m.seen
	received = max(received, s.received)
	taken := m.received.Load()
	// Where sends pass unrecorded, what was received natively shows in the
	// depth alone, and the rest in the wrapper's own count.
	moved := received > s.received || taken > s.taken || depth < s.depth
	if moved || s.at == 0 || (depth == 0 && m.blockedSenders() == 0) {
		s.movedAt = t
	}
	m.updateFull(t, depth)
	m.restamp(t, sent, depth)
	s.sent, s.received, s.taken, s.depth, s.at = sent, received, taken, depth, t
}

// restamp makes the next message a stamped one where messages are rare, so that
// the first one after a pause does not take the age of the pause. The count of
// those sent since the last reading is the only clock this needs.
func (m *chanMember) restamp(t int64, sent uint64, depth int64) {
	if m.target == targetChannel && !m.moves.Load() {
		return
	}
	slow := int64(sent-m.seen.sent) < (t-m.seen.at)/stampEvery
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.exposed.Load() {
		m.passNative(sent - min(sent, uint64(depth)))
	}
	// Where only the wrapper receives, each stamp is left to its receiver, who
	// may have the message and be on its way here.
	if depth == 0 && (m.stamps.count == 0 || m.exposed.Load()) {
		m.stamps.empty(sent, t)
		m.nextWait.Store(m.stamps.next())
	}
	if slow && m.stamps.count < maxStamps/4 {
		m.stamps.stride = 1
		m.nextStamp.Store(0)
	}
}

func (m *chanMember) blockedSenders() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.senders.len
}

// addTo adds what was last seen of the member to the stats of its name.
func (m *chanMember) addTo(c *ChanStats, t int64, stallAfter int64) {
	s := &m.seen
	c.Members++
	c.Depth += s.depth
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
	m.mu.Lock()
	senders, oldest := m.senders.len, m.senders.oldestSince()
	var sentAt int64
	if s.depth > 0 {
		sentAt = m.stamps.sentAt(s.received + 1)
	}
	m.mu.Unlock()
	c.BlockedSenders += senders
	c.OldestBlockedSender = max(c.OldestBlockedSender, since(t, oldest))
	c.OldestMessage = max(c.OldestMessage, since(s.at, sentAt)) // as of when it was seen there
	if s.depth == 0 && senders == 0 {
		return
	}
	// Nothing can be stalled for longer than it is there, however long ago
	// the last reading was.
	from := max(s.movedAt, cmp.Or(sentAt, oldest))
	if t-from >= stallAfter {
		c.Stalled++
		if c.stalledSince == 0 || from < c.stalledSince {
			c.stalledSince = from
		}
	}
}
