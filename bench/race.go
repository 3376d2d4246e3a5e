package main

import (
	"fmt"
	"time"
)

// race is the native thing against those that measure it, in one shape.
type race struct {
	what, shape string
	native      contender
	rivals      []contender
	versus      []versus
	check       func() error // that everything was counted
}

// contender is one that runs: n operations, and how long they took. must and aim
// bound its ratio to the native one; 0 is no bound.
type contender struct {
	name      string
	run       func(n int) time.Duration
	must, aim float64
	same      bool // see row
}

// versus asks how many times faster one rival is than another, by their names.
type versus struct {
	fast, slow string
	must       float64
}

// hold runs the race. In each round every rival has a native run right before
// and right after it, and its ratio is to the mean of the two, so that what else
// the machine does falls on both. Each round begins with another rival.
func (r *race) hold(cfg config) []row {
	base := r.native.calibrate(cfg.time)
	n := make([]int, len(r.rivals))
	for i, c := range r.rivals {
		n[i] = c.calibrate(cfg.time)
	}
	nanos := make([]float64, 0, cfg.rounds)
	ratios := make(map[string][]float64)
	for round := range cfg.rounds {
		before := r.native.perOp(base)
		nanos = append(nanos, before)
		for k := range r.rivals {
			i := (k + round) % len(r.rivals)
			took := r.rivals[i].perOp(n[i])
			after := r.native.perOp(base)
			ratios[r.rivals[i].name] = append(ratios[r.rivals[i].name], 2*took/(before+after))
			before = after
		}
	}
	return r.rows(nanos, ratios)
}

func (r *race) rows(nanos []float64, ratios map[string][]float64) []row {
	rows := []row{{what: r.what + ": " + r.native.name, shape: r.shape, unit: "ns", values: nanos}}
	for _, c := range r.rivals {
		rows = append(rows, row{
			what: r.what + ": " + c.name, shape: r.shape, unit: "x",
			values: ratios[c.name], must: c.must, aim: c.aim, same: c.same,
		})
	}
	for _, v := range r.versus {
		times := make([]float64, len(nanos))
		for i := range times {
			times[i] = ratios[v.slow][i] / ratios[v.fast][i]
		}
		rows = append(rows, row{
			what: fmt.Sprintf("%s: %s, times faster than %s", r.what, v.fast, v.slow), shape: r.shape, unit: "x",
			values: times, must: v.must, atLeast: true,
		})
	}
	return rows
}

// calibrate returns how many operations take about so long, and warms up.
func (c contender) calibrate(want time.Duration) int {
	for n := 1024; ; n *= 4 {
		if took := c.run(n); took > want/8 {
			return max(int(float64(n)*float64(want)/float64(took)), 1)
		}
	}
}

// perOp returns the nanoseconds that each of n operations took.
func (c contender) perOp(n int) float64 { return float64(c.run(n)) / float64(n) }
