package main

import (
	"context"
	"runtime"
	"time"

	"github.com/weir-go/weir/instrument"
)

// sample is the game at one moment. JSON has it.
type sample struct {
	At         time.Duration
	Players    int64
	Depth      int64
	Heap       uint64 // garbage included
	Resident   uint64
	Refused    int64
	TimedOut   int64
	Goroutines int
}

// finding is something that the instruments say is wrong, and when they first did.
type finding struct {
	What  string
	After time.Duration
}

// observer watches a game as a dashboard does, by reading the registry once a
// second.
type observer struct {
	game     *game
	registry *instrument.Registry
	findings []finding
	floors   map[string]floor
}

// floor follows the lowest depth of a channel's last window.
type floor struct {
	at    time.Duration
	depth int64
	rises int
}

const (
	// floorEvery is the time between two looks at a floor: one window.
	floorEvery = 30 * time.Second
	// floorRises is how often in a row it rises before it is a finding.
	floorRises = 2
	// floorRise is by how many messages.
	floorRise = 16
)

// watch calls each for every second until ctx is done.
func (o *observer) watch(ctx context.Context, each func(sample)) {
	everySecond := time.NewTicker(time.Second)
	defer everySecond.Stop()
	started := time.Now()
	for ctx.Err() == nil {
		select {
		case <-everySecond.C:
			each(o.look(time.Since(started)))
		case <-ctx.Done():
		}
	}
}

func (o *observer) look(at time.Duration) sample {
	snapshot := o.registry.Snapshot()
	for i := range snapshot.Channels {
		o.lookAtFloor(&snapshot.Channels[i], at)
	}
	for _, x := range snapshot.Suspects {
		what := x.Kind + " " + x.Name + ": " + x.Reason + " (" + string(x.Evidence) + ")"
		if x.Site != "" && x.Site != x.Name {
			what += ", " + x.Site
		}
		o.found(what, at)
	}
	g := o.game
	return sample{
		At: at, Players: g.online.Load(), Depth: int64(g.inbox.depth()), Heap: heapBytes(), Resident: residentBytes(),
		Refused: g.tally.refused.Load(), TimedOut: g.tally.timedOut.Load(), Goroutines: runtime.NumGoroutine(),
	}
}

// lookAtFloor finds a queue that does not drain before it is suspected, which takes
// more windows: what the channel board shows, in words.
func (o *observer) lookAtFloor(c *instrument.ChanStats, at time.Duration) {
	f := o.floors[c.Name]
	if at-f.at < floorEvery {
		return
	}
	rise := c.DepthFloor - f.depth
	if rise >= floorRise {
		f.rises++
	} else {
		f.rises = 0
	}
	if f.rises == floorRises {
		perSecond := rise * int64(time.Second) / int64(at-f.at)
		o.found("channel "+c.Name+": its lowest depth rises by "+count(perSecond)+" messages a second, "+c.Site, at)
	}
	f.at, f.depth = at, c.DepthFloor
	o.floors[c.Name] = f
}

func (o *observer) found(what string, at time.Duration) {
	for _, f := range o.findings {
		if f.What == what {
			return
		}
	}
	o.findings = append(o.findings, finding{what, at})
}
