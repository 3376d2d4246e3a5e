package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// progressEvery is how many seconds lie between two lines of progress.
const progressEvery = 5

// trial is one mode's run in an experiment.
type trial struct {
	result
	samples []sample
}

// experiment plays the modes one after the other. Ctrl-C ends it with what it has.
func experiment(ctx context.Context, cfg config, stdout, stderr io.Writer) error {
	// At once, and not after the quarter of an hour that it takes.
	if err := os.MkdirAll(cfg.out, 0o755); err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	chosen := modes
	if cfg.mode.name != "" {
		chosen = []mode{cfg.mode}
	}
	cfg.mode = chosen[0]
	fmt.Fprintf(stdout, "%s, %v for each of %d modes\n\n", load(cfg), cfg.duration, len(chosen))
	var trials []trial
	for n, m := range chosen {
		cfg.mode = m
		t := trial{}
		var err error
		t.result, err = playInChild(ctx, cfg, os.Environ(), func(s sample) {
			t.samples = append(t.samples, s)
			if len(t.samples)%progressEvery == 0 {
				fmt.Fprintf(stderr, "%d/%d %-17s %4v  depth %9s  refused %9s  timed out %9s  heap %9s\n", n+1, len(chosen), m.name,
					s.At.Round(time.Second), count(s.Depth), count(s.Refused), count(s.TimedOut), megabytes(s.Heap))
			}
		})
		if ctx.Err() != nil {
			fmt.Fprintf(stdout, "interrupted in %s: what follows are the %d modes before it\n\n", m.name, n)
			break
		}
		if err != nil {
			return err
		}
		trials = append(trials, t)
	}
	if len(trials) == 0 {
		return nil
	}
	return publish(trials, cfg, stdout)
}

// publish prints the comparison, and writes it and the pictures.
func publish(trials []trial, cfg config, stdout io.Writer) error {
	rows := table(trials)
	writeText(stdout, rows)
	fmt.Fprintln(stdout)
	for _, line := range remarks(trials) {
		fmt.Fprintln(stdout, line)
	}
	for _, t := range trials {
		if err := t.draw(filepath.Join(cfg.out, t.Mode+".png")); err != nil {
			return err
		}
	}
	var doc bytes.Buffer
	fmt.Fprintf(&doc, "# The incident, replayed\n\n%s, %v for each mode; seed %d; %s, %d processors, %s/%s.\n\n",
		load(cfg), cfg.duration, cfg.seed, runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	writeMarkdown(&doc, rows)
	fmt.Fprintln(&doc)
	for _, line := range remarks(trials) {
		fmt.Fprintf(&doc, "- %s\n", line)
	}
	for _, t := range trials {
		fmt.Fprintf(&doc, "\n## %s\n\n![depth and heap of %s](%s.png)\n", t.Mode, t.Mode, t.Mode)
	}
	at := filepath.Join(cfg.out, "experiment.md")
	if err := os.WriteFile(at, doc.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nwritten: %s and %d pictures beside it\n", at, len(trials))
	return nil
}

// remarks are what does not fit into a table: what was named when, and what was
// proven at the end.
func remarks(trials []trial) (lines []string) {
	for _, t := range trials {
		if len(t.Findings) == 0 {
			lines = append(lines, t.Mode+": nothing named")
		}
		for _, f := range t.Findings {
			lines = append(lines, fmt.Sprintf("%s: named after %v: %s", t.Mode, f.After.Round(time.Second), f.What))
		}
		if t.Abandoned > 0 {
			lines = append(lines, fmt.Sprintf("%s: named at the end: channel player-moves: %s messages abandoned (collected)", t.Mode, count(int64(t.Abandoned))))
		}
	}
	return lines
}
