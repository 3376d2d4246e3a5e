package main

import (
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

type config struct {
	mode     mode
	players  int
	addr     string
	duration time.Duration
	seed     uint64
}

func flags(cfg *config, modeName *string) *flag.FlagSet {
	fs := flag.NewFlagSet("gameserver", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints errors itself, as one line
	fs.StringVar(modeName, "mode", "leaky", "what stands between the players and the game loop: "+modeNames())
	fs.IntVar(&cfg.players, "players", 2500, "how many simulated players play at a time")
	fs.StringVar(&cfg.addr, "addr", "127.0.0.1:8080", "`host:port` that serves /metrics; port 0 takes any free one")
	fs.DurationVar(&cfg.duration, "duration", 0, "how long to play, such as 10s; 0 is until Ctrl-C")
	fs.Uint64Var(&cfg.seed, "seed", 1, "start of the players' random choices")
	return fs
}

// parse reads the command line. Its error is one line, or flag.ErrHelp.
func parse(args []string) (config, error) {
	var cfg config
	var modeName string
	fs := flags(&cfg, &modeName)
	if err := fs.Parse(args); err != nil {
		return config{}, err
	}
	if fs.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var ok bool
	if cfg.mode, ok = modeNamed(modeName); !ok {
		return config{}, fmt.Errorf("unknown -mode %q: want %s", modeName, modeNames())
	}
	if cfg.players < 0 || cfg.players > maxPlayers {
		return config{}, fmt.Errorf("-players %d: want 0 to %d", cfg.players, maxPlayers)
	}
	if cfg.duration < 0 {
		return config{}, fmt.Errorf("-duration %v: want 0 or more", cfg.duration)
	}
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		return config{}, fmt.Errorf("-addr %q: want host:port", cfg.addr)
	}
	return cfg, nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, "gameserver plays the incident of a queue that nobody bounded, and serves its metrics.\n\n")
	fs := flags(new(config), new(string))
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprint(w, "\nmodes:\n")
	for _, m := range modes {
		fmt.Fprintf(w, "  %-8s %s\n", m.name, m.about)
	}
}

func modeNamed(name string) (mode, bool) {
	for _, m := range modes {
		if m.name == name {
			return m, true
		}
	}
	return mode{}, false
}

func modeNames() string {
	var names []string
	for _, m := range modes {
		names = append(names, m.name)
	}
	return strings.Join(names, ", ")
}
