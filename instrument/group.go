package instrument

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// ErrTaskPanic is what Group.Wait returns, wrapped with the value of the panic,
// where a panic handler contained the first failure of the group.
var ErrTaskPanic = errors.New("weir: task panicked")

// Group is a collection of goroutines that work on parts of one task, with the
// methods and the semantics of Group in golang.org/x/sync/errgroup, so that only
// the constructor changes. The zero Group works and is not measured.
//
// Groups are made for every request, so what stands under a name is the sum of all
// of them: their goroutines count as busy workers, their limits as workers, their
// errors as an outcome of its own. A wait is from the call of Go to the start of the
// function. Goroutines keep the pprof labels of their makers.
type Group struct {
	cancel  context.CancelCauseFunc
	running sync.WaitGroup
	slots   *groupSlots // nil without a limit
	failed  sync.Once
	err     error

	m       *groupMember // nil where nothing is measured
	onPanic func(v any, stack []byte)
	started atomic.Uint64 // for the pace
}

// groupMember is what is known of one Group. Its cleanup has it.
type groupMember struct {
	tasks *taskMember
	limit atomic.Int64
}

// NewGroup makes a Group that is measured under name; an empty name measures
// nothing. It costs about a microsecond. With a panic handler, panics of the
// functions are contained, and the first one ends the group as an error does, with
// ErrTaskPanic.
func NewGroup(name string, opts ...PoolOption) *Group {
	cfg := poolOptions(opts)
	g := &Group{onPanic: cfg.onPanic}
	s := joinPools(registryOr(cfg.registry), sanitize(name), false, cfg)
	g.measure(s)
	return g
}

// GroupWithContext is NewGroup with a context derived from ctx, which is canceled
// when a function first returns an error, which is then its cause, or when Wait
// returns. A nil ctx is never done.
func GroupWithContext(ctx context.Context, name string, opts ...PoolOption) (*Group, context.Context) {
	if ctx == nil {
		ctx = context.Background()
	}
	cfg := poolOptions(opts)
	g := &Group{onPanic: cfg.onPanic}
	ctx, g.cancel = context.WithCancelCause(ctx)
	s := joinPools(registryOr(cfg.registry), sanitize(name), false, cfg)
	g.measure(s)
	return g, ctx
}

func (g *Group) measure(s *poolSeries) {
	if s == nil {
		return
	}
	tasks := s.groupTasks()
	tasks.objects.Add(1)
	g.m = &groupMember{tasks: tasks}
	// Or of many small groups only the first functions would be timed.
	g.started.Store(tasks.made.Add(1))
	runtime.AddCleanup(g, (*groupMember).leave, g.m)
}

// leave runs when a Group is gone, and so all its goroutines have ended.
func (m *groupMember) leave() {
	m.limitTo(0)
	m.tasks.objects.Add(-1)
	m.tasks.series.leave()
}

func (m *groupMember) limitTo(n int) {
	m.tasks.workers.Add(int64(n) - m.limit.Swap(int64(n)))
}

// Go calls f in a new goroutine. It waits until the limit, if there is one, lets it.
// The first error that a function returns cancels the group's context and is what
// Wait returns. A panic is the program's own, counted and not recovered, unless
// there is a handler. It allocates nothing. The clock is read at the end of f, at its
// start unless that is the end of one whose place it waited for, and at the call of
// Go, where calls come faster than one in a microsecond for up to 1 in 32.
func (g *Group) Go(f func() error) {
	at, from := g.submit(), int64(0)
	if g.slots != nil {
		from = g.slots.take()
	}
	g.start(f, at, from)
}

// TryGo is Go that does not wait: it reports whether the limit let it start f. Where
// it did not that is counted as rejected.
func (g *Group) TryGo(f func() error) bool {
	at := g.submit()
	if g.slots != nil && !g.slots.try() {
		if g.m != nil {
			g.m.tasks.rejected.Add(1)
		}
		return false
	}
	g.start(f, at, 0)
	return true
}

// submit returns when a task is submitted, if that is timed.
func (g *Group) submit() int64 {
	if g.m == nil {
		return 0
	}
	return g.m.tasks.submitted(g.started.Add(1))
}

func (g *Group) fail(err error) {
	g.failed.Do(func() {
		g.err = err
		if g.cancel != nil {
			g.cancel(err)
		}
	})
}

// Wait waits until all functions have returned, cancels the group's context, and
// returns the first error, if any.
func (g *Group) Wait() error {
	g.running.Wait()
	if g.cancel != nil {
		g.cancel(g.err)
	}
	if g.m != nil {
		g.m.limitTo(0) // the group may stay for long, and its workers are not there
	}
	return g.err
}

// SetLimit limits the goroutines of the group to n; below 0 there is no limit, and
// with 0 nothing can be started. It panics while goroutines of the group run, as
// errgroup does and in its words: they hold places under the old limit.
func (g *Group) SetLimit(n int) {
	if n < 0 {
		g.slots = nil
	} else {
		if g.slots != nil && g.slots.active() != 0 {
			panic(fmt.Errorf("errgroup: modify limit while %v goroutines in the group are still active", g.slots.active()))
		}
		g.slots = newGroupSlots(n)
	}
	if g.m != nil {
		g.m.limitTo(max(n, 0))
	}
}
