package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/weir-go/weir/leakscore/healthy"
	"github.com/weir-go/weir/leakscore/watch"
)

const (
	// healthyFactor is how much faster time runs in the compressed world. Five minutes
	// then take three seconds.
	healthyFactor   = 100
	healthyInterval = 30 * time.Second / healthyFactor
	// A program that was kept from running for so many intervals was not healthy, but
	// it was not its fault: it gets another chance.
	mostGap = 2
	chances = 5
)

// world is where the healthy programs live.
type world struct {
	name string
	exe  string
	args func(name string) []string
	plan watch.Plan
}

// verdict is how a healthy program fared.
type verdict struct {
	name, world string
	wrong       []watch.Suspect
	failed      error
}

// buildWorlds builds the corpus twice: for compressed time, and for the fake time
// of a bubble, in which the library is as it is.
func buildWorlds(dir string) ([]world, error) {
	overlay, err := compressed(dir, healthyFactor, nil)
	if err != nil {
		return nil, err
	}
	live, bubble := filepath.Join(dir, "live"), filepath.Join(dir, "bubble")
	if err := goCommand(".", "build", overlay, "-o", live, "./live"); err != nil {
		return nil, err
	}
	if err := goCommand(".", "test", "-c", "-o", bubble, "./healthy"); err != nil {
		return nil, err
	}
	p := watch.Plan{Interval: healthyInterval}
	return []world{
		{"compressed", live, func(name string) []string { return []string{name} }, p},
		{"bubble", bubble, func(name string) []string {
			return []string{"-test.run", "^TestHealthy$/^" + regexp.QuoteMeta(testName(name)) + "$"}
		}, watch.Plan{Interval: time.Hour}}, // where no time passes nothing is late
	}, nil
}

var spaces = regexp.MustCompile(`\s`)

// testName is what package testing makes of the name of a subtest.
func testName(name string) string { return spaces.ReplaceAllString(name, "_") }

func (w world) judge(p healthy.Program) verdict {
	v := verdict{name: p.Name, world: w.name}
	r, err := w.watch(p)
	if err != nil {
		v.failed = err
		return v
	}
	decoys, wrong := healthy.Judge(r)
	v.wrong = wrong
	if !decoys[watch.Wrappers] || !decoys[watch.Proof] {
		v.failed = errors.New("the decoys were not named, so nobody looked")
	}
	return v
}

// watch has the program live until it was not kept from running.
func (w world) watch(p healthy.Program) (r watch.Report, err error) {
	for range chances {
		r, err = runWatched(w.plan, nil, w.exe, w.args(p.Name)...)
		if err != nil || r.Gap <= mostGap*w.plan.Interval {
			return r, err
		}
	}
	return r, fmt.Errorf("this machine is too busy: it was kept from running for %v, %d times", r.Gap, chances)
}

// scorePrecision prints who is suspected of the healthy programs.
func scorePrecision(cfg config, dir string, out io.Writer) error {
	var programs []healthy.Program
	for _, p := range healthy.Programs() {
		if cfg.only.MatchString(p.Name) {
			programs = append(programs, p)
		}
	}
	if len(programs) == 0 {
		return nil
	}
	worlds, err := buildWorlds(dir)
	if err != nil {
		return err
	}
	n := len(programs)
	verdicts := make([]verdict, n*len(worlds))
	each(len(verdicts), cfg.parallel, func(i int) { verdicts[i] = worlds[i/n].judge(programs[i%n]) })
	fmt.Fprintf(out, "Healthy programs, %v each, and who was suspected.\n\n", healthy.Life*healthyInterval*healthyFactor/time.Hour*time.Hour)
	printVerdicts(out, worlds, verdicts)
	var failed []error
	for i, w := range worlds {
		failed = append(failed, falseAlarms(out, w.name, verdicts[i*n:(i+1)*n]))
	}
	fmt.Fprintln(out)
	return errors.Join(failed...)
}

// printVerdicts prints a line for each program, with a column for each world.
func printVerdicts(out io.Writer, worlds []world, verdicts []verdict) {
	n := len(verdicts) / len(worlds)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "program")
	for _, w := range worlds {
		fmt.Fprintf(table, "\t%s", w.name)
	}
	fmt.Fprintln(table)
	for i := range n {
		fmt.Fprint(table, verdicts[i].name)
		for j := range worlds {
			fmt.Fprintf(table, "\t%s", verdicts[j*n+i].mark())
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush()
	for _, v := range verdicts {
		for _, x := range v.wrong {
			fmt.Fprintf(out, "\n%s (%s): %s %s %s, %s, at %s", v.name, v.world, x.Evidence, x.Kind, x.Name, x.Reason, x.Site)
		}
	}
	fmt.Fprintln(out)
}

func (v verdict) mark() string {
	switch {
	case v.failed != nil:
		return "FAILED"
	case len(v.wrong) > 0:
		return "SUSPECTED"
	}
	return "ok"
}

// falseAlarms counts them in one world, and returns what is too many.
func falseAlarms(out io.Writer, world string, verdicts []verdict) error {
	var failed []error
	by := make(map[string]int)
	for _, v := range verdicts {
		if v.failed != nil {
			failed = append(failed, fmt.Errorf("%s (%s): %w", v.name, world, v.failed))
		}
		for _, x := range v.wrong {
			by[x.Evidence]++
		}
	}
	fmt.Fprintf(out, "\n%s: %d programs; falsely proven %d, collected %d (must: 0); heuristic %d (must: at most %d)",
		world, len(verdicts), by["proven"], by["collected"], by["heuristic"], mostFalse)
	if by["proven"]+by["collected"] > 0 || by["heuristic"] > mostFalse {
		failed = append(failed, fmt.Errorf("healthy programs are suspected (%s): %v", world, by))
	}
	return errors.Join(failed...)
}
