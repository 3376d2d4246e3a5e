package instrument

import "sync/atomic"

// groupSlots lets a number of goroutines run at once. A channel would do, and
// costs six times as much where there is room.
type groupSlots struct {
	limit int64
	taken atomic.Int64  // places taken, and those that wait for one
	freed chan struct{} // a place passed on
}

// maxFreed bounds the places that are under way to who waits for them. Who has one
// to pass on when there are more waits until one has come.
const maxFreed = 64

func newGroupSlots(limit int) *groupSlots {
	return &groupSlots{limit: int64(limit), freed: make(chan struct{}, min(limit, maxFreed))}
}

// take takes a place, and waits for it. Who waits comes first, in order.
func (s *groupSlots) take() {
	if s.taken.Add(1) > s.limit {
		<-s.freed
	}
}

// try takes a place if there is one.
func (s *groupSlots) try() bool {
	for {
		n := s.taken.Load()
		if n >= s.limit {
			return false
		}
		if s.taken.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// give gives a place back, or to one who waits.
func (s *groupSlots) give() {
	if s.taken.Add(-1) >= s.limit {
		s.freed <- struct{}{}
	}
}

// active returns how many places are taken.
func (s *groupSlots) active() int64 { return min(s.taken.Load(), s.limit) }
