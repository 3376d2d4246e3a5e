// Command conc measures a pool of github.com/sourcegraph/conc with a TaskMeter: one
// line makes it, and one word measures each task. A panic is counted, and reaches
// conc's Wait as it would have without.
package main

import (
	"fmt"
	"os"

	"github.com/sourcegraph/conc/panics"
	"github.com/sourcegraph/conc/pool"

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

const crawlers = 4

// run visits ten pages, of which one makes the crawler panic.
func run(registry *instrument.Registry) error {
	p := pool.New().WithMaxGoroutines(crawlers)
	meter := instrument.NewTaskMeter("crawl", crawlers, instrument.WithRegistry(registry))

	for page := range 10 {
		p.Go(meter.Wrap(func() {
			if page == 7 {
				panic("no such page")
			}
		}))
	}
	if recovered := panics.Try(p.Wait); recovered == nil {
		return fmt.Errorf("conc did not tell of the panic")
	}
	return nil
}
