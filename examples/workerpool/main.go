// Command workerpool measures a pool of github.com/gammazero/workerpool: a TaskMeter
// for its tasks, which takes a word where they are submitted, and WatchPool for its
// queue, which has no bound: a depth that only grows is then how it looks.
package main

import (
	"fmt"

	"github.com/gammazero/workerpool"

	"github.com/weir-go/weir/instrument"
)

func main() {
	registry := instrument.NewRegistry()
	run(registry)
	for _, p := range registry.Snapshot().Pools {
		fmt.Printf("%s: %d workers, %d ok, %d failed, %d panicked, %d refused, busy for %v\n",
			p.Name, p.Workers, p.TasksOK, p.TasksError, p.TasksPanic, p.Rejected, p.BusyTime)
	}
}

// run scores 100 games with three workers.
func run(registry *instrument.Registry) {
	wp := workerpool.New(3)
	meter := instrument.NewTaskMeter("scores", wp.Size(), instrument.WithRegistry(registry))
	instrument.WatchPool("scores (workerpool)", wp, numbers, instrument.WithRegistry(registry))

	gate := make(chan struct{})
	for range 100 {
		wp.Submit(meter.Wrap(func() { <-gate }))
	}
	registry.Snapshot() // as a scrape would, while they wait
	close(gate)
	wp.StopWait()
}

func numbers(wp *workerpool.WorkerPool) instrument.PoolNumbers {
	return instrument.PoolNumbers{
		Workers: int64(wp.Size()), Busy: -1, QueueDepth: int64(wp.WaitingQueueSize()),
	}
}
