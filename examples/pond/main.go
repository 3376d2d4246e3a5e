// Command pond measures a pool of github.com/alitto/pond/v2: a TaskMeter for its
// tasks, which takes a word where they are submitted, and WatchPool for the numbers
// that the pool tells of itself.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/alitto/pond/v2"

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

// mailer is a program's own type that has a pool. What is watched must be something
// that lives as long as the pool; a pond.Pool is an interface, which is no such
// thing.
type mailer struct{ pool pond.Pool }

// run sends mails with two workers and a queue of two, which is too small.
func run(registry *instrument.Registry) error {
	m := &mailer{pond.NewPool(2, pond.WithQueueSize(2), pond.WithNonBlocking(true))}
	meter := instrument.NewTaskMeter("mails", m.pool.MaxConcurrency(), instrument.WithRegistry(registry))
	instrument.WatchPool("mails (pond)", m, numbers, instrument.WithRegistry(registry))

	gate := make(chan struct{})
	for range 6 {
		err := m.pool.Go(meter.Wrap(func() { <-gate }))
		if errors.Is(err, pond.ErrQueueFull) {
			meter.Rejected()
		} else if err != nil {
			return err
		}
	}
	registry.Snapshot() // as a scrape would, while both are busy
	close(gate)
	m.pool.StopAndWait()
	runtime.KeepAlive(m)
	return nil
}

func numbers(m *mailer) instrument.PoolNumbers {
	p := m.pool
	return instrument.PoolNumbers{
		Workers: int64(p.MaxConcurrency()), Busy: p.RunningWorkers(),
		QueueDepth: int64(p.WaitingTasks()), QueueCapacity: int64(p.QueueSize()),
		TasksOK: p.SuccessfulTasks(), TasksError: p.FailedTasks(), Rejected: p.DroppedTasks(),
	}
}
