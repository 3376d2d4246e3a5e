package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/leakscore/gotree"
	"github.com/weir-go/weir/leakscore/rewrite"
	"github.com/weir-go/weir/leakscore/stuck"
	"github.com/weir-go/weir/leakscore/watch"
)

func needProof(t *testing.T) {
	t.Helper()
	if pprof.Lookup("goroutineleak") == nil {
		t.Skip("NOTHING IS SCORED: run with GOEXPERIMENT=goroutineleakprofile")
	}
}

// The short version of the score: the first 12 cases in alphabetical order, each
// in one run. A leak that did not manifest says nothing; those that did must be
// seen, but for two: one run is no 95% of anything, least of all where the machine
// has other things to do.
func TestFirstCases(t *testing.T) {
	needProof(t)
	t.Parallel()
	s, err := buildSuite(t.TempDir(), rewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRecall(s.runCases(s.cases[:12], 1, 4*runtime.NumCPU(), plan(calling)))
	var table strings.Builder
	r.print(&table)
	t.Log(table.String())
	for _, sc := range r.scores {
		for _, err := range sc.failed {
			t.Error(err)
		}
	}
	if r.silent > 3 {
		t.Errorf("%d of 12 cases did not leak", r.silent)
	}
	for what, x := range map[string]tally{"tiers 1 and 2": r.heuristic, "tier 3": r.tiers[watch.Proof]} {
		if x.cases < x.ofCases-2 {
			t.Errorf("%s: %v", what, x)
		}
	}
}

// Programs whose channels are not measured must not score: neither as measured nor
// in the first tier.
func TestDroppedWrapperScoresNothing(t *testing.T) {
	needProof(t)
	t.Parallel()
	s, err := buildSuite(t.TempDir(), rewrite.Options{Unnamed: true})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.cases, func(c gotree.Case) bool { return c.Name == "Cockroach24808" })
	c := s.cases[i]
	if sc := s.runCase(c, 1, plan(1)); len(sc.failed) != 1 || sc.runs != 0 {
		t.Errorf("the case was scored without a measured channel: %+v", sc)
	}
	r, err := runWatched(plan(1), environment(c), s.rewritten, c.Name)
	if err != nil {
		t.Fatal(err)
	}
	sc := score{Case: c}
	if sc.add(r); sc.leaked != 1 || sc.seen[watch.Wrappers] != 0 {
		t.Errorf("leaked in %d runs, seen by the wrappers in %d: %+v", sc.leaked, sc.seen[watch.Wrappers], r.Suspects)
	}
}

// A suspect that points elsewhere is no hit, and a case that did not leak none of
// the runs.
func TestScore(t *testing.T) {
	tree, err := gotree.Find()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := tree.Cases()
	if err != nil {
		t.Fatal(err)
	}
	sc := &score{Case: cases[0], made: 1} // Cockroach1055
	leak := watch.Count{Goroutine: stuck.Goroutine{Where: "Cockroach1055.func2() [chan receive]", Leaked: true}, N: 3}
	here, there := "main.f "+sc.File+":7", "main.f other.go:7"
	for _, r := range []watch.Report{
		{Suspects: []watch.Suspect{{Kind: "goroutine", Site: here, Evidence: "heuristic"}}}, // nothing leaked
		{Stuck: []watch.Count{leak}, Suspects: []watch.Suspect{{Kind: "goroutine", Site: there, Evidence: "proven"}}},
		{Stuck: []watch.Count{leak}, Suspects: []watch.Suspect{{Kind: "channel", Site: here, Evidence: "collected"}}},
		{Stuck: []watch.Count{leak}, Suspects: []watch.Suspect{{Kind: "goroutine", Site: here, Evidence: "heuristic"}, {Kind: "goroutine", Site: here, Evidence: "proven"}}},
	} {
		sc.add(r)
	}
	if sc.runs != 4 || sc.leaked != 3 || sc.proved != 3 || sc.seen != [watch.Tiers]int{1, 1, 1} || sc.heuristic != 2 {
		t.Errorf("%+v", sc)
	}
	r := newRecall([]*score{sc})
	if err := r.verdict(); err == nil || !strings.Contains(err.Error(), "tier 3: 0 of 1 cases, 1 of 3 runs") {
		t.Errorf("the verdict is %v", err)
	}
}

func TestBadInput(t *testing.T) {
	for _, args := range [][]string{{"-runs", "-1"}, {"-calls", "0"}, {"-parallel", "0"}, {"-only", "("}, {"-incident", "-1s"}, {"-cost", "1s"}, {"all"}, {"-speed"}} {
		if code := run(args, os.Stdout, new(strings.Builder)); code != 2 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}
