package main

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/weir-go/weir/instrument"
)

// result is what came of a run. JSON has it.
type result struct {
	Mode  string
	Moves balance // of the whole run
	During
	P50, P99 time.Duration // from when a move was due to when it was handled
	WaitP99  time.Duration // in the inbox, as weir measured it; 0 with WEIR_DISABLE=1
	Findings []finding
	Left
}

// Left is what is there when all players have gone and the game is closed.
type Left struct {
	Kept       uint64 // bytes, by the inbox
	Goroutines int
	Messages   int64  // in the inbox
	Abandoned  uint64 // of these, so many were found by weir, when the inbox was collected
	Permits    uint64 // collected unreleased
}

// errOver ends a game that has been played for as long as it was to be.
var errOver = errors.New("the time is over")

// play runs a game until ctx is done, or for its duration from when all players
// have logged in, or until each, which is called every second, returns an error. It
// returns that, or which promise was broken.
func play(ctx context.Context, cfg config, r *instrument.Registry, each func(*game, sample) error) (result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.Snapshot() // starts what watches for leaks, which is not the game's
	before := runtime.NumGoroutine()
	g := newGame(cfg, r)
	o := &observer{game: g, registry: r, floors: make(map[string]floor)}
	p := period{game: g}
	ran := make(chan error, 1)
	go func() {
		ran <- g.run(ctx)
		stop(nil)
	}()
	o.watch(ctx, func(s sample) {
		err := each(g, s)
		if err == nil {
			err = p.look(s)
		}
		if err != nil {
			stop(err)
		}
	})
	err := <-ran
	if errors.Is(err, errOver) {
		err = nil
	}
	full := liveHeap() // no player is left: what is there now, the inbox keeps
	moves, unbalanced := g.close()
	res := result{
		Mode: cfg.mode.name, Moves: moves, During: p.During, Findings: o.findings,
		P50: g.latency.quantile(0.5), P99: g.latency.quantile(0.99),
	}
	if wait := g.inbox.stats().Wait; wait.Count > 0 {
		res.WaitP99 = time.Duration(wait.Quantile(0.99) * float64(time.Second))
	}
	res.Left = g.leave(r, full, before)
	return res, errors.Join(err, unbalanced)
}

// leave drops the inbox of a closed game, with what is in it, and reads what is
// left. Collecting takes the collector some cycles, and ending goroutines a moment.
func (g *game) leave(r *instrument.Registry, full uint64, goroutines int) Left {
	left := Left{Messages: int64(g.inbox.depth())}
	g.inbox = nil
	for deadline := time.Now().Add(closingTime); ; time.Sleep(closingTime / 100) {
		left.Kept = max(full, liveHeap()) - heapBytes()
		left.Goroutines = max(0, runtime.NumGoroutine()-goroutines)
		members := 0
		s := r.Snapshot()
		for _, c := range s.Channels {
			members, left.Abandoned = members+c.Members, c.Abandoned
		}
		left.Permits = 0
		for i := range s.Semaphores {
			for _, site := range s.Semaphores[i].Leaked {
				left.Permits += site.Permits
			}
		}
		if members == 0 && left.Goroutines == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// period measures the part of a run that counts: from when each seat was taken.
type period struct {
	game *game
	During
	began     time.Duration
	measuring bool
	first     reading
}

// During is what a period says.
type During struct {
	Ran              time.Duration
	Handled          int64
	Refused, TimeOut float64       // a minute
	CPU              time.Duration // used by the whole process
	PeakResident     uint64
	HeapHalf, Heap   uint64 // live, in the middle and at the end; 0 where the run was cut short
	Collections      uint64 // that came by themselves
}

// reading is of counters.
type reading struct {
	handled, refused, timedOut int64
	cpu                        time.Duration
	collections                uint64
}

func (p *period) read() reading {
	t := &p.game.tally
	return reading{t.handled.Load(), t.refused.Load(), t.timedOut.Load(), cpuTime(), collections()}
}

// look takes a sample into account, and returns errOver with the last one.
func (p *period) look(s sample) error {
	d := p.game.cfg.duration
	if !p.measuring {
		if p.game.seated.Load() < int64(p.game.cfg.players) {
			return nil
		}
		p.measuring, p.began, p.first = true, s.At, p.read()
		p.game.latency.reset()
	}
	p.Ran = s.At - p.began
	now := p.read()
	p.Handled, p.CPU, p.Collections = now.handled-p.first.handled, now.cpu-p.first.cpu, now.collections-p.first.collections
	if minutes := p.Ran.Minutes(); minutes > 0 {
		p.Refused = float64(now.refused-p.first.refused) / minutes
		p.TimeOut = float64(now.timedOut-p.first.timedOut) / minutes
	}
	p.PeakResident = max(p.PeakResident, s.Resident)
	if d > 0 && p.HeapHalf == 0 && p.Ran >= d/2 {
		p.HeapHalf = liveHeap()
	}
	if d > 0 && p.Ran >= d {
		p.Heap = liveHeap()
		return errOver
	}
	return nil
}

// growth is that of the live heap over the second half, in bytes a second.
func (d During) growth() float64 {
	if d.Heap == 0 || d.Ran == 0 {
		return 0
	}
	return (float64(d.Heap) - float64(d.HeapHalf)) / (d.Ran / 2).Seconds()
}
