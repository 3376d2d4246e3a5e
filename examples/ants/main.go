// Command ants measures a pool of github.com/panjf2000/ants/v2: a TaskMeter for its
// tasks, which takes a word where they are submitted, and WatchPool for the numbers
// that the pool tells of itself.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/panjf2000/ants/v2"

	"github.com/weir-go/weir/instrument"
)

func main() {
	registry := instrument.NewRegistry()
	if err := run(registry); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, p := range registry.Snapshot().Pools {
		fmt.Printf("%s: %d workers, %d ok, %d failed, %d panicked, %d refused, busy for %v\n",
			p.Name, p.Workers, p.TasksOK, p.TasksError, p.TasksPanic, p.Rejected, p.BusyTime)
	}
}

// run submits six tasks to a pool of four workers that does not wait: two are
// refused.
func run(registry *instrument.Registry) error {
	pool, err := ants.NewPool(4, ants.WithNonblocking(true))
	if err != nil {
		return err
	}
	defer pool.Release()
	meter := instrument.NewTaskMeter("thumbnails", pool.Cap(), instrument.WithRegistry(registry))
	instrument.WatchPool("thumbnails (ants)", pool, numbers, instrument.WithRegistry(registry))

	var done sync.WaitGroup
	gate := make(chan struct{})
	for range 6 {
		done.Add(1)
		err := pool.Submit(meter.Wrap(func() {
			defer done.Done()
			<-gate // the work
		}))
		if errors.Is(err, ants.ErrPoolOverload) {
			meter.Rejected()
			done.Done()
		} else if err != nil {
			return err
		}
	}
	registry.Snapshot() // as a scrape would, while all are busy
	close(gate)
	done.Wait()
	for meter.Stats().Busy > 0 { // a task ends after its last line
		runtime.Gosched()
	}
	return nil
}

func numbers(p *ants.Pool) instrument.PoolNumbers {
	return instrument.PoolNumbers{
		Workers: int64(p.Cap()), Busy: int64(p.Running()), QueueDepth: int64(p.Waiting()),
	}
}
