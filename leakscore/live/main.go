// Command live has one healthy program, which the command line names, live in real
// time, and reports who was suspected. It is built with a library whose time is
// compressed.
package main

import (
	"os"

	"github.com/weir-go/weir/leakscore/healthy"
	"github.com/weir-go/weir/leakscore/watch"
)

func main() {
	plan, err := watch.ReadPlan()
	if err != nil {
		watch.Write(watch.Report{Problem: err.Error()})
		return
	}
	for _, p := range healthy.Programs() {
		if p.Name == os.Args[len(os.Args)-1] {
			healthy.PlantLeak()
			watch.Write(healthy.Watch(p, plan.Interval))
			return
		}
	}
	watch.Write(watch.Report{Problem: "there is no such program"})
}
