package semaphore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	xsync "golang.org/x/sync/semaphore"

	"github.com/weir-go/weir/instrument"
)

// script is a random program, one step after another: what a step does may set
// others free, and all that it sets free has come to rest before the next one.
type script struct {
	seed  uint64
	limit int64
	steps int
}

// trial is one run of a script on one semaphore.
type trial struct {
	s       instrument.Weighted
	rnd     *rand.Rand
	limit   int64
	held    []int64
	waiting []*acquire
	trace   strings.Builder
}

type acquire struct {
	id     int
	n      int64
	cancel context.CancelFunc
	done   chan error // of capacity 1
}

// opener makes a semaphore of so many permits.
type opener = func(limit int64) instrument.Weighted

// run returns what could be seen of a semaphore that is made in the bubble, or its
// channels would not be the bubble's.
func (x script) run(t *testing.T, open opener) (trace string) {
	synctest.Test(t, func(t *testing.T) {
		r := &trial{s: open(x.limit), rnd: rand.New(rand.NewPCG(x.seed, 1)), limit: x.limit}
		for i := 0; i < x.steps && r.step(t.Context(), i); i++ {
			synctest.Wait()
			r.settle()
		}
		// The last in the queue first, each to its end: after a panic x/sync's count is
		// below zero, and one that is let in by the end of another would panic as well.
		for _, a := range slices.Backward(r.waiting) {
			a.cancel()
			synctest.Wait()
		}
		trace = r.trace.String()
	})
	return trace
}

// step does one thing, and reports whether the script goes on: not after a panic,
// which leaves x/sync's semaphore with permits too many.
func (r *trial) step(ctx context.Context, i int) bool {
	n := r.rnd.Int64N(r.limit + 2)
	fmt.Fprintf(&r.trace, "\n%d: ", i)
	switch r.rnd.IntN(10) {
	case 0, 1, 2, 3:
		r.acquire(ctx, i, n)
	case 4:
		if got := r.s.TryAcquire(n); got {
			r.held = append(r.held, n)
			fmt.Fprintf(&r.trace, "try %d", n)
		} else {
			fmt.Fprintf(&r.trace, "try %d refused", n)
		}
	case 5, 6:
		r.releaseOne()
	case 7:
		if len(r.waiting) > 0 {
			a := r.waiting[r.rnd.IntN(len(r.waiting))]
			fmt.Fprintf(&r.trace, "cancel %d", a.id)
			a.cancel()
		}
	case 8:
		r.releaseAndCancel()
	default:
		return r.rare(ctx)
	}
	return true
}

func (r *trial) acquire(ctx context.Context, id int, n int64) {
	ctx, cancel := context.WithCancel(ctx)
	a := &acquire{id: id, n: n, cancel: cancel, done: make(chan error, 1)}
	r.waiting = append(r.waiting, a)
	fmt.Fprintf(&r.trace, "acquire %d", n)
	go func() { a.done <- r.s.Acquire(ctx, n) }()
}

func (r *trial) releaseOne() {
	if len(r.held) == 0 {
		return
	}
	i := r.rnd.IntN(len(r.held))
	n := r.held[i]
	r.held = slices.Delete(r.held, i, i+1)
	fmt.Fprintf(&r.trace, "release %d", n)
	r.s.Release(n)
}

// releaseAndCancel makes both ends of a wait come at once. Which comes first cannot
// be seen afterwards, but for those who wait for nothing: x/sync's semaphore passes
// them over where the canceled one leaves the queue last, and lets them in where it
// leaves first.
func (r *trial) releaseAndCancel() {
	if len(r.waiting) == 0 || len(r.held) == 0 || slices.ContainsFunc(r.waiting, (*acquire).isForNothing) {
		return
	}
	a := r.waiting[r.rnd.IntN(len(r.waiting))]
	fmt.Fprintf(&r.trace, "cancel %d and ", a.id)
	a.cancel()
	r.releaseOne()
}

func (a *acquire) isForNothing() bool { return a.n == 0 }

// rare is what programs should not do, and a done ctx.
func (r *trial) rare(ctx context.Context) (goOn bool) {
	switch r.rnd.IntN(40) {
	case 0:
		return r.panics("release too many", func() { r.s.Release(r.sum() + r.limit + 1) })
	case 1:
		return r.panics("acquire -1", func() { _ = r.s.Acquire(ctx, -1) })
	case 2:
		return r.panics("try -1", func() { r.s.TryAcquire(-1) })
	case 3:
		return r.panics("release -1", func() { r.s.Release(-1) })
	case 4, 5, 6, 7, 8, 9:
		r.s.Release(0)
		fmt.Fprint(&r.trace, "release 0")
	default:
		n := r.rnd.Int64N(r.limit + 2)
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		fmt.Fprintf(&r.trace, "acquire %d with a done ctx: %v", n, r.s.Acquire(ctx, n))
	}
	return true
}

func (r *trial) sum() (n int64) {
	for _, h := range r.held {
		n += h
	}
	return n
}

func (r *trial) panics(what string, f func()) bool {
	defer func() { fmt.Fprintf(&r.trace, "%s: panic %v", what, recover()) }()
	f()
	return false
}

// settle takes note of who has come to an end.
func (r *trial) settle() {
	var left []*acquire
	for _, a := range r.waiting {
		select {
		case err := <-a.done:
			fmt.Fprintf(&r.trace, ", %d: %v", a.id, err)
			if err == nil {
				r.held = append(r.held, a.n)
			}
			a.cancel()
		default:
			left = append(left, a)
		}
	}
	r.waiting = left
}

func openTheirs(limit int64) instrument.Weighted { return xsync.NewWeighted(limit) }

// openers are the ways to have one of weir's, measured and not.
func openers(t *testing.T) map[string]opener {
	made := make(map[string]opener)
	for how, r := range map[string]*instrument.Registry{"measured": registry, "disabled": disabled(t)} {
		with := instrument.WithRegistry(r)
		made[how+", ours"] = func(limit int64) instrument.Weighted {
			return instrument.NewSemaphore("ours", limit, with)
		}
		made[how+", wrapped"] = func(limit int64) instrument.Weighted {
			return instrument.WrapSemaphore("wrapped", xsync.NewWeighted(limit), limit, with)
		}
	}
	return made
}

// disabled is a registry that measures nothing.
func disabled(t *testing.T) *instrument.Registry {
	t.Helper()
	t.Setenv("WEIR_DISABLE", "1")
	r := instrument.NewRegistry()
	if !r.Snapshot().Self.Disabled {
		t.Fatal("WEIR_DISABLE=1 does not disable")
	}
	return r
}

// TestSameAsXSync runs random programs on x/sync's semaphore, on weir's, and on
// weir's around x/sync's. Whatever can be seen must be the same: who gets permits
// and when, who is refused, every error and every panic.
func TestSameAsXSync(t *testing.T) {
	const scripts = 4_000
	all := openers(t)
	seen := make(map[string]int)
	for seed := range uint64(scripts) {
		x := script{seed: seed, limit: int64(seed % 6), steps: 60}
		want := x.run(t, openTheirs)
		for what, open := range all {
			if got := x.run(t, open); got != want {
				t.Fatalf("seed %d, %d permits, %s:%s\n\nx/sync:%s", seed, x.limit, what, got, want)
			}
		}
		if x.limit == 0 {
			zero := func(int64) instrument.Weighted { return &instrument.Semaphore{} }
			if got := x.run(t, zero); got != want {
				t.Fatalf("seed %d, the zero semaphore:%s\n\nx/sync:%s", seed, got, want)
			}
		}
		for _, word := range []string{"refused", "canceled", "panic", "cancel ", " and release", "<nil>"} {
			seen[word] += strings.Count(want, word)
		}
	}
	for word, n := range seen {
		if n < 100 {
			t.Errorf("the scripts came to %q only %d times", word, n)
		}
	}
}
