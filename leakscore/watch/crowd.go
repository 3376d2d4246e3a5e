package watch

import (
	"runtime"
	"sync/atomic"
)

// A case starts up to 10,000 copies of its leaky program, to see many interleavings
// in one run. Some leak in each copy and some in one of a thousand. What is scored
// is detection and not chance, so each call starts as many copies as are wanted to
// leak about leaksPerCall goroutines.
const (
	leaksPerCall = 20
	fewestCopies = 20
	mostCopies   = 1000
)

var copies atomic.Int64

// Copies stands in place of the n copies that a case would start.
func Copies(n int) int { return min(n, int(copies.Load())) }

// crowd adapts the number of copies to what those before left behind.
type crowd struct {
	before int   // goroutines before the first call
	began  int64 // copies so far
}

// next sets the number of copies for the next call.
func (c *crowd) next() {
	n := int64(5 * fewestCopies)
	if c.began > 0 {
		left := max(runtime.NumGoroutine()-c.before, 1)
		n = min(max(c.began*leaksPerCall/int64(left), fewestCopies), mostCopies)
	}
	c.began += n
	copies.Store(n)
}
