package model

import (
	"fmt"

	"github.com/weir-go/weir/instrument"
)

// counts are the sums that the operations on one object must give.
type counts struct {
	sent, received, full, canceled, closedSends, closed uint64
}

func (c *counts) add(e *entry, on int) {
	one := func(n *uint64, is bool) {
		if is {
			*n++
		}
	}
	wrapped := e.kind <= opSendContext // by a method, which counts what fails
	one(&c.sent, e.is(on, sent))
	one(&c.received, e.is(on, received))
	one(&c.full, e.kind == opTrySend && e.is(on, full))
	one(&c.canceled, e.kind == opSendContext && e.on == on && e.canceled)
	one(&c.closedSends, wrapped && e.is(on, sendPanic))
	one(&c.closed, e.is(on, closed))
}

// countsOf returns what the operations that have returned say of an object.
func (m *machine) countsOf(on int) counts {
	c := counts{sent: uint64(len(m.found[on]))}
	for _, log := range m.logs {
		for _, e := range log {
			if e.ret != 0 {
				c.add(e, on)
			}
		}
	}
	return c
}

// atRest checks what must hold when every goroutine has ended or waits.
func (m *machine) atRest() error {
	for i, o := range m.objects {
		c, n := m.countsOf(i), o.Len()
		if c.sent != c.received+uint64(n) {
			return fmt.Errorf("at rest: channel %d: sent %d, received %d, length %d", i, c.sent, c.received, n)
		}
		if err := m.mayWait(i, n, c.closed > 0); err != nil {
			return fmt.Errorf("at rest: channel %d: %w", i, err)
		}
		if !m.measured {
			continue
		}
		if err := m.compare(i, c, o.Stats()); err != nil {
			return fmt.Errorf("at rest: statistics of channel %d: %w", i, err)
		}
	}
	return nil
}

// mayWait checks that nobody waits who could go on. A history cannot tell that: it
// only has what returned.
func (m *machine) mayWait(on, n int, isClosed bool) error {
	for _, e := range m.waiting() {
		sends, receives := e.sendsTo(on), e.receivesFrom(on)
		switch {
		case !sends && !receives:
		case isClosed:
			return fmt.Errorf("closed, and goroutine %d waits in %v", e.client, e.op)
		case sends && n < m.caps[on]:
			return fmt.Errorf("holds %d of %d, and goroutine %d waits in %v", n, m.caps[on], e.client, e.op)
		case receives && n > 0:
			return fmt.Errorf("holds %d, and goroutine %d waits in %v", n, e.client, e.op)
		case sends:
			for _, other := range m.waiting() {
				if other.client != e.client && other.receivesFrom(on) {
					return fmt.Errorf("goroutines %d and %d wait in %v and %v", e.client, other.client, e.op, other.op)
				}
			}
		}
	}
	return nil
}

// compare checks the statistics of an object at rest.
func (m *machine) compare(on int, want counts, s instrument.ChanStats) error {
	got := counts{s.Sent, s.Received, s.SendsFull, s.SendsCanceled, s.SendsClosed, s.Closed}
	if got != want {
		return fmt.Errorf("%+v, want %+v", got, want)
	}
	if s.Sent != s.Received+s.Abandoned+s.Unverified+uint64(s.Depth) || int(s.Depth) != m.objects[on].Len() {
		return fmt.Errorf("sent %d, received %d, abandoned %d, unverified %d, depth %d", s.Sent, s.Received, s.Abandoned, s.Unverified, s.Depth)
	}
	var senders, receivers int64
	for _, e := range m.waiting() {
		if e.on != on {
			continue
		}
		switch e.kind {
		case opSend, opSendContext:
			senders++
		case opRecv, opRecvContext, opAll:
			receivers++
		}
	}
	if s.BlockedSenders != senders || s.BlockedReceivers != receivers {
		return fmt.Errorf("%d senders and %d receivers wait, want %d and %d", s.BlockedSenders, s.BlockedReceivers, senders, receivers)
	}
	return nil
}

// check checks the history of a program that has ended.
func (m *machine) check() error {
	all := m.entries()
	for _, e := range all {
		if e.wrong != "" {
			return fmt.Errorf("no channel does that: %v", e)
		}
		if err := contextOf(e, all); err != nil {
			return err
		}
		if e.stats != nil && m.measured {
			if err := m.reading(e, all); err != nil {
				return err
			}
		}
	}
	for on := range m.objects {
		if err := linearizable(m.initial(on), factsOf(on, all)); err != nil {
			return fmt.Errorf("channel %d: %w", on, err)
		}
	}
	return nil
}

func (m *machine) initial(on int) state {
	s := state{capacity: m.caps[on]}
	for _, v := range m.found[on] {
		_, s = s.step(fact{sent, v})
	}
	return s
}

func factsOf(on int, all []*entry) (facts []factAt) {
	for _, e := range all {
		if e.about[on] {
			facts = append(facts, factAt{e.facts[on], e.client, e.call, e.ret})
		}
	}
	return facts
}

// contextOf checks that an operation gave up only if its context had ended, and
// always if that had ended before it began. A select may take another case then.
func contextOf(e *entry, all []*entry) error {
	before, during := false, false
	for _, c := range all {
		if c.kind == opCancel && c.ctx == e.ctx {
			before = before || c.ret < e.call
			during = during || c.call < e.ret
		}
	}
	switch {
	case e.canceled && !during:
		return fmt.Errorf("gave up, and nobody told it to: %v", e)
	case !e.canceled && before && (e.kind == opSendContext || e.kind == opRecvContext):
		return fmt.Errorf("went on, though its context had ended: %v", e)
	}
	return nil
}

// reading checks statistics that were read while the others ran: all sends that
// had returned are in them, and nothing that had not begun.
func (m *machine) reading(e *entry, all []*entry) error {
	least := counts{sent: uint64(len(m.found[e.on]))}
	most := least
	for _, x := range all {
		if x.ret < e.call {
			least.add(x, e.on)
		}
		if x.call < e.ret {
			most.add(x, e.on)
		}
	}
	s := e.stats
	if s.Sent < least.sent || s.Sent > most.sent || s.Received > most.received || s.Received > s.Sent {
		return fmt.Errorf("read while %d to %d were sent and at most %d received: %v", least.sent, most.sent, most.received, e)
	}
	if s.Depth < 0 || int(s.Depth) > m.caps[e.on] {
		return fmt.Errorf("depth of a channel of capacity %d: %v", m.caps[e.on], e)
	}
	if s.SendsFull < least.full || s.SendsFull > most.full || s.SendsClosed < least.closedSends || s.SendsClosed > most.closedSends ||
		s.SendsCanceled < least.canceled || s.SendsCanceled > most.canceled || s.Closed < least.closed || s.Closed > most.closed {
		return fmt.Errorf("full %d, closed sends %d, canceled %d, closed %d, want from %+v to %+v: %v",
			s.SendsFull, s.SendsClosed, s.SendsCanceled, s.Closed, least, most, e)
	}
	return nil
}
