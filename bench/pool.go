package main

import (
	"context"
	"sync"
	"time"

	"github.com/alitto/pond/v2"
	"github.com/gammazero/workerpool"
	"github.com/panjf2000/ants/v2"

	"github.com/weir-go/weir/instrument"
)

const workers = 8

// bigLimit is never reached: it only turns on what a limit costs.
const bigLimit = time.Hour

// allPool turns on what a pool measures only when it is told to.
func allPool(l *lab) []instrument.PoolOption {
	return []instrument.PoolOption{
		instrument.WithRegistry(l.weir), instrument.WithOwner("bench"), instrument.WithTaskLimit(bigLimit),
	}
}

// poolRace is one goroutine that hands empty tasks to eight workers.
func poolRace(l *lab) race {
	var submitted uint64
	return race{
		what: "pool", shape: "8 workers",
		native: contender{name: "channel", run: channelPool},
		rivals: []contender{
			{name: "Pool.Submit", must: 3, aim: 1.8, run: func(n int) time.Duration {
				submitted += uint64(n)
				return weirPool(l, n)
			}},
			{name: "ants", run: antsPool},
			{name: "pond", run: pondPool},
			// The same pool by a method that gives nothing to wait for.
			{name: "pond's Go", run: pondGo},
			{name: "workerpool", run: gammazeroPool},
		},
		versus: []versus{
			{fast: "Pool.Submit", slow: "ants", must: 3},
			{fast: "Pool.Submit", slow: "pond", must: 3},
			{fast: "Pool.Submit", slow: "workerpool", must: 3},
		},
		check: func() error {
			wrong := expect{}
			p := l.pool("pool")
			wrong.equal("tasks", p.TasksOK, submitted)
			wrong.equal("task runs", p.TaskRun.Count, submitted)
			// A sample stands for what its worker took since the one before.
			wrong.above("task waits against nine tenths of the tasks", p.TaskWait.Count*10/9/max(submitted, 1))
			wrong.above("busy time", uint64(p.BusyTime))
			return named("pool", wrong.err())
		},
	}
}

func empty() {}

func channelPool(n int) time.Duration {
	start := time.Now()
	tasks := make(chan func(), capacity)
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for task := range tasks {
				task()
			}
		})
	}
	for range n {
		tasks <- empty
	}
	close(tasks)
	done.Wait()
	return time.Since(start)
}

func weirPool(l *lab, n int) time.Duration {
	start := time.Now()
	p := instrument.NewPool("pool", workers, capacity, allPool(l)...)
	for range n {
		_ = p.Submit(context.Background(), empty)
	}
	_ = p.Shutdown(context.Background())
	return time.Since(start)
}

// antsPool waits for its last task, which is a little less than all of them: its
// own way of waiting looks every ten milliseconds.
func antsPool(n int) time.Duration {
	start := time.Now()
	p, err := ants.NewPool(workers)
	if err != nil {
		panic(err)
	}
	for range n - 1 {
		_ = p.Submit(empty)
	}
	last := make(chan struct{})
	_ = p.Submit(func() { close(last) })
	<-last
	took := time.Since(start)
	p.Release()
	return took
}

func pondPool(n int) time.Duration {
	return pondWith(n, func(p pond.Pool) { p.Submit(empty) })
}

func pondGo(n int) time.Duration {
	return pondWith(n, func(p pond.Pool) { _ = p.Go(empty) })
}

func pondWith(n int, submit func(pond.Pool)) time.Duration {
	start := time.Now()
	p := pond.NewPool(workers, pond.WithQueueSize(capacity))
	for range n {
		submit(p)
	}
	p.StopAndWait()
	return time.Since(start)
}

func gammazeroPool(n int) time.Duration {
	start := time.Now()
	p := workerpool.New(workers)
	for range n {
		p.Submit(empty)
	}
	p.StopWait()
	return time.Since(start)
}

// pool returns what is measured under a name, zero if nothing is.
func (l *lab) pool(name string) instrument.PoolStats {
	for _, p := range l.weir.Snapshot().Pools {
		if p.Name == name {
			return p
		}
	}
	return instrument.PoolStats{}
}
