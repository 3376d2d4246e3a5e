package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// maxPlayers is where the players' own goroutines and tokens fill the memory of
// an ordinary machine, whatever the queue does.
const maxPlayers = 200_000

// config is what the flags say. Of soak, experiment and compare at most one is set.
type config struct {
	mode      mode
	transport way
	players   int
	every     time.Duration // between two moves of a player
	capacity  int           // moves a second that the game loop handles; 0: all it can
	addr      string
	duration  time.Duration // 0: until interrupted
	seed      uint64

	soak       time.Duration
	experiment bool
	compare    int    // pairs of runs
	out        string // folder for what -experiment writes
	json       bool
}

// names are flags whose values stand for something else.
type names struct{ mode, transport string }

func flags(cfg *config, n *names) *flag.FlagSet {
	fs := flag.NewFlagSet("gameserver", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints errors itself, as one line
	fs.StringVar(&n.mode, "mode", "leaky", "what stands between the players and the game loop, see below; fixed if -soak or -compare is given")
	fs.StringVar(&n.transport, "transport", memory.name, "how players reach the server: mem, in the same process, or tcp, over loopback")
	fs.IntVar(&cfg.players, "players", memory.players, "how many simulated players play at a time; 5000 over tcp unless given")
	fs.DurationVar(&cfg.every, "every", 20*time.Second, "how long after a move a player makes the next; 2s over tcp, 5s with -compare, unless given")
	fs.IntVar(&cfg.capacity, "capacity", 1200, "how many `moves` a second the game loop handles; 0 is as many as it can")
	fs.StringVar(&cfg.addr, "addr", "127.0.0.1:8080", "`host:port` that serves /metrics; port 0 takes any free one")
	fs.DurationVar(&cfg.duration, "duration", 0, "how long to play, such as 10s; 0 is until Ctrl-C, or 2m for each mode of -experiment and 10s for each run of -compare")
	fs.Uint64Var(&cfg.seed, "seed", 1, "start of the players' random choices")
	fs.DurationVar(&cfg.soak, "soak", 0, "play for so long, such as 24h, and check every minute that nothing is lost, grows or leaks; exit 1 if something does")
	fs.BoolVar(&cfg.experiment, "experiment", false, "play all modes one after the other, or the one of -mode, and compare them in a table and pictures")
	fs.StringVar(&cfg.out, "out", "gameserver-experiment", "`folder` for what -experiment writes")
	fs.IntVar(&cfg.compare, "compare", 0, "play so many `pairs` of runs, with weir and with WEIR_DISABLE=1, and compare them; 10 or more tell something")
	fs.BoolVar(&cfg.json, "json", false, "for programs: print nothing but the result, as JSON, and end when standard input does")
	return fs
}

// parse reads the command line. Its error is one line, or flag.ErrHelp.
func parse(args []string) (config, error) {
	var cfg config
	var n names
	fs := flags(&cfg, &n)
	if err := fs.Parse(args); err != nil {
		return config{}, err
	}
	if fs.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if (given["soak"] || given["compare"]) && !given["mode"] {
		n.mode = "fixed"
	}
	var ok bool
	if cfg.mode, ok = modeNamed(n.mode); !ok {
		return config{}, fmt.Errorf("unknown -mode %q: want %s", n.mode, modeNames())
	}
	if cfg.experiment && !given["mode"] {
		cfg.mode = mode{} // all
	}
	switch n.transport {
	case memory.name:
		cfg.transport = memory
	case network.name:
		cfg.transport = network
	default:
		return config{}, fmt.Errorf("unknown -transport %q: want mem or tcp", n.transport)
	}
	cfg.fill(given)
	return cfg, cfg.check(given)
}

// fill sets what was not given, where it depends on other flags.
func (c *config) fill(given map[string]bool) {
	if !given["players"] {
		c.players = c.transport.players
	}
	if !given["every"] && c.compare != 0 {
		c.every = 5 * time.Second
	}
	if !given["every"] && c.transport.name == network.name {
		c.every = 2 * time.Second
	}
	if !given["capacity"] && c.compare != 0 {
		c.capacity = 0
	}
	if c.duration == 0 && c.experiment {
		c.duration = 2 * time.Minute
	}
	if c.duration == 0 && c.compare != 0 {
		c.duration = 10 * time.Second
	}
	if given["soak"] && c.duration == 0 {
		c.duration = c.soak
	}
}

func (c *config) check(given map[string]bool) error {
	switch {
	case c.players < 0 || c.players > maxPlayers:
		return fmt.Errorf("-players %d: want 0 to %d", c.players, maxPlayers)
	case c.every < time.Millisecond || c.every > time.Hour:
		return fmt.Errorf("-every %v: want 1ms to 1h", c.every)
	case c.capacity < 0 || c.capacity > 1_000_000:
		return fmt.Errorf("-capacity %d: want 0 to 1000000", c.capacity)
	case c.duration < 0:
		return fmt.Errorf("-duration %v: want 0 or more", c.duration)
	case given["soak"] && c.soak < 2*checkEvery:
		return fmt.Errorf("-soak %v: want %v or more, for it checks every %v", c.soak, 2*checkEvery, checkEvery)
	case given["soak"] && given["duration"]:
		return errors.New("-soak says how long: leave -duration out")
	case given["compare"] && c.compare < 1:
		return fmt.Errorf("-compare %d: want 1 or more pairs", c.compare)
	case given["out"] && !c.experiment:
		return errors.New("-out is for -experiment alone")
	case given["addr"] && (c.experiment || c.compare > 0 || c.json):
		return errors.New("-addr is for a single game: -experiment, -compare and -json read the measurements themselves")
	case c.out == "":
		return errors.New("-out wants a folder")
	}
	var ways []string
	for _, name := range []string{"soak", "experiment", "compare", "json"} {
		if given[name] {
			ways = append(ways, "-"+name)
		}
	}
	if len(ways) > 1 {
		return fmt.Errorf("%s: want one of them", strings.Join(ways, " and "))
	}
	if _, _, err := net.SplitHostPort(c.addr); err != nil {
		return fmt.Errorf("-addr %q: want host:port", c.addr)
	}
	return nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, "gameserver plays the incident of a queue that nobody bounded, and serves its metrics.\n\n")
	fs := flags(new(config), new(names))
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprint(w, "\nmodes:\n")
	for _, m := range modes {
		fmt.Fprintf(w, "  %-17s %s\n", m.name, m.about)
	}
}
