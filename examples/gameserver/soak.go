package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/weir-go/weir/instrument"
)

const (
	checkEvery = time.Minute
	// heapMay is by how much the live heap may differ from what it was at the first
	// check, in percent, and heapSlack by how much at least: small heaps differ by
	// what happens to be in flight.
	heapMay   = 5
	heapSlack = 8 << 20
	// goroutinesMay is how many more there may be: scrapes come and go, and over tcp
	// players between two sessions.
	goroutinesMay = 100
)

// soak checks a running game once a minute: nothing is lost, heap and goroutines
// stay flat, counters only count, nothing is suspected.
type soak struct {
	out      io.Writer
	registry *instrument.Registry
	checks   int
	next     time.Duration // when the next is due
	heap     uint64        // at the first check
	routines int
	counters map[string]float64
}

func newSoak(out io.Writer, r *instrument.Registry) *soak {
	return &soak{out: out, registry: r, next: checkEvery}
}

// look returns the first promise that is broken.
func (s *soak) look(g *game, now sample) error {
	if now.At < s.next {
		return nil
	}
	s.next += checkEvery
	heap := liveHeap()
	moves := g.tally.read(g.inbox.depth)
	for _, err := range []error{
		moves.during(),
		s.lost(g.tally.lost(g.inbox.depth)),
		s.heapFlat(heap),
		s.goroutinesFlat(runtime.NumGoroutine(), g.cfg.players),
		s.countersRise(s.registry.Snapshot()),
	} {
		if err != nil {
			return fmt.Errorf("soak broken after %v: %w", now.At.Round(time.Second), err)
		}
	}
	s.checks++
	fmt.Fprintf(s.out, "%8s  check %d passed: %s sent, %s handled, %s queued, %s refused, heap %s live, %s resident, %s goroutines\n",
		now.At.Round(time.Second), s.checks, count(moves.Sent), count(moves.Handled), count(moves.Queued),
		count(moves.Refused), megabytes(heap), megabytes(now.Resident), count(int64(now.Goroutines)))
	return nil
}

func (s *soak) lost(n int64) error {
	if n > 0 {
		return fmt.Errorf("%s moves were accepted, and are neither queued nor handled", count(n))
	}
	return nil
}

func (s *soak) heapFlat(live uint64) error {
	if s.heap == 0 {
		s.heap = live
	}
	if live > s.heap+max(s.heap*heapMay/100, heapSlack) {
		return fmt.Errorf("the live heap grew from %s to %s", megabytes(s.heap), megabytes(live))
	}
	return nil
}

func (s *soak) goroutinesFlat(n, players int) error {
	if s.routines == 0 {
		s.routines = n
	}
	if n > s.routines+players/100+goroutinesMay {
		return fmt.Errorf("goroutines grew from %s to %s", count(int64(s.routines)), count(int64(n)))
	}
	return nil
}

// countersRise holds every counter that is exported, and histograms by their count.
func (s *soak) countersRise(snapshot instrument.Snapshot) error {
	if len(snapshot.Suspects) > 0 {
		x := snapshot.Suspects[0]
		return fmt.Errorf("%s %s is suspected: %s (%s) %s", x.Kind, x.Name, x.Reason, x.Evidence, x.Site)
	}
	now := make(map[string]float64)
	for _, d := range instrument.Metrics() {
		if d.Kind == instrument.Gauge {
			continue
		}
		for x := range d.Samples(&snapshot) {
			series := d.PrometheusName() + "{" + strings.Join(x.Labels, ",") + "}"
			now[series] = x.Value
			if x.Histogram != nil {
				now[series] = float64(x.Histogram.Count)
			}
		}
	}
	for series, before := range s.counters {
		if now[series] < before {
			return fmt.Errorf("the counter %s went from %v to %v", series, before, now[series])
		}
	}
	s.counters = now
	return nil
}
