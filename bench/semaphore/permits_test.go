package semaphore

import (
	"context"
	"flag"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weir-go/weir/instrument"
)

var operations = flag.Int("operations", 300_000, "how many operations may lose no permit")

// user acquires and releases at random, and has a neighbour's context to cancel.
type user struct {
	s      *instrument.Semaphore
	limit  int64
	held   *atomic.Int64
	cancel []atomic.Pointer[context.CancelFunc] // of all users
	me     int
	rnd    *rand.Rand
	t      *testing.T
}

func (u *user) run(operations int) {
	for range operations {
		n := u.rnd.Int64N(u.limit + 1)
		switch u.rnd.IntN(8) {
		case 0:
			if u.s.TryAcquire(n) {
				u.hold(n)
				u.s.Release(n)
			}
		case 1, 2:
			ctx, end := u.context()
			if p, err := u.s.AcquirePermit(ctx, n); err == nil {
				u.hold(n)
				p.Release()
			}
			end()
		default:
			ctx, end := u.context()
			if u.s.Acquire(ctx, n) == nil {
				u.hold(n)
				u.s.Release(n)
			}
			end()
		}
		if other := u.cancel[u.rnd.IntN(len(u.cancel))].Load(); other != nil && u.rnd.IntN(2) == 0 {
			(*other)()
		}
	}
}

// context returns one that a neighbour may cancel at any time.
func (u *user) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	u.cancel[u.me].Store(&cancel)
	return ctx, cancel
}

func (u *user) hold(n int64) {
	if held := u.held.Add(n); held > u.limit {
		u.t.Errorf("%d permits held of %d", held, u.limit)
	}
	if u.rnd.IntN(4) == 0 {
		runtime.Gosched()
	}
	u.held.Add(-n)
}

// TestNoPermitLost cancels at random, and counts the permits all the time and at the
// end. With -operations 10000000 it takes some minutes.
func TestNoPermitLost(t *testing.T) {
	const users, limit = 8, 5
	for what, open := range openers(t) {
		t.Run(what, func(t *testing.T) {
			s := open(limit).(*instrument.Semaphore)
			var all sync.WaitGroup
			held := new(atomic.Int64)
			cancel := make([]atomic.Pointer[context.CancelFunc], users)
			for me := range users {
				u := &user{s: s, limit: limit, held: held, cancel: cancel, me: me, rnd: rand.New(rand.NewPCG(uint64(me), 2)), t: t}
				all.Go(func() { u.run(*operations / users) })
			}
			all.Wait()
			c := s.Stats()
			if c.InUse != 0 || c.Waiters != 0 || !s.TryAcquire(limit) || s.TryAcquire(1) {
				t.Errorf("at the end %d in use, %d wait", c.InUse, c.Waiters)
			}
			if strings.HasPrefix(what, "disabled") {
				return
			}
			if n := c.Acquired + c.Rejected + c.Canceled; n != uint64(*operations/users*users) || c.UntrackedReleases != 0 {
				t.Errorf("%d operations counted of %d, %d permits untracked", n, *operations, c.UntrackedReleases)
			}
			if c.Canceled == 0 || c.Rejected == 0 || c.AcquireWait.Count == 0 {
				t.Errorf("%d canceled, %d rejected, %d waits: not all of it was tried", c.Canceled, c.Rejected, c.AcquireWait.Count)
			}
			t.Logf("%d acquired, %d rejected, %d canceled, %d waits", c.Acquired, c.Rejected, c.Canceled, c.AcquireWait.Count)
		})
	}
}
