// Command jobs measures the pool that everybody has written once: some goroutines
// in a loop over a channel of jobs. NewChan measures the queue, a TaskMeter the
// work.
package main

import (
	"fmt"
	"sync"

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

type job struct{ id int }

func (j job) work() { _ = j.id * j.id }

const workers = 3

// run works through 100 jobs.
func run(registry *instrument.Registry) {
	jobs := instrument.NewChan[job]("jobs", 16, instrument.WithRegistry(registry))
	meter := instrument.NewTaskMeter("jobs", workers, instrument.WithRegistry(registry))

	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for job := range jobs.C() {
				meter.Do(job.work) // was job.work()
			}
		})
	}
	for id := range 100 {
		jobs.Send(job{id})
	}
	jobs.Close()
	done.Wait()
}
