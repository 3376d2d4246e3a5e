package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/weir-go/weir/leakscore/watch"
)

// tally counts cases, and runs in which they leaked, that a tier sees.
type tally struct{ cases, ofCases, runs, ofRuns int }

func (t *tally) add(s *score, n int) {
	if s.leaked == 0 {
		return // nothing was there to be seen
	}
	t.ofCases++
	if s.enough(n) {
		t.cases++
	}
	t.runs += n
	t.ofRuns += s.leaked
}

func (t tally) String() string {
	return fmt.Sprintf("%d of %d cases, %d of %d runs", t.cases, t.ofCases, t.runs, t.ofRuns)
}

func (t tally) below(what string) error {
	if float64(t.cases) >= bar*float64(t.ofCases) {
		return nil
	}
	return fmt.Errorf("%s: %v, below %v%%", what, t, 100*bar)
}

// recall is how many known leaks are seen.
type recall struct {
	scores    []*score
	tiers     [watch.Tiers]tally
	heuristic tally // tiers 1 and 2, of the cases whose channels can be wrapped
	silent    int   // cases that never leaked
}

func newRecall(scores []*score) *recall {
	r := &recall{scores: scores}
	for _, s := range scores {
		for t := range r.tiers {
			r.tiers[t].add(s, s.seen[t])
		}
		if s.made > 0 {
			r.heuristic.add(s, s.heuristic)
		}
		if s.leaked == 0 {
			r.silent++
		}
	}
	return r
}

func (r *recall) print(out io.Writer) {
	fmt.Fprintln(out, "Known leaks: runs in which a case leaked, as it is and rewritten, and in how many of the latter each tier named it.")
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "case\tchannels\truns\tleaked as it is\tleaked\truntime says\ttier 1\ttier 2\t1 or 2\ttier 3\tmark\t")
	for _, s := range r.scores {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", s.Name, s.made, s.runs, s.native, s.leaked, s.proved,
			s.seen[watch.Wrappers], s.seen[watch.Profile], s.heuristic, s.seen[watch.Proof], s.mark())
	}
	_ = table.Flush()
	fmt.Fprintf(out, "\ntier 1, wrappers: %v\ntier 2, goroutine profile: %v\n", r.tiers[watch.Wrappers], r.tiers[watch.Profile])
	fmt.Fprintf(out, "tiers 1 and 2, where wrappers see: %v (must: %v%% of cases)\n", r.heuristic, 100*bar)
	fmt.Fprintf(out, "tier 3, proof: %v (must: %v%% of cases)\n", r.tiers[watch.Proof], 100*bar)
	fmt.Fprintf(out, "not scored, because they never leaked: %d\n\n", r.silent)
}

// mark says what is short of the bars.
func (s *score) mark() string {
	switch {
	case len(s.failed) > 0:
		return "FAILED"
	case s.leaked == 0:
		return "not seen to leak"
	case !s.enough(s.seen[watch.Proof]):
		return "SHORT of proof"
	case s.made > 0 && !s.enough(s.heuristic):
		return "SHORT"
	}
	return "ok"
}

// verdict returns what is below its bar, or void.
func (r *recall) verdict() error {
	var failed []error
	for _, s := range r.scores {
		if len(s.failed) > 0 {
			failed = append(failed, fmt.Errorf("%s: %d runs came to nothing, such as: %w", s.Name, len(s.failed), s.failed[0]))
		}
	}
	return errors.Join(append(failed, r.heuristic.below("tiers 1 and 2"), r.tiers[watch.Proof].below("tier 3"))...)
}
