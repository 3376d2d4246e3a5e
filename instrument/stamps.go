package instrument

import "time"

const (
	// maxStamps bounds the memory of a member's stamps (1 KB). With 64
	// stamps over what is buffered, the age of any message is known to
	// within a thirty-second of the backlog.
	maxStamps = 64
	minStamps = 8
	// A stamp and the look at it by its receiver touch a dozen cache lines
	// that senders and receivers fight for, about a microsecond where they
	// do. Taken every 51 µs on average that is 2% of a core however fast the
	// channel is; every 13 µs, eight senders and receivers took a fifth longer.
	// Stretching the stride by speed stops at maxSpeedStride, where it is a
	// nanosecond a message.
	stampEvery     = int64(51200 * time.Nanosecond)
	maxSpeedStride = 1024
	// maxCredit is what a pause saves up: stamps enough for a burst of 4,000
	// messages, of which each would otherwise be taken for fast traffic, and
	// the last and longest waits stay without a sample.
	maxCredit = 256 * stampEvery
	// quietGap is a pause after which the next stretch is taken to be slow.
	quietGap = int64(time.Millisecond)
)

// stamp says when message number n was sent.
type stamp struct {
	n  uint64
	at int64
}

// stamps remembers the send times of some of the buffered messages. The stride
// between stamped messages adapts: 1 when messages are rare, up to 1,024 when they
// are fast, and twice as long whenever the ring is full, when every second
// stamp goes.
type stamps struct {
	ring   []stamp // of 8, 16, 32 or 64; nil before the first stamp
	first  int     // index of the oldest
	count  int
	stride uint64
	credit int64 // time that may be spent on stamps, each worth stampEvery
	passed stamp // the newest that was taken out
}

// sample is a stamped message and for how many it stands: those after the one
// stamped before it.
type sample struct {
	stamp
	weight uint64
}

func (s *stamps) at(i int) *stamp { return &s.ring[(s.first+i)&(len(s.ring)-1)] }

func (s *stamps) newest() stamp {
	if s.count == 0 {
		return s.passed
	}
	return *s.at(s.count - 1)
}

// next returns the number of the oldest stamped message, or the highest number
// where there is none.
func (s *stamps) next() uint64 {
	if s.count == 0 {
		return ^uint64(0)
	}
	return s.at(0).n
}

// span returns the time between the oldest stamp and the newest.
func (s *stamps) span() int64 {
	if s.count == 0 {
		return 0
	}
	return s.newest().at - s.at(0).at
}

// push records that message n was sent at t and returns the number of the next
// message to stamp. It is out of order only where senders race.
func (s *stamps) push(n uint64, t int64) uint64 {
	newest := s.newest()
	if n <= newest.n && newest.n != 0 {
		return newest.n + s.stride
	}
	s.pace(t - newest.at)
	if s.count == len(s.ring) {
		s.makeRoom()
	}
	s.count++
	*s.at(s.count - 1) = stamp{n, t}
	return n + s.stride
}

// pace adapts the stride to the time since the last stamp.
func (s *stamps) pace(gap int64) {
	s.save(gap)
	s.credit -= stampEvery
	broke := s.credit < 0
	s.credit = max(s.credit, 0)
	switch {
	case s.stride == 0 || (gap >= quietGap && s.count <= minStamps):
		s.stride = 1
	case broke && s.stride < maxSpeedStride:
		s.stride *= 2
	case gap > 4*stampEvery && s.stride > 1 && s.count < maxStamps/4:
		s.stride /= 2
	}
}

// save lets a pause pay for later stamps.
func (s *stamps) save(gap int64) {
	s.credit = min(s.credit+min(max(gap, 0), maxCredit), maxCredit)
}

func (s *stamps) makeRoom() {
	if len(s.ring) < maxStamps {
		ring := make([]stamp, max(2*len(s.ring), minStamps))
		for i := range s.count {
			ring[i] = *s.at(i)
		}
		s.ring, s.first = ring, 0
		return
	}
	for i := range maxStamps / 2 {
		*s.at(i) = *s.at(2 * i)
	}
	s.count = maxStamps / 2
	s.stride *= 2
}

// full reports whether a push would make the stride longer.
func (s *stamps) full() bool { return s.count == maxStamps }

// pop takes out the oldest stamp if it is of message head or of one before.
func (s *stamps) pop(head uint64) (x sample, ok bool) {
	if s.count == 0 || s.at(0).n > head {
		return x, false
	}
	x = sample{*s.at(0), s.at(0).n - s.passed.n}
	s.passed = x.stamp
	s.first = (s.first + 1) & (len(s.ring) - 1)
	s.count--
	return x, true
}

// drop takes out the stamps up to message head.
func (s *stamps) drop(head uint64) {
	for {
		if _, ok := s.pop(head); !ok {
			return
		}
	}
}

// sentAt returns an upper bound of the age of message n: the time of the newest
// stamp at or before it.
func (s *stamps) sentAt(n uint64) int64 {
	best := s.passed.at
	for i := range s.count {
		if s.at(i).n > n {
			break
		}
		best = s.at(i).at
	}
	return best
}

// empty says that all messages up to number n were received by t, so that the
// ones after it were sent later than t.
func (s *stamps) empty(n uint64, t int64) {
	s.drop(n)
	if n >= s.passed.n {
		s.save(t - s.passed.at) // or the pause before t would save nothing up
		s.passed = stamp{n, t}
	}
}
