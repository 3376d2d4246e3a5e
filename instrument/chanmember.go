package instrument

import (
	"sync"
	"sync/atomic"
)

// What a receiver that waits adds to blockedReceivers. One that waits for a context
// too counts in the upper half besides: it may have left, and not run since.
const (
	stays    = 1
	mayLeave = 1<<32 + stays
)

// waitingReceivers returns how many receivers wait, and how many of them stay until
// they are given a message, or the channel is closed.
func (m *chanMember) waitingReceivers() (all, staying int64) {
	n := m.blockedReceivers.Load()
	all = n & (1<<32 - 1)
	return all, all - n>>32
}

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
	blockedReceivers atomic.Int64  // see stays
	waiting          atomic.Int64  // senders
	created          int64         // set once
	// exposed: the native channel was handed out (or came from outside), so
	// sends and receives may pass unseen.
	exposed atomic.Bool
	// moves is false for a channel that is only watched.
	moves    atomic.Bool
	wantSize atomic.Bool // the size of the next message is wanted
	asked    atomic.Bool // somebody came to receive, and found nothing
	sizeless bool        // messages have no size; set once
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
	line    rise // of the senders that wait
	rise    rise // of the floor
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

// endSend notes that a sender waits no more, and depth messages are there.
func (m *chanMember) endSend(w *waiter, o sendOutcome, depth int64) {
	t := now()
	switch o {
	case sendPanicked:
		m.closedSends.Add(1)
	case sendCanceled:
		m.canceled.Add(1)
	}
	m.mu.Lock()
	from := m.track.senders.end(w)
	m.waiting.Add(-1)
	if m.fullSince.Load() != 0 {
		m.scheduleRecv(m.received.Load()) // one fewer is to get in before there is room
	}
	m.mu.Unlock()
	switch {
	case depth < m.capacity:
		m.leaveFull(t, true) // it was full until we got in or gave up
	case m.exposed.Load():
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
