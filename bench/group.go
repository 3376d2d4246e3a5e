package main

import (
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/instrument"
)

// goer is what the two groups have in common.
type goer interface {
	SetLimit(n int)
	Go(f func() error)
	Wait() error
}

// groupRaces is one goroutine that starts empty functions, at most so many at once.
func groupRaces(l *lab) []race {
	return []race{groupRace(l, "8 workers", workers), groupRace(l, "no limit", -1)}
}

func groupRace(l *lab, shape string, limit int) race {
	name := "group, " + shape
	var started uint64
	return race{
		what: "group", shape: shape,
		native: contender{name: "errgroup", run: func(n int) time.Duration {
			return goes(new(errgroup.Group), limit, n)
		}},
		rivals: []contender{{name: "Group.Go", must: 1.15, aim: 1.05, run: func(n int) time.Duration {
			started += uint64(n)
			return goes(instrument.NewGroup(name, allPool(l)...), limit, n)
		}}},
		check: func() error {
			wrong := expect{}
			p := l.pool(name)
			wrong.equal("tasks", p.TasksOK, started)
			wrong.equal("task runs", p.TaskRun.Count, started)
			wrong.above("task waits against half the tasks", p.TaskWait.Count*2/max(started, 1))
			wrong.above("busy time", uint64(p.BusyTime))
			return named(name, wrong.err())
		},
	}
}

func goes(g goer, limit, n int) time.Duration {
	start := time.Now()
	g.SetLimit(limit)
	for range n {
		g.Go(succeed)
	}
	_ = g.Wait()
	return time.Since(start)
}

func succeed() error { return nil }
