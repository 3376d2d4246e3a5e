// Command leakscore scores weir's leak detection: how many known leaks it sees, in
// the programs of the Go tree's GoKer suite rewritten to weir's channels, how often
// it suspects healthy programs, whether it names the queue of the example that leaks,
// and what it costs. It prints a table of each, and fails below the bars. It belongs
// to weir's own development and is not published; it may import anything.
//
// Every program runs in a process of its own, most of them with a library whose time
// is compressed: what it does in 30 seconds takes a tenth of one.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/weir-go/weir/leakscore/watch"
)

const (
	// factor is how much faster than its own the library's time runs.
	factor   = 300
	interval = 30 * time.Second / factor
	// bar is the share of cases that have to be seen, and of its runs for a case
	// to count as seen.
	bar = 0.95
	// mostFalse is how many heuristic suspects there may be in all healthy
	// programs. Of those with better evidence there may be none.
	mostFalse = 1
)

// calling is for how many intervals a leaky case is called, once in each: sixteen
// windows of four looks at the goroutines, of which ten have to rise.
const calling = 64

// plan has a leaky case called in so many intervals. A proof is taken every twenty,
// so it waits a little longer than that.
func plan(calling int) watch.Plan {
	return watch.Plan{Interval: interval, Calling: calling, Waiting: 24}
}

// config is what the command line says.
type config struct {
	runs     int
	calls    int
	parallel int
	only     *regexp.Regexp
	incident time.Duration
	cost     time.Duration
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "leakscore:", err)
		return 2
	}
	if err := scoreAll(cfg, stdout); err != nil {
		fmt.Fprintf(stderr, "leakscore: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (config, error) {
	cfg := config{}
	fs := flag.NewFlagSet("leakscore", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&cfg.runs, "runs", 20, "how often each leaky case runs; 0 leaves them out")
	fs.IntVar(&cfg.calls, "calls", calling, "for how many intervals a leaky case is called; 1 is a leak that happens once, which only wrappers can tell from what waits")
	fs.IntVar(&cfg.parallel, "parallel", 4*runtime.NumCPU(), "how many programs run at a time: they sleep most of it")
	fs.DurationVar(&cfg.incident, "incident", 2*time.Minute, "how long the example that is mended is watched: 10m is the long version; 0 leaves the incident out")
	fs.DurationVar(&cfg.cost, "cost", time.Minute, "for how long the cost of detection is measured, to the quarter of a minute; 0 leaves it out")
	only := fs.String("only", "", "run only the leaky cases and healthy programs that match this `regexp`")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	var err error
	cfg.only, err = regexp.Compile(*only)
	switch {
	case err != nil:
		return cfg, fmt.Errorf("-only: %w", err)
	case fs.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case cfg.runs < 0 || cfg.calls < 1 || cfg.parallel < 1 || cfg.incident < 0:
		return cfg, errors.New("-calls and -parallel must be positive, -runs and -incident must not be negative")
	case cfg.cost != 0 && (cfg.cost < watch.ReadEvery || cfg.cost > 2*time.Minute):
		return cfg, fmt.Errorf("-cost %v: want 0, or %v to 2m", cfg.cost, watch.ReadEvery)
	case pprof.Lookup("goroutineleak") == nil:
		return cfg, errors.New("this runtime has no goroutineleak profile: run with GOEXPERIMENT=goroutineleakprofile")
	}
	return cfg, nil
}

// scoreAll prints all tables, and returns what is below its bar.
func scoreAll(cfg config, out io.Writer) error {
	dir, err := os.MkdirTemp("", "leakscore")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Fprintf(out, "%s, %s/%s, GOMAXPROCS %d, %d runs a case, an interval of %v\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), cfg.runs, interval)
	return errors.Join(scoreCost(cfg, dir, out), scoreRecall(cfg, dir, out), scorePrecision(cfg, dir, out), scoreIncident(cfg, dir, out))
}
