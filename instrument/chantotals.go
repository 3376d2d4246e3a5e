package instrument

import "time"

// chanTotals are the counters of a member, or the sums of those of retired ones.
type chanTotals struct {
	sent, received, full, canceled, closedSends, closed uint64
	abandoned, unverified                               uint64
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
	return x
}

func (x *chanTotals) add(y chanTotals) {
	x.sent += y.sent
	x.received += y.received
	x.full += y.full
	x.canceled += y.canceled
	x.closedSends += y.closedSends
	x.closed += y.closed
	x.abandoned += y.abandoned
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
	c.Unverified += x.unverified
	c.FullTime += time.Duration(x.fullTime)
}
