package instrument

import (
	"sync"
	"sync/atomic"
)

// ledger is how many permits of a semaphore are taken. While nobody waits it
// stands in one word, so that acquire and release are one atomic operation each,
// which counts them too. Whoever has to do more takes it home: it swaps the word
// for a mark and goes on under the lock, with plain integers, as everybody else
// does from then on until the word is put out again. A word that were changed on
// both sides of the lock would need every step of the slow path to be a loop.
type ledger struct {
	word atomic.Uint64
	mu   sync.Mutex // also guards what is not in here: waiters, Permits

	limit int64 // set once

	// At home, guarded by mu.
	inUse    int64
	acquired uint64 // when the word is out, its low bits stand there
	released bool   // since somebody last asked

	levels window
	// lost is the permits that were collected unreleased and not reclaimed.
	lost atomic.Int64
}

// The word, from the low end: the permits in use, whether any was released since
// somebody last asked, and the low bits of the count of acquires. The count also
// makes the words of two moments differ, so that a compare and swap that succeeds
// knows that nothing happened in between: see take.
const (
	inUseBits   = 40
	maxInUse    = 1<<inUseBits - 1
	releasedBit = 1 << inUseBits
	oneAcquire  = 1 << (inUseBits + 1)
	atHome      = 1 << 63
	countFull   = atHome - oneAcquire // from here on an acquire would overflow the count
	countLow    = countFull / oneAcquire
)

// taking is what became of an acquire in the word.
type taking uint8

const (
	taken taking = iota
	tooFew
	wasDone
	notOut // the ledger is at home
)

// init sets the limit. Limits that the word cannot hold keep the ledger at home.
func (l *ledger) init(limit int64) {
	l.limit = limit
	if limit > maxInUse {
		l.word.Store(atHome)
	}
}

// swapTake takes n permits in the word, which was old, if it can at the first try,
// and returns how many are in use then. n may be negative, which is never taken.
// This, rose, swapGive and low are small enough to be inlined: a call would be a
// tenth of an acquire.
func (l *ledger) swapTake(old uint64, n int64) (inUse int64, ok bool) {
	inUse = int64(old & maxInUse)
	ok = old < countFull && uint64(n) <= uint64(l.limit-inUse) && l.word.CompareAndSwap(old, old+oneAcquire+uint64(n))
	return inUse + n, ok
}

// rose notes that more permits are in use.
func (l *ledger) rose(inUse int64) {
	if inUse > l.levels.peak.Load() {
		raise(&l.levels.peak, inUse)
	}
}

// swapGive gives n permits back in the word if it can at the first try, and
// returns how many are in use then.
func (l *ledger) swapGive(n int64) (inUse int64, ok bool) {
	old := l.word.Load()
	inUse = int64(old & maxInUse)
	ok = old < atHome && uint64(n) <= uint64(inUse) && l.word.CompareAndSwap(old, (old-uint64(n))|releasedBit)
	return inUse - n, ok
}

// low is the level below which a release has something to note: see fell.
func (l *ledger) low() int64 { return max(l.levels.floor.Load(), l.lost.Load()) }

// fell notes that fewer permits are in use than low. What is given back after all
// is not lost.
func (l *ledger) fell(inUse int64) {
	lower(&l.levels.floor, inUse)
	lower(&l.lost, inUse)
}

// take takes n permits in the word unless done is closed. It looks at done between
// reading the word and changing it: what closed done before it released the
// permits that are taken here has then changed the word as well. lost says that
// swapTake has been tried.
func (l *ledger) take(n int64, done <-chan struct{}, lost bool) taking {
	for range swapTries {
		old := l.word.Load()
		if old >= countFull {
			return notOut
		}
		if isDone(done) {
			return wasDone
		}
		inUse := int64(old & maxInUse)
		if n > l.limit-inUse {
			return tooFew
		}
		if !lost && l.word.CompareAndSwap(old, old+oneAcquire+uint64(n)) {
			l.rose(inUse + n)
			return taken
		}
		lost = false
		backOff()
	}
	return notOut
}

const (
	// swapTries is how often a swap may lose against those of other processors
	// before the lock is taken, which is fair.
	swapTries = 4
	// backOffSteps take about 1 µs, in which another processor does a hundred
	// operations.
	backOffSteps = 400
)

// backOff lets others go ahead after a swap has lost against theirs. Tried again at
// once, the word would wander between the processors at every operation, which takes
// three times as long as the operation; so one of them does many in a row, as it
// would with a mutex. The steps are additions to a number that nobody else sees: the
// standard library has no name for the processor's own pause.
func backOff() {
	var steps atomic.Uint32
	for steps.Add(1) < backOffSteps {
	}
}

func isDone(done <-chan struct{}) bool {
	if done == nil {
		return false
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// give is swapGive again where that has failed. It reports false where the lock is
// to be taken, because the word is not out, fewer are taken, or others are faster.
func (l *ledger) give(n int64) bool {
	for range swapTries {
		if w := l.word.Load(); w >= atHome || n > int64(w&maxInUse) {
			return false
		}
		backOff()
		if inUse, ok := l.swapGive(n); ok {
			if inUse < l.low() {
				l.fell(inUse)
			}
			return true
		}
	}
	return false
}

// lock takes the ledger home.
func (l *ledger) lock() {
	l.mu.Lock()
	if l.word.Load() < atHome {
		w := l.word.Swap(atHome)
		l.inUse = int64(w & maxInUse)
		l.acquired = l.acquired&^countLow | w/oneAcquire
		l.released = w&releasedBit != 0
	}
}

// unlock puts the ledger out again, unless somebody waits.
func (l *ledger) unlock(nobodyWaits bool) {
	if nobodyWaits && l.limit <= maxInUse {
		w := uint64(l.inUse) | l.acquired&countLow*oneAcquire
		if l.released {
			w |= releasedBit
		}
		l.word.Store(w)
	}
	l.mu.Unlock()
}

// takeHome is take at home, without the count: who waited may yet give it back.
func (l *ledger) takeHome(n int64) bool {
	if n > l.limit-l.inUse {
		return false
	}
	l.inUse += n
	l.rose(l.inUse)
	return true
}

// giveHome is give at home. The caller knows that so many are taken.
func (l *ledger) giveHome(n int64) {
	l.inUse -= n
	l.released = true
	l.fell(l.inUse)
}

// peek reads the ledger wherever it is. The caller holds mu.
func (l *ledger) peek() (inUse int64, acquired uint64) {
	w := l.word.Load()
	if w >= atHome {
		return l.inUse, l.acquired
	}
	return int64(w & maxInUse), l.acquired&^countLow | w/oneAcquire
}

// wasReleased reports whether permits were released since it was last asked. The
// caller holds mu.
func (l *ledger) wasReleased() bool {
	if l.word.Load() < atHome {
		return l.word.And(^uint64(releasedBit))&releasedBit != 0
	}
	released := l.released
	l.released = false
	return released
}

// lose notes that n permits are missing for good, but no more than are taken:
// a program may have released by hand what it then forgot as a Permit. It returns
// how many are missing now. The caller holds mu.
func (l *ledger) lose(n int64) {
	inUse, _ := l.peek()
	l.lost.Add(max(min(n, inUse-l.lost.Load()), 0))
	// Who gave some back meanwhile may not have seen them as lost.
	if inUse, _ = l.peek(); inUse < l.lost.Load() {
		lower(&l.lost, inUse)
	}
}
