package main

import (
	"fmt"
	"sync/atomic"
)

// tally counts moves.
type tally struct {
	sent, accepted, refused, timedOut atomic.Int64
	handled                           atomic.Int64
	late                              atomic.Int64 // handled when their players had left
	forged                            atomic.Int64 // handled, and worth nothing
	settled                           atomic.Int64 // handled, and their scores written
	points                            atomic.Int64
	again                             atomic.Int64 // handled, but not after the session's last
}

// balance is a tally at one moment, with what is in the inbox. JSON has it.
type balance struct {
	Sent, Accepted, Refused, TimedOut, Handled, Late, Forged, Settled, Points, Again, Queued int64
}

// read takes what is handled, then what is queued, then what was accepted, and
// what was sent last. A move goes the other way, so each that was counted early is
// in what is read later.
func (t *tally) read(queued func() int) balance {
	var b balance
	b.Again, b.Points, b.Settled = t.again.Load(), t.points.Load(), t.settled.Load()
	b.Late, b.Forged = t.late.Load(), t.forged.Load()
	b.Handled = t.handled.Load()
	b.Queued = int64(queued())
	b.Accepted, b.Refused, b.TimedOut = t.accepted.Load(), t.refused.Load(), t.timedOut.Load()
	b.Sent = t.sent.Load()
	return b
}

// lost compares what was accepted before with what is queued or handled after: a
// move that is in neither is lost, but for the one in the loop's hands.
func (t *tally) lost(queued func() int) int64 {
	accepted := t.accepted.Load()
	there := int64(queued()) + t.handled.Load()
	return max(0, accepted-there-1)
}

// during says what cannot be while the game runs.
func (b balance) during() error {
	if decided := b.Accepted + b.Refused + b.TimedOut; decided > b.Sent {
		return fmt.Errorf("accepted + refused + timed out = %s, but only %s moves were sent", count(decided), count(b.Sent))
	}
	if taken := b.Handled + b.Queued + b.Refused + b.TimedOut; taken > b.Sent {
		return fmt.Errorf("handled + queued + refused + timed out = %s, but only %s moves were sent", count(taken), count(b.Sent))
	}
	if b.Again > 0 {
		return fmt.Errorf("%s moves were handled twice or out of order", count(b.Again))
	}
	return nil
}

// end says what cannot be when nobody sends or handles any more.
func (b balance) end() error {
	if decided := b.Accepted + b.Refused + b.TimedOut; decided != b.Sent {
		return fmt.Errorf("%s moves were sent, but accepted + refused + timed out = %s", count(b.Sent), count(decided))
	}
	if taken := b.Handled + b.Queued; taken != b.Accepted {
		return fmt.Errorf("%s moves were accepted, but handled + queued = %s", count(b.Accepted), count(taken))
	}
	return b.during()
}
