package main

import (
	"context"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

// TestTCP plays over real connections until there was some of everything, and has
// each move accounted for.
func TestTCP(t *testing.T) {
	cfg := testConfig(t, "fixed", 200, 1)
	cfg.transport, cfg.every, cfg.capacity = network, 10*time.Millisecond, 100
	g := newGame(cfg, instrument.NewRegistry())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	enough := func() bool { return g.tally.refused.Load() > 0 && g.tally.handled.Load() > 200 }
	go func() {
		for ctx.Err() == nil && !enough() {
			time.Sleep(time.Millisecond) // how soon, no test says
		}
		cancel()
	}()
	if err := g.run(ctx); err != nil {
		t.Fatal(err)
	}
	b, err := g.close()
	if err != nil {
		t.Error(err)
	}
	if b.Handled <= 200 || b.Refused == 0 || b.Sent < b.Handled {
		t.Errorf("%+v", b)
	}
	if g.online.Load() != 0 || g.logins.Stats().InUse != 0 {
		t.Errorf("at the end %d players are online and %d log in", g.online.Load(), g.logins.Stats().InUse)
	}
}

func TestTCPBoundedTimesOut(t *testing.T) {
	cfg := testConfig(t, "bounded-128", 200, 1)
	cfg.transport, cfg.every, cfg.capacity = network, 100*time.Millisecond, 10
	g := newGame(cfg, instrument.NewRegistry())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for ctx.Err() == nil && g.tally.timedOut.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if err := g.run(ctx); err != nil {
		t.Fatal(err)
	}
	if b, err := g.close(); err != nil || b.TimedOut == 0 {
		t.Errorf("%v: %+v", err, b)
	}
}

func TestAddresses(t *testing.T) {
	for players, want := range map[int]int{0: 1, 5000: 1, 25_000: 1, 25_001: 2, 200_000: 8} {
		if got := addresses(players); got != want {
			t.Errorf("%d players on %d addresses, want %d", players, got, want)
		}
	}
}
