package instrument

import (
	"math"
	"sync"
	"testing"
)

func newLedger(limit int64) *ledger {
	l := new(ledger)
	l.init(limit)
	return l
}

// The count of acquires goes on where the word's part of it overflows.
func TestLedgerCountOverflows(t *testing.T) {
	l := newLedger(3)
	l.lock()
	l.acquired = 5<<22 - 3
	l.unlock(true)
	for want := uint64(5<<22 - 2); want < 5<<22+3; want++ {
		if got := l.take(1, nil, false); got == notOut {
			l.lock()
			if !l.takeHome(1) {
				t.Fatal("a free permit is not to be had")
			}
			l.acquired++
			l.unlock(true)
		} else if got != taken {
			t.Fatalf("take: %v", got)
		}
		if inUse, n := l.peek(); inUse != 1 || n != want {
			t.Errorf("%d in use after %d acquires, not 1 after %d", inUse, n, want)
		}
		if !l.give(1) {
			t.Fatal("the permit is not taken")
		}
	}
}

func TestLedgerOfWideLimitStaysAtHome(t *testing.T) {
	for _, limit := range []int64{maxInUse, maxInUse + 1, math.MaxInt64} {
		s := NewSemaphore("wide", limit, WithRegistry(NewRegistry()))
		if !s.TryAcquire(limit) || s.TryAcquire(1) || s.Acquire(t.Context(), 0) != nil {
			t.Errorf("of %d not all are to be had, or more", limit)
		}
		if c := s.Stats(); c.InUse != limit || c.InUsePeak != limit || c.Acquired != 2 || c.Rejected != 1 {
			t.Errorf("%d in use, peak %d, %d acquired, %d rejected", c.InUse, c.InUsePeak, c.Acquired, c.Rejected)
		}
		s.Release(limit - 1)
		s.Release(1)
		if c := s.Stats(); c.InUse != 0 {
			t.Errorf("%d of %d in use", c.InUse, limit)
		}
	}
}

func TestLedgerTakesNoNegative(t *testing.T) {
	l := newLedger(3)
	l.take(2, nil, false)
	for _, n := range []int64{-1, -2, math.MinInt64} {
		if _, ok := l.swapTake(l.word.Load(), n); ok {
			t.Errorf("took %d", n)
		}
		if _, ok := l.swapGive(n); ok {
			t.Errorf("gave %d", n)
		}
	}
	if inUse, acquired := l.peek(); inUse != 2 || acquired != 1 {
		t.Errorf("%d in use after %d acquires", inUse, acquired)
	}
}

func TestLedgerWasReleased(t *testing.T) {
	l := newLedger(3)
	ask := func(when string, want bool) {
		t.Helper()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.wasReleased() != want {
			t.Errorf("%s: released is %t", when, !want)
		}
	}
	ask("at first", false)
	l.take(3, nil, false)
	ask("after an acquire", false)
	l.give(1)
	ask("after a release", true)
	ask("asked again", false)
	l.give(1)
	l.lock()
	l.unlock(true)
	ask("taken home and put out again", true)
	l.lock()
	l.giveHome(1)
	l.unlock(false)
	ask("at home", true)
	ask("at home, asked again", false)
}

// At home and in the word at once: nothing is lost on the way.
func TestLedgerIsTakenHomeUnderWay(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		const takers, homes, each = 4, 2, 20_000
		l := newLedger(takers)
		var all sync.WaitGroup
		for range takers {
			all.Go(func() {
				for range each {
					for l.take(1, nil, false) != taken {
						l.lock()
						l.unlock(true)
					}
					for !l.give(1) {
						l.lock()
						l.unlock(true)
					}
				}
			})
		}
		for range homes {
			all.Go(func() {
				for range each {
					l.lock()
					if l.inUse < 0 || l.inUse > takers {
						t.Errorf("%d in use", l.inUse)
					}
					l.unlock(true)
				}
			})
		}
		all.Wait()
		if inUse, acquired := l.peek(); inUse != 0 || acquired != takers*each {
			t.Errorf("%d in use after %d acquires of %d", inUse, acquired, takers*each)
		}
	})
}

func TestLedgerLoses(t *testing.T) {
	l := newLedger(9)
	l.take(5, nil, false)
	expect := func(when string, want int64) {
		t.Helper()
		if got := l.lost.Load(); got != want {
			t.Errorf("%s: %d lost, not %d", when, got, want)
		}
	}
	l.lose(2)
	expect("two lost", 2)
	l.lose(9)
	expect("more than are taken", 5)
	l.give(1)
	expect("one given back", 4)
	l.lock()
	l.giveHome(1)
	l.unlock(true)
	expect("one more, at home", 3)
	l.take(4, nil, false)
	l.give(3)
	expect("others come and go", 3)
	l.give(4)
	l.lose(1)
	expect("nothing taken, nothing lost", 0)
}
