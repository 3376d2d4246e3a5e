package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"golang.org/x/perf/benchmath"
)

// row is a line of the table: the values of all rounds, and their bounds; 0 is
// none. Less is better, except where atLeast says otherwise.
type row struct {
	what, shape, unit string
	values            []float64
	must, aim         float64
	atLeast           bool
	// same: nothing is to be added to the native thing. must is then how far
	// from 1 the interval may begin and still be noise.
	same bool
}

func printTable(w io.Writer, rows []row) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tshape\tmedian\t95% interval\tmust\taim\tmark")
	for _, r := range rows {
		s := summary(r.values)
		interval := fmt.Sprintf("[%s, %s]", number(s.Lo), number(s.Hi))
		if len(r.values) == 1 {
			interval = "exact"
		}
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\n", r.what, r.shape,
			number(s.Center), r.unit, interval, r.bound(r.must), r.bound(r.aim), r.mark(s))
	}
	_ = table.Flush()
}

// summary is benchstat's: the median, and its interval by order statistics.
func summary(values []float64) benchmath.Summary {
	sample := benchmath.NewSample(values, &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95)
}

// number formats to three digits.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	if v >= 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (r row) bound(v float64) string {
	switch {
	case v == 0:
		return ""
	case r.same:
		return "1, noise"
	case r.atLeast:
		return "≥ " + number(v)
	}
	return "≤ " + number(v)
}

// mark says which bounds the median keeps. One that it misses is called short
// also where the interval reaches it: more rounds will tell.
func (r row) mark(s benchmath.Summary) string {
	switch {
	case r.must == 0:
		return ""
	case r.same && s.Lo <= r.must:
		return "ok"
	case !r.keeps(s.Center, r.must):
		return "SHORT"
	case r.aim != 0 && !r.keeps(s.Center, r.aim):
		return "ok, short of aim"
	}
	return "ok"
}

func (r row) keeps(v, bound float64) bool {
	if r.atLeast {
		return v >= bound
	}
	return v <= bound
}
