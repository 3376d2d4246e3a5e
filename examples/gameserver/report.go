package main

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	headerEvery = 20 // lines
	lineFormat  = "%8s  %8s  %10s  %12s  %10s  %10s  %10s\n"
)

// announce says what is about to happen and what to look at.
func announce(w io.Writer, cfg config, addr net.Addr) {
	fmt.Fprintf(w, "mode %s: %s\n", cfg.mode.name, cfg.mode.about)
	fmt.Fprintf(w, "%s\n", load(cfg))
	fmt.Fprintf(w, "metrics: http://%s/metrics\n", addr)
	fmt.Fprintf(w, "watch: %s\n\n", cfg.mode.watch)
}

// load says what is offered and what is handled.
func load(cfg config) string {
	handles := "all it can"
	if cfg.capacity > 0 {
		handles = count(int64(cfg.capacity))
	}
	return fmt.Sprintf("%s players over %s, %s moves a second in bursts of %d; the game loop handles %s",
		count(int64(cfg.players)), cfg.transport.name, count(int64(float64(cfg.players)/cfg.every.Seconds())), burstSize, handles)
}

// lines prints one for each sample.
func lines(w io.Writer) func(*game, sample) error {
	n := 0
	return func(g *game, s sample) error {
		if n%headerEvery == 0 {
			fmt.Fprintf(w, lineFormat, "time", "players", "depth", "permits free", "refused", "timed out", "heap")
		}
		n++
		free := "-"
		if n, ok := g.inbox.permitsFree(); ok {
			free = count(n)
		}
		fmt.Fprintf(w, lineFormat, s.At.Round(time.Second), count(s.Players), count(s.Depth),
			free, count(s.Refused), count(s.TimedOut), megabytes(s.Heap))
		return nil
	}
}

func summary(w io.Writer, r result) {
	m := r.Moves
	fmt.Fprintf(w, "\n%s for %v\n", r.Mode, r.Ran.Round(100*time.Millisecond))
	fmt.Fprintf(w, "  sent      %s = %s accepted + %s refused + %s timed out\n", count(m.Sent),
		count(m.Accepted), count(m.Refused), count(m.TimedOut))
	fmt.Fprintf(w, "  accepted  %s = %s handled + %s left in the queue; of those handled %s came too late, their players were gone\n",
		count(m.Accepted), count(m.Handled), count(m.Queued), count(m.Late))
	fmt.Fprintf(w, "  latency   %s at the median, %s at the 99th percentile, from when a move was due to when it was handled\n",
		short(r.P50), short(r.P99))
	fmt.Fprintf(w, "  heap      the queue kept %s when all players were gone\n", megabytes(r.Kept))
	fmt.Fprintf(w, "  left      %s messages, %s permits, %s goroutines\n", count(r.Messages), count(int64(r.Permits)), count(int64(r.Goroutines)))
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  named     after %v: %s\n", f.After.Round(time.Second), f.What)
	}
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// short writes a time as a person reads it: to the millisecond, or finer below 10.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// count writes a number with its thousands apart: 1,024.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, groups...), ",")
}
