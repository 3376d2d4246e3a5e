// Command bench measures what weir costs, side by side with what it wraps and
// with what people write by hand, and prints one table. It belongs to weir's own
// development and is not published; it may import anything.
//
// Machines differ and are shared, so nothing here is compared with a time that
// was measured elsewhere: a contender runs between two runs of the native thing,
// and what counts is the median of those ratios. All metrics are on and are read
// once a second; afterwards the same process checks that every one of them has
// moved, and fails if one has not.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// config is what the command line says.
type config struct {
	rounds int
	time   time.Duration
	read   time.Duration
	only   *regexp.Regexp
}

// wants reports whether a measurement is asked for.
func (c config) wants(what, shape string) bool { return c.only.MatchString(what + "/" + shape) }

// minRounds is the fewest values whose median has a 95% interval.
const minRounds = 6

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	fmt.Fprintf(stdout, "%s, %s/%s, GOMAXPROCS %d, %d rounds of %v\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), cfg.rounds, cfg.time)
	rows, err := measure(cfg)
	printTable(stdout, rows)
	if err != nil {
		fmt.Fprintf(stderr, "bench: the table is void, something was not measured:\n%v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (config, error) {
	cfg := config{}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&cfg.rounds, "rounds", 20, "how often each contender runs")
	fs.DurationVar(&cfg.time, "time", 80*time.Millisecond, "how long it runs each time")
	fs.DurationVar(&cfg.read, "read", time.Second, "how often all metrics are read meanwhile; 0 is never")
	only := fs.String("only", "", "measure only what matches this `regexp`: channel/1:1, semaphore, pool, group, task meter, member, snapshot, scrape, exporters")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return cfg, err
		}
		return cfg, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	var err error
	cfg.only, err = regexp.Compile(*only)
	switch {
	case err != nil:
		return cfg, fmt.Errorf("-only: %w", err)
	case fs.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case cfg.rounds < minRounds:
		return cfg, fmt.Errorf("-rounds %d: fewer than %d have no 95%% interval", cfg.rounds, minRounds)
	case cfg.time <= 0 || cfg.read < 0:
		return cfg, errors.New("-time must be positive and -read must not be negative")
	}
	return cfg, nil
}

// measure runs everything that is asked for. What holds members comes last: its
// registries are sampled for three minutes after their last reading, which would
// disturb the races.
func measure(cfg config) (rows []row, err error) {
	l := newLab()
	stop := l.readEvery(cfg.read)
	var failed []error
	for _, race := range races(l) {
		if !cfg.wants(race.what, race.shape) {
			continue
		}
		rows = append(rows, race.hold(cfg)...)
		failed = append(failed, race.check())
	}
	take := func(all []measurement) {
		for _, m := range all {
			if cfg.wants(m.what, m.shape) {
				values, err := m.measure(min(cfg.rounds, 10))
				rows = append(rows, row{what: m.what, shape: m.shape, unit: m.unit, values: values, must: m.must, aim: m.aim})
				failed = append(failed, err)
			}
		}
	}
	take(append(semaphoreMeasurements(l), taskMeterMeasurements(l)...))
	stop()
	take(append(memberMeasurements(), scrapeMeasurements()...))
	return rows, errors.Join(failed...)
}

// races returns all of them, in the order of the table.
func races(l *lab) []race {
	var all []race
	for _, s := range shapes {
		all = append(all, channelRace(l, s))
	}
	return slices.Concat(all, semaphoreRaces(l), []race{poolRace(l)}, groupRaces(l), []race{exportersRace()})
}
