package semaphore

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/weir-go/weir/instrument"
)

// call is an operation of a history.
type call struct {
	kind callKind
	n    int64
	// excused: somebody else was in Acquire meanwhile, and may have waited; then
	// TryAcquire may refuse whatever is free.
	excused bool
}

type callKind uint8

const (
	acquired callKind = iota // by Acquire or TryAcquire
	refused                  // by TryAcquire
	canceled
	released
)

// model is a semaphore that does one thing at a time: its state is the permits in
// use.
func model(limit int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return int64(0) },
		Step: func(state, input, _ any) (bool, any) {
			inUse, c := state.(int64), input.(call)
			switch c.kind {
			case acquired:
				return inUse+c.n <= limit, inUse + c.n
			case refused:
				return c.excused || inUse+c.n > limit, inUse
			case released:
				return c.n <= inUse, inUse - c.n
			}
			return true, inUse // who gave up has changed nothing
		},
	}
}

// recorder writes the history of a semaphore down.
type recorder struct {
	instrument.Weighted
	limit     int64
	clock     atomic.Int64
	acquiring atomic.Int64 // who is in Acquire
	entries   atomic.Int64 // who ever was
	mu        sync.Mutex
	history   []porcupine.Operation
}

func (r *recorder) note(client int, from int64, c call) {
	to := r.clock.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{ClientId: client, Input: c, Call: from, Return: to})
}

// take takes n permits in one of the two ways, and reports whether it has them.
func (r *recorder) take(client int, rnd *rand.Rand, n int64) bool {
	from := r.clock.Add(1)
	if rnd.IntN(2) == 0 {
		before := r.acquiring.Load() > 0
		entered := r.entries.Load()
		if r.TryAcquire(n) {
			r.note(client, from, call{kind: acquired, n: n})
			return true
		}
		r.note(client, from, call{kind: refused, n: n, excused: before || r.entries.Load() != entered})
		return false
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch rnd.IntN(4) {
	case 0:
		cancel()
	case 1, 2:
		go func() { runtime.Gosched(); cancel() }()
	default:
		if n > r.limit {
			cancel() // nothing else would end it
		}
	}
	r.entries.Add(1)
	r.acquiring.Add(1)
	err := r.Acquire(ctx, n)
	r.acquiring.Add(-1)
	if err != nil {
		r.note(client, from, call{kind: canceled})
		return false
	}
	r.note(client, from, call{kind: acquired, n: n})
	return true
}

// play has each client do some operations, and returns the history.
func (r *recorder) play(seed uint64, clients, operations int) []porcupine.Operation {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(client)))
			for range operations {
				n := rnd.Int64N(r.limit + 2)
				if !r.take(client, rnd, n) {
					continue
				}
				if rnd.IntN(2) == 0 {
					runtime.Gosched()
				}
				from := r.clock.Add(1)
				r.Release(n)
				r.note(client, from, call{kind: released, n: n})
			}
		})
	}
	all.Wait()
	return r.history
}

// TestLinearizable: what goroutines see of a semaphore, they could have seen of one
// that does one thing at a time. The same histories are taken of x/sync's, which
// tests the model.
func TestLinearizable(t *testing.T) {
	const histories, clients, operations = 400, 4, 12
	all := openers(t)
	all["x/sync"] = openTheirs
	for what, open := range all {
		t.Run(what, func(t *testing.T) {
			kinds := make(map[callKind]int)
			for seed := range uint64(histories) {
				limit := int64(1 + seed%4)
				r := &recorder{Weighted: open(limit), limit: limit}
				history := r.play(seed, clients, operations)
				if porcupine.CheckOperationsTimeout(model(limit), history, time.Minute) != porcupine.Ok {
					t.Fatalf("seed %d: no order of these explains them: %v", seed, history)
				}
				for _, o := range history {
					kinds[o.Input.(call).kind]++
				}
			}
			for kind := acquired; kind <= released; kind++ {
				if kinds[kind] < histories {
					t.Errorf("kind %d came only %d times", kind, kinds[kind])
				}
			}
		})
	}
}
