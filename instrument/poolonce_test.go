package instrument

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// fate counts what became of submitted tasks.
type fate struct {
	ran      []atomic.Int32 // by task
	accepted []atomic.Bool
	full, closed, canceled,
	panicked, exited atomic.Uint64
}

func (f *fate) task(i int, kind int) func() {
	return func() {
		f.ran[i].Add(1)
		switch kind {
		case 0:
			f.panicked.Add(1)
			panic("on purpose")
		case 1:
			f.exited.Add(1)
			runtime.Goexit()
		case 2:
			runtime.Gosched()
		}
	}
}

func (f *fate) submit(p *Pool, rnd *rand.Rand, i int) {
	task := f.task(i, rnd.IntN(200))
	var err error
	switch rnd.IntN(3) {
	case 0:
		err = p.TrySubmit(task)
	case 1:
		ctx, cancel := randomContext(rnd)
		err = p.Submit(ctx, task)
		cancel()
	default:
		err = p.Submit(context.Background(), task)
	}
	switch {
	case err == nil:
		f.accepted[i].Store(true)
	case errors.Is(err, ErrPoolFull):
		f.full.Add(1)
	case errors.Is(err, ErrPoolClosed):
		f.closed.Add(1)
	default:
		f.canceled.Add(1)
	}
}

// Under the race detector a million tasks, and fewer in the other runs: they are
// of many short lives, because it is at their ends that tasks can be lost.
func TestPoolRunsEachTaskOnceOrRefusesIt(t *testing.T) {
	rounds := 4
	if raceEnabled {
		rounds = 40
	}
	for round := range rounds {
		testExactlyOnce(t, NewRegistry(), []int{0, 1, 64, 1024}[round%4], uint64(round))
	}
	t.Setenv("WEIR_DISABLE", "1")
	for round, queue := range []int{0, 1, 64, 1024} {
		testExactlyOnce(t, NewRegistry(), queue, uint64(round))
	}
}

func testExactlyOnce(t *testing.T, r *Registry, queue int, seed uint64) {
	const submitters, each = 8, 3125
	p := NewPool("once", 4, queue, WithRegistry(r), WithPanicHandler(func(any, []byte) {}))
	f := &fate{ran: make([]atomic.Int32, submitters*each), accepted: make([]atomic.Bool, submitters*each)}
	var all sync.WaitGroup
	var submitted atomic.Int64
	for n := range submitters {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), seed))
			for i := range each {
				f.submit(p, rnd, n*each+i)
				if submitted.Add(1) == submitters*each*9/10 {
					all.Go(func() { mustShutdown(t, p) })
					mustShutdown(t, p) // concurrently; the last tenth is refused
				}
			}
		})
	}
	stop := func() {}
	if !r.disabled {
		stop = watchPool(t, r, "once")
	}
	all.Go(func() {
		for i := 0; submitted.Load() < submitters*each; i++ {
			p.Resize(i % 9)
			runtime.Gosched()
		}
	})
	all.Wait()
	mustShutdown(t, p)
	stop()
	ran := f.check(t)
	if !r.disabled {
		f.checkCounts(t, ran, poolNow(t, r, "once"))
	}
	if c := p.Stats(); c.Workers != 0 || c.Busy != 0 || c.QueueDepth != 0 {
		t.Errorf("queue %d, at rest: %d workers, %d busy, %d queued", queue, c.Workers, c.Busy, c.QueueDepth)
	}
}

// check looks that what was accepted ran once and nothing else did, and returns how
// many ran.
func (f *fate) check(t *testing.T) (ran uint64) {
	t.Helper()
	for i := range f.ran {
		n := f.ran[i].Load()
		ran += uint64(n)
		if (n == 1) != f.accepted[i].Load() || n > 1 {
			t.Fatalf("task %d was accepted: %t, and ran %d times", i, f.accepted[i].Load(), n)
		}
	}
	panics := f.panicked.Load() + f.exited.Load()
	if panics == 0 || f.closed.Load() == 0 || f.full.Load() == 0 || f.canceled.Load() == 0 {
		t.Errorf("some kind never happened: %d panics, %d closed, %d full, %d canceled",
			panics, f.closed.Load(), f.full.Load(), f.canceled.Load())
	}
	return ran
}

func (f *fate) checkCounts(t *testing.T, ran uint64, c PoolStats) {
	t.Helper()
	panics := f.panicked.Load() + f.exited.Load()
	if c.TasksPanic != panics || c.TasksOK != ran-panics || c.Rejected != f.full.Load() {
		t.Errorf("counted %d ok, %d panics, %d rejected; were %d, %d, %d",
			c.TasksOK, c.TasksPanic, c.Rejected, ran-panics, panics, f.full.Load())
	}
	if c.TaskRun.Count != ran || c.TaskWait.Count > ran {
		t.Errorf("%d run times and %d waits of %d tasks", c.TaskRun.Count, c.TaskWait.Count, ran)
	}
}

// watchPool is watchSemaphore for a pool.
func watchPool(t *testing.T, r *Registry, name string) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var last PoolStats
		for {
			c := poolNow(t, r, name)
			if c.QueueDepth < 0 || c.QueueDepth > c.QueueCapacity || (c.HasWorkers && c.Busy > c.Workers) {
				t.Errorf("queued %d of %d, busy %d of %d", c.QueueDepth, c.QueueCapacity, c.Busy, c.Workers)
			}
			if c.TasksOK < last.TasksOK || c.TasksPanic < last.TasksPanic || c.Rejected < last.Rejected || c.BusyTime < last.BusyTime || c.TaskRun.Count < last.TaskRun.Count {
				t.Error("a counter went back")
			}
			last = c
			select {
			case <-end:
				return
			default:
				runtime.Gosched()
			}
		}
	}()
	return func() { close(end); <-ended }
}
