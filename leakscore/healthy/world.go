// Package healthy is a corpus of programs that leak nothing and look for a while as
// if they did: idle pools, ramps, bursts, slow consumers. Whoever is suspected in
// one of them is suspected wrongly. It imports the standard library and instrument
// and, to be watched, watch.
package healthy

import (
	"context"
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

// Life is how many intervals of detection a program lives: an hour, where the
// interval is the default of 30 seconds.
const Life = 120

// Program is a healthy program.
type Program struct {
	Name string
	// Run lives until w.Done, and leaves no goroutine behind.
	Run func(w *World)
}

// Programs lists the corpus.
func Programs() []Program {
	var all []Program
	for _, some := range [][]Program{pools, servers, queues, waiters, pipelines, semaphores, fans, growth} {
		all = append(all, some...)
	}
	return all
}

// World is where a program lives. Its times are parts and multiples of the interval
// of detection, so that the same program runs in compressed time and, with the
// library as it is, in the fake time of a synctest bubble. Whatever they do takes
// less than the five minutes, ten intervals, after which a channel is stalled.
type World struct {
	Registry *instrument.Registry
	Interval time.Duration
	ctx      context.Context
	all      sync.WaitGroup
}

// Live runs p for Life intervals. It sleeps as services do, which is what the
// programs are made of; nothing waits for a sleep to be long enough.
func Live(p Program, r *instrument.Registry, interval time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), Life*interval)
	defer cancel()
	plantStalled(r)
	w := &World{Registry: r, Interval: interval, ctx: ctx}
	p.Run(w)
	<-ctx.Done()
	w.all.Wait()
}

// on is the option that everything is made with.
func (w *World) on() instrument.Option { return instrument.WithRegistry(w.Registry) }

// Go runs f beside, and has the program wait for it at its end.
func (w *World) Go(f func()) { w.all.Go(f) }

// Done is closed when the program is to end.
func (w *World) Done() <-chan struct{} { return w.ctx.Done() }

// over reports whether the program is to end.
func (w *World) over() bool { return w.ctx.Err() != nil }

// sleep sleeps for so many intervals, or until the program is to end, and reports
// whether it lives on.
func (w *World) sleep(intervals float64) bool {
	timer := time.NewTimer(time.Duration(intervals * float64(w.Interval)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// every calls f again and again, so many intervals apart.
func (w *World) every(intervals float64, f func(i int)) {
	for i := 0; w.sleep(intervals); i++ {
		f(i)
	}
}
