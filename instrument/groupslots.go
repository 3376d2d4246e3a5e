package instrument

import "sync/atomic"

// groupSlots lets a number of goroutines run at once. A channel would do, and
// costs six times as much where there is room.
type groupSlots struct {
	limit int64
	taken atomic.Int64 // places taken, and those that wait for one
	freed chan int64   // a place passed on, and when the task in it ended
}

// maxFreed bounds the places that are under way to who waits for them. Who has one
// to pass on when there are more waits until one has come.
const maxFreed = 64

func newGroupSlots(limit int) *groupSlots {
	return &groupSlots{limit: int64(limit), freed: make(chan int64, min(limit, maxFreed))}
}

// take takes a place, and waits for it. Who waits comes first, in order, and is told
// when the task before it in that place ended.
func (s *groupSlots) take() (since int64) {
	if s.taken.Add(1) > s.limit {
		return <-s.freed
	}
	return 0
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

// give gives a place back, or to one who waits; the task in it ended at t.
func (s *groupSlots) give(t int64) {
	if s.taken.Add(-1) >= s.limit {
		s.freed <- t
	}
}

// active returns how many places are taken.
func (s *groupSlots) active() int64 { return min(s.taken.Load(), s.limit) }
