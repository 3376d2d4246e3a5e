package instrument

import "time"

// chanTotals are the counters of a member, or the sums of those of retired ones.
type chanTotals struct {
	sent, received, full, canceled, closedSends, closed uint64
	abandoned, unverified                               uint64
	lost                                                uint64 // of the abandoned
	fullTime                                            int64
}

func (m *chanMember) totals() chanTotals {
	return chanTotals{
		sent: m.seen.sent, received: m.seen.received,
		full: m.full.Load(), canceled: m.canceled.Load(), closedSends: m.closedSends.Load(),
		closed: m.closed.Load(), fullTime: m.fullTime.Load(),
	}
}

// final returns the totals of a member whose channel is gone. What was not seen
// to be received was abandoned, unless somebody may have received it natively.
func (m *chanMember) final() chanTotals {
	x := m.totals()
	x.sent = m.sent.Load()
	x.received = max(x.received, min(m.received.Load(), x.sent))
	left := x.sent - x.received
	if m.exposed.Load() {
		x.unverified = left
	} else {
		x.abandoned = left
	}
	if !m.visited() {
		x.lost = x.abandoned
	}
	return x
}

// noteAsked notes that somebody came to receive. A nil m is not measured.
func (m *chanMember) noteAsked() {
	if m != nil && !m.asked.Load() {
		m.asked.Store(true)
	}
}

// visited reports whether somebody ever came to receive. Who came and left did so
// for a reason: the first of three answers was enough, a reply came too late, a
// connection broke with messages in its outbox. What they left behind is counted,
// and no leak. Nor are messages of no size, which only wake somebody up.
func (m *chanMember) visited() bool {
	return m.received.Load() > 0 || m.asked.Load() || m.sizeless
}

func (x *chanTotals) add(y chanTotals) {
	x.sent += y.sent
	x.received += y.received
	x.full += y.full
	x.canceled += y.canceled
	x.closedSends += y.closedSends
	x.closed += y.closed
	x.abandoned += y.abandoned
	x.lost += y.lost
	x.unverified += y.unverified
	x.fullTime += y.fullTime
}

func (x chanTotals) addTo(c *ChanStats) {
	c.Sent += x.sent
	c.Received += x.received
	c.SendsFull += x.full
	c.SendsCanceled += x.canceled
	c.SendsClosed += x.closedSends
	c.Closed += x.closed
	c.Abandoned += x.abandoned
	c.lost += x.lost
	c.Unverified += x.unverified
	c.FullTime += time.Duration(x.fullTime)
}
