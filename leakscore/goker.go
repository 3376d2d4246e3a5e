package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/weir-go/weir/leakscore/gotree"
	"github.com/weir-go/weir/leakscore/rewrite"
	"github.com/weir-go/weir/leakscore/stuck"
	"github.com/weir-go/weir/leakscore/watch"
)

// score is how one leaky case fared.
type score struct {
	gotree.Case
	made   int // places that make a channel: where none does, wrappers see nothing
	native int // runs of the program as it is, in which the runtime saw the leak

	runs   int
	leaked int // runs of the rewritten program at whose end the goroutines were stuck
	// proved is those in which the runtime says so to somebody who asks past weir. It
	// is a little low: weir knows of its own proofs only, and looks at its channels
	// meanwhile, in compressed time some forty times a second.
	proved    int
	seen      [watch.Tiers]int // of those, by tier
	heuristic int              // of those, seen by one of the first two tiers
	failed    []error          // runs that came to nothing
}

// enough reports whether n is enough of the runs in which the case leaked.
func (s *score) enough(n int) bool { return s.leaked > 0 && float64(n) >= bar*float64(s.leaked) }

// add counts a run of the rewritten program.
func (s *score) add(r watch.Report) {
	s.runs++
	there, proved := s.judge(r)
	if !there {
		return
	}
	s.leaked++
	if proved {
		s.proved++
	}
	var seen [watch.Tiers]bool
	for _, x := range r.Suspects {
		seen[x.Tier()] = seen[x.Tier()] || x.In(s.File)
	}
	for t, ok := range seen {
		if ok {
			s.seen[t]++
		}
	}
	if seen[watch.Wrappers] || seen[watch.Profile] {
		s.heuristic++
	}
}

// judge says whether goroutines that the case is known to leak are there when all
// is over, and whether the runtime calls one of them leaked. The first does not
// rest on the runtime's detection, from which a wrapper might hide them.
func (s *score) judge(r watch.Report) (there, proved bool) {
	for _, g := range r.Stuck {
		if s.Leaky(g.Where) {
			there = true
			proved = proved || g.Leaked
		}
	}
	return there, proved
}

// runCase runs one case, native and rewritten, again and again.
func (s *suite) runCase(c gotree.Case, runs int, p watch.Plan) *score {
	sc := &score{Case: c, made: s.made[c.File]}
	for range runs {
		if out, err := runChild(nil, environment(c), s.native, c.Name); err != nil {
			sc.failed = append(sc.failed, fmt.Errorf("as it is: %w", err))
		} else if sc.leaks(stuck.Parse(out)) {
			sc.native++
		}
		r, err := runWatched(p, environment(c), s.rewritten, c.Name)
		switch {
		case err != nil:
			sc.failed = append(sc.failed, err)
		case r.Members == 0 && sc.made > 0:
			sc.failed = append(sc.failed, fmt.Errorf("%s: none of its channels is measured", c.Name))
		default:
			sc.add(r)
		}
	}
	return sc
}

// leaks reports whether the runtime says that the case leaked.
func (s *score) leaks(all map[stuck.Goroutine]int) bool {
	for g := range all {
		if g.Leaked && s.Leaky(g.Where) {
			return true
		}
	}
	return false
}

// environment is what the Go tree's own test sets.
func environment(c gotree.Case) []string {
	if c.Simple {
		return []string{"GOMAXPROCS=1"}
	}
	return nil
}

// runCases runs some cases side by side.
func (s *suite) runCases(cases []gotree.Case, runs, parallel int, p watch.Plan) []*score {
	scores := make([]*score, len(cases))
	each(len(cases), parallel, func(i int) { scores[i] = s.runCase(cases[i], runs, p) })
	return scores
}

// each calls f with 0 to n-1, so many at a time.
func each(n, parallel int, f func(i int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	all.Wait()
}

// scoreRecall prints how many known leaks are seen.
func scoreRecall(cfg config, dir string, out io.Writer) error {
	if cfg.runs == 0 {
		return nil
	}
	s, err := buildSuite(dir, rewrite.Options{})
	if err != nil {
		return err
	}
	var cases []gotree.Case
	for _, c := range s.cases {
		if cfg.only.MatchString(c.Name) {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		return nil
	}
	r := newRecall(s.runCases(cases, cfg.runs, cfg.parallel, plan(cfg.calls)))
	r.print(out)
	return r.verdict()
}
