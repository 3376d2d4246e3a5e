package semaphore

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/weir-go/weir/instrument"
)

// generous hands out one permit more than there are, now and then. It takes those
// back itself: a release of more than is held would leave waiters for ever.
type generous struct {
	*instrument.Semaphore
	calls, extra atomic.Int64
}

func (g *generous) TryAcquire(n int64) bool {
	if g.Semaphore.TryAcquire(n) {
		return true
	}
	if n != 1 || g.calls.Add(1)%8 != 0 {
		return false
	}
	g.extra.Add(1)
	return true
}

func (g *generous) Release(n int64) {
	for extra := g.extra.Load(); n == 1 && extra > 0; extra = g.extra.Load() {
		if g.extra.CompareAndSwap(extra, extra-1) {
			return
		}
	}
	g.Semaphore.Release(n)
}

// stingy refuses what is free.
type stingy struct{ *instrument.Semaphore }

func (stingy) TryAcquire(int64) bool { return false }

// unfair lets requests for one permit pass.
type unfair struct{ slots chan struct{} }

func (u unfair) Acquire(ctx context.Context, n int64) error {
	for range n {
		select {
		case u.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (u unfair) TryAcquire(n int64) bool {
	for range n {
		select {
		case u.slots <- struct{}{}:
		default:
			return false
		}
	}
	return true
}

func (u unfair) Release(n int64) {
	for range n {
		<-u.slots
	}
}

// TestLinearizableSeesFaults is the test of the test.
func TestLinearizableSeesFaults(t *testing.T) {
	for what, open := range map[string]opener{
		"generous": func(n int64) instrument.Weighted { return &generous{Semaphore: NewWeighted(n)} },
		"stingy":   func(n int64) instrument.Weighted { return stingy{NewWeighted(n)} },
	} {
		found := false
		for seed := uint64(0); seed < 1000 && !found; seed++ {
			r := &recorder{Weighted: open(2), limit: 2}
			found = porcupine.CheckOperationsTimeout(model(2), r.play(seed, 4, 12), time.Minute) == porcupine.Illegal
		}
		if !found {
			t.Errorf("a %s semaphore passes", what)
		}
	}
}

func TestSameSeesFaults(t *testing.T) {
	for seed := uint64(0); ; seed++ {
		x := script{seed: seed, limit: 3, steps: 12}
		if x.run(t, openTheirs) != x.run(t, func(n int64) instrument.Weighted { return unfair{make(chan struct{}, n)} }) {
			return
		}
		if seed == 1000 {
			t.Fatal("an unfair semaphore passes")
		}
	}
}
