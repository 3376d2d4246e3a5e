package main

import (
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

// wraps is how many tasks are wrapped and run in a round.
const wraps = 200_000

// taskMeterMeasurements is what Wrap adds to a task that is run afterwards.
func taskMeterMeasurements(l *lab) []measurement {
	tm := instrument.NewTaskMeter("task meter", workers, allPool(l)...)
	return []measurement{
		{"task meter: time that Wrap adds", "empty task", "ns", 200, 100,
			func(rounds int) ([]float64, error) { return wrapTimes(l, tm, rounds, wraps) }},
		{"task meter: allocations that Wrap adds", "empty task", "", 2, 1,
			func(int) ([]float64, error) { return wrapAllocations(tm), nil }},
	}
}

func wrapTimes(l *lab, tm *instrument.TaskMeter, rounds, n int) (values []float64, err error) {
	before := l.pool("task meter")
	for range rounds {
		bare := runEach(n, func() func() { return keep(empty) })
		wrapped := runEach(n, func() func() { return tm.Wrap(keep(empty)) })
		values = append(values, float64(wrapped-bare)/float64(n))
	}
	after := l.pool("task meter")
	want := uint64(rounds * n)
	wrong := expect{}
	wrong.equal("tasks", after.TasksOK-before.TasksOK, want)
	wrong.equal("task runs", after.TaskRun.Count-before.TaskRun.Count, want)
	wrong.above("task waits against nine tenths of the tasks", (after.TaskWait.Count-before.TaskWait.Count)*10/9/want)
	wrong.above("busy time", uint64(after.BusyTime-before.BusyTime))
	return values, named("task meter", wrong.err())
}

// keep keeps the compiler from knowing which function it is.
//
//go:noinline
func keep(task func()) func() { return task }

func runEach(n int, task func() func()) time.Duration {
	start := time.Now()
	for range n {
		task()()
	}
	return time.Since(start)
}

func wrapAllocations(tm *instrument.TaskMeter) []float64 {
	least := 100.0
	for range 10 { // what else runs in this process allocates now and then
		least = min(least, testing.AllocsPerRun(10_000, func() { tm.Wrap(keep(empty))() }))
	}
	return []float64{least}
}
