package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

// soakFor plays in fake time, with checks.
func soakFor(t *testing.T, cfg config, d time.Duration) (output string, err error) {
	t.Helper()
	cfg.soak, cfg.duration = d, d
	var out bytes.Buffer
	r := instrument.NewRegistry(instrument.WithLeakInterval(-1), quiet)
	_, err = play(t.Context(), cfg, r, newSoak(&out, r).look)
	return out.String(), err
}

func TestSoakOfFixedPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t, "fixed", 40, 1)
		cfg.capacity = 50
		out, err := soakFor(t, cfg, 3*time.Minute)
		if err != nil || strings.Count(out, "passed") < 2 {
			t.Errorf("%v after\n%s", err, out)
		}
	})
}

func TestSoakOfLeakyBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t, "leaky", 40, 1)
		cfg.capacity = 10
		if out, err := soakFor(t, cfg, 10*time.Minute); err == nil || !strings.Contains(err.Error(), "soak broken after") {
			t.Errorf("%v after\n%s", err, out)
		}
	})
}

// TestEachPromiseCanBreak gives the soak readings that no correct game has.
func TestEachPromiseCanBreak(t *testing.T) {
	s := newSoak(io.Discard, instrument.NewRegistry())
	if err := errors.Join(s.lost(0), s.heapFlat(1000<<20), s.heapFlat(1049<<20), s.goroutinesFlat(1000, 900), s.goroutinesFlat(1100, 900)); err != nil {
		t.Errorf("a sound reading: %v", err)
	}
	var before, after instrument.Snapshot
	before.Channels = []instrument.ChanStats{{Info: instrument.Info{Name: "a"}, Moves: true, Sent: 10}}
	after.Channels = []instrument.ChanStats{{Info: instrument.Info{Name: "a"}, Moves: true, Sent: 9}}
	if err := errors.Join(s.countersRise(before), s.countersRise(before)); err != nil {
		t.Errorf("counters that stand: %v", err)
	}
	for what, err := range map[string]error{
		"lost":         s.lost(1),
		"heap":         s.heapFlat(1051 << 20),
		"goroutines":   s.goroutinesFlat(1110, 900),
		"counter":      s.countersRise(after),
		"counter gone": s.countersRise(instrument.Snapshot{}),
		"suspect":      s.countersRise(instrument.Snapshot{Suspects: []instrument.Suspect{{}}}),
		"sent":         balance{Sent: 3, Accepted: 2, Refused: 1, TimedOut: 1}.during(),
		"handled":      balance{Sent: 3, Accepted: 3, Handled: 3, Queued: 1}.during(),
		"again":        balance{Again: 1}.during(),
		"undecided":    balance{Sent: 3, Accepted: 2}.end(),
		"vanished":     balance{Sent: 3, Accepted: 3, Handled: 1, Queued: 1}.end(),
	} {
		if err == nil {
			t.Errorf("%s: not noticed", what)
		}
	}
	if err := (balance{Sent: 4, Accepted: 2, Refused: 1, TimedOut: 1, Handled: 1, Queued: 1}).end(); err != nil {
		t.Error(err)
	}
}

func TestLostMovesAreCounted(t *testing.T) {
	var g tally
	g.accepted.Store(10)
	g.handled.Store(6)
	for queued, want := range map[int]int64{4: 0, 3: 0, 1: 2} { // one may be in the loop's hands
		if got := g.lost(func() int { return queued }); got != want {
			t.Errorf("10 accepted, 6 handled, %d queued: %d lost, want %d", queued, got, want)
		}
	}
}
