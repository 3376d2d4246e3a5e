package instrument_test

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/weir-go/weir/instrument"
)

// Any loop over jobs is a pool: its tasks are measured with Do.
func ExampleNewTaskMeter() {
	meter := instrument.NewTaskMeter("jobs", 2)
	jobs := make(chan int, 8)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for job := range jobs {
				meter.Do(func() { _ = job * job })
			}
		})
	}
	for i := range 5 {
		jobs <- i
	}
	close(jobs)
	workers.Wait()

	s := meter.Stats()
	fmt.Println(s.TasksOK, "tasks,", s.Workers, "workers")
	// Output: 5 tasks, 2 workers
}

// A pool that takes functions is given wrapped ones, and what it refuses is
// counted.
func ExampleTaskMeter_Wrap() {
	meter := instrument.NewTaskMeter("uploads", 1)
	pool := make(chan func(), 1) // somebody's pool, with a queue of one
	submit := func(task func()) {
		select {
		case pool <- meter.Wrap(task):
		default:
			meter.Rejected()
		}
	}
	submit(func() { fmt.Println("uploaded") })
	submit(func() { fmt.Println("never") })
	task := <-pool
	task()

	s := meter.Stats()
	fmt.Println(s.TasksOK, "ok,", s.Rejected, "refused,", s.TaskWait.Count, "waited")
	// Output:
	// uploaded
	// 1 ok, 1 refused, 1 waited
}

// somePool is a pool that can only be asked for numbers.
type somePool struct{ running, waiting int }

// What a pool tells of itself is read once a second while somebody reads.
func ExampleWatchPool() {
	r := instrument.NewRegistry()
	pool := &somePool{running: 3, waiting: 12}
	instrument.WatchPool("legacy", pool, func(p *somePool) instrument.PoolNumbers {
		return instrument.PoolNumbers{Workers: 4, Busy: int64(p.running), QueueDepth: int64(p.waiting)}
	}, instrument.WithRegistry(r))

	for _, s := range r.Snapshot().Pools {
		fmt.Printf("%s: %d of %d busy, %d waiting\n", s.Name, s.Busy, s.Workers, s.QueueDepth)
	}
	runtime.KeepAlive(pool)
	// Output: legacy: 3 of 4 busy, 12 waiting
}
