package instrument

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// fastTask is what a task may take, and the time between two, to be called
	// fast: reading the clock for each would then cost a good part of what it
	// measures.
	fastTask = time.Microsecond
	// fastRow is how many readings in a row must have been fast before there are
	// half as many.
	fastRow = 16
	// maxPaceBits bounds what one reading stands for, to 32 tasks.
	maxPaceBits = 5
)

// paceOf returns, as a power of two, one in how many is timed after so many fast
// ones in a row.
func paceOf(row int) int { return min(row/fastRow, maxPaceBits) }

// pace says which of a pool's submissions read the clock: each one where they are
// rare, and one in 32 where they are fast.
type pace struct {
	mask atomic.Uint64 // a number that has none of these bits is stamped

	mu  sync.Mutex
	at  int64
	row int
}

// stop makes nothing be stamped.
func (p *pace) stop() { p.mask.Store(never) }

// due reports whether submission n is one that stamp is to be called for.
func (p *pace) due(n uint64) bool { return n&p.mask.Load() == 0 }

// stamp reads the clock, and sets the pace by the time since the last stamp.
func (p *pace) stamp() int64 {
	t := now()
	if p.mu.TryLock() { // who comes second has nothing to add
		if since(t, p.at) <= fastTask<<paceOf(p.row) {
			p.row++
		} else {
			p.row = 0
		}
		p.at = t
		p.mask.Store(1<<paceOf(p.row) - 1)
		p.mu.Unlock()
	}
	return t
}

// next makes the next submission a stamped one, so that the first after a pause
// is not passed over because those before it were fast.
func (p *pace) next() {
	if p.mask.Load() != never {
		p.mask.Store(0)
	}
}
