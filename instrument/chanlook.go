package instrument

import (
	"sync/atomic"
	"time"
)

// What a send or receive does besides being counted. Most do nothing: a number
// says which send and which receive is due to look closer, and the others compare
// theirs with it and are done.

// calm reports whether send n, which found room and left depth messages, changes
// nothing that scheduleSend looked at.
func (m *chanMember) calm(n uint64, depth int64) bool {
	return depth <= m.calmTo.Load() && depth > m.calmFrom.Load() && n < m.nextStamp.Load()
}

// lookAtSend is what a due send does after it was counted as number n: it found
// room, and depth messages are there now. It reports whether it did.
func (m *chanMember) lookAtSend(n uint64, depth int64) bool {
	if m.calm(n, depth) || !claim(&m.sendDue) {
		return false
	}
	m.depths.observe(max(depth-1, 0), depth)
	if m.fullSince.Load() != 0 && m.exposed.Load() {
		m.leaveFull(0, false)
	}
	m.replan(n, depth)
	return true
}

// lookAgain is for those who passed by while a send was looked at: n sends and
// depth messages are there by now.
func (m *chanMember) lookAgain(n uint64, depth int64) {
	if n >= m.sendDue.Load() && !m.calm(n, depth) {
		m.lookAtWaited(n, depth)
	}
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
	pushed := m.push(n, t, depth)
	m.scheduleSend(n, depth)
	m.scheduleRecv(m.received.Load())
	// Only now: a receiver that is not counted yet sees what was scheduled.
	late := pushed && m.head(m.received.Load()) >= n
	m.mu.Unlock()
	m.wantSize.Store(true)
	if late {
		m.sampleWait(t, m.received.Load(), n, 0) // depth is from before it was received
	}
}

// push adds a stamp, and reports whether it did. The caller holds m.mu.
func (m *chanMember) push(n uint64, t, depth int64) bool {
	if n < m.nextStamp.Load() {
		return false // a sender beside us was first: one stamp is enough
	}
	x := &m.tracked().stamps
	if x.full() && m.exposed.Load() {
		m.passNative(n - min(n, uint64(depth)))
	}
	m.nextStamp.Store(x.push(n, t))
	return true
}

// tracked returns the track. The caller holds m.mu.
func (m *chanMember) tracked() *chanTrack {
	if m.track == nil {
		empty := rise{at: m.created} // until now
		m.track = &chanTrack{line: empty, rise: empty}
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
// clock read is the end of a sampled wait. It reports whether there was one.
func (m *chanMember) lookAtRecv(r, sent uint64, depth int64) bool {
	t := now()
	if m.fullSince.Load() != 0 {
		m.madeRoom(t, depth)
	}
	return m.sampleWait(t, r, sent, depth)
}

// sampleWait observes the waits of the stamped messages that have been
// received by t, given the number of the wrapper's receive, and the sends counted
// before the depth was read. It reports whether there were any.
func (m *chanMember) sampleWait(t int64, r, sent uint64, depth int64) (took bool) {
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
		took = true
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
	return took
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
	m.native = m.nativeOf(head)
	if m.native == 0 {
		return min(head, m.received.Load()), true
	}
	// Receivers that race each other look like a few native receives, the
	// more the longer the stride.
	return head, m.native-before <= int64(m.track.stamps.stride/4)
}

// onTheirWay is for how long receivers that were given messages may be waiting for
// a processor while others send more.
const onTheirWay = int64(20 * time.Millisecond)

// nativeOf returns how many of the first head messages, which are all gone, native
// receivers have taken. Until it is known that there are any, what is not counted
// yet is taken to be on its way in receivers of the wrapper: a burst is handed to
// as many as wait before the first of them runs. The caller holds m.mu, and there
// is a track.
func (m *chanMember) nativeOf(head uint64) int64 {
	native := int64(head) - int64(m.received.Load())
	if m.native == 0 && m.track.stamps.span() < onTheirWay {
		return 0
	}
	return max(native, 0)
}

// passNative drops the stamps up to message head where native receivers have
// taken messages since the last look: no receiver of the wrapper will come for
// them, and they would make the stride longer for nothing. The caller holds m.mu.
func (m *chanMember) passNative(head uint64) {
	if native := m.nativeOf(head); native > m.native {
		m.native = native
		m.track.stamps.drop(head)
	}
}

// expose notes that the native channel was handed out. Sends look closer from now
// on at what receives alone did before.
func (m *chanMember) expose() {
	m.exposed.Store(true)
	m.scheduleSoon()
}
