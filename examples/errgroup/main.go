// Command errgroup measures groups of golang.org/x/sync/errgroup. Where the group is
// made there is one line to change, NewGroup or GroupWithContext for the two of
// errgroup, and nothing else: errors are then an outcome of their own. Where the
// group is somebody else's, a TaskMeter measures what is given to it.
package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

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

var errMissing = errors.New("no such page")

// group is what errgroup's and weir's have in common.
type group interface {
	SetLimit(n int)
	Go(f func() error)
	Wait() error
}

var _, _ group = (*errgroup.Group)(nil), (*instrument.Group)(nil)

// fetchAll is code that takes a group: it does not change.
func fetchAll(g group) error {
	g.SetLimit(3)
	for page := range 10 {
		g.Go(func() error {
			if page == 7 {
				return errMissing
			}
			return nil
		})
	}
	return g.Wait()
}

func run(registry *instrument.Registry) error {
	g := instrument.NewGroup("fetch", instrument.WithRegistry(registry)) // was new(errgroup.Group)
	if err := fetchAll(g); !errors.Is(err, errMissing) {
		return fmt.Errorf("the group ended with %w", err)
	}
	meter := instrument.NewTaskMeter("fetch, with somebody's errgroup", 0, instrument.WithRegistry(registry))
	theirs := new(errgroup.Group)
	for range 5 {
		theirs.Go(func() error {
			meter.Do(func() {})
			return nil
		})
	}
	return theirs.Wait()
}
