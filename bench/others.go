package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

const workers = 8

// poolRace is one goroutine that hands empty tasks to eight workers.
func poolRace(l *lab) race {
	submitted := 0
	task := func() {}
	return race{
		what: "pool", shape: "8 workers",
		native: contender{name: "channel", run: func(n int) time.Duration {
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
				tasks <- task
			}
			close(tasks)
			done.Wait()
			return time.Since(start)
		}},
		rivals: []contender{{name: "Pool.Submit", must: 3, aim: 1.8, run: func(n int) time.Duration {
			submitted += n
			start := time.Now()
			p := instrument.NewPool("pool", workers, capacity, instrument.WithRegistry(l.weir))
			for range n {
				_ = p.Submit(context.Background(), task)
			}
			_ = p.Shutdown(context.Background())
			return time.Since(start)
		}}},
		check: func() error { return named("pool", checkPool(l, uint64(submitted))) },
	}
}

func checkPool(l *lab, submitted uint64) error {
	wrong := expect{}
	for _, p := range l.weir.Snapshot().Pools {
		if p.Name == "pool" {
			wrong.equal("tasks", p.TasksOK, submitted)
			wrong.equal("task waits", p.TaskWait.Count, submitted)
			wrong.equal("task runs", p.TaskRun.Count, submitted)
			wrong.above("busy time", uint64(p.BusyTime))
			return wrong.err()
		}
	}
	wrong.above("the pool's name", 0)
	return wrong.err()
}

// named says what an error is about.
func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
