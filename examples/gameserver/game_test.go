package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

func newTestGame(t *testing.T, modeName string, players int, seed uint64) *game {
	t.Helper()
	m, ok := modeNamed(modeName)
	if !ok {
		t.Fatalf("no mode %q", modeName)
	}
	return newGame(config{mode: m, players: players, seed: seed}, instrument.NewRegistry())
}

// inGame plays for so long in fake time, calls then while the game still runs,
// and ends it. The bubble fails the test if a goroutine is left.
func inGame(t *testing.T, g *game, d time.Duration, then func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.run(ctx)
		g.close()
	}()
	time.Sleep(d)
	synctest.Wait()
	then()
	cancel()
	<-ended
}

func TestLeakyGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGame(t, "leaky", 2500, 1)
		inGame(t, g, 6*time.Second, func() {
			before := g.inbox.depth()
			time.Sleep(5 * time.Second)
			if grew := g.inbox.depth() - before; grew < 5*1000 {
				t.Errorf("depth grew by %d in 5 s, want 1,000 a second", grew)
			}
		})
		// An average session lasts 4 s, the oldest queued move is about 6 s old.
		if left, gone := g.tally.unhandled.Load(), g.tally.orphaned.Load(); gone < left/2 {
			t.Errorf("%d of %d moves in the queue are from players who were gone, want most", gone, left)
		}
	})
}

func TestFewPlayersDoNotLeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGame(t, "leaky", 1000, 1)
		inGame(t, g, 10*time.Second+600*time.Millisecond, func() { // late in a round
			if d := g.inbox.depth(); d > 500 {
				t.Errorf("depth %d with fewer moves than the loop can handle", d)
			}
		})
	})
}

func TestBoundedTimesOutInBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGame(t, "bounded", 500, 1) // the loop could handle 1,200 a second
		inGame(t, g, 10*time.Second, func() {
			s := g.inbox.stats()
			if s.DepthPeak != boundedCapacity || s.Capacity != boundedCapacity {
				t.Errorf("peak %d of %d, want %d", s.DepthPeak, s.Capacity, boundedCapacity)
			}
			if timedOut := g.tally.timedOut.Load(); timedOut == 0 || s.SendsCanceled != uint64(timedOut) {
				t.Errorf("%d moves timed out, %d counted as canceled", timedOut, s.SendsCanceled)
			}
		})
	})
}

func TestFixedRefusesAndDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGame(t, "fixed", 2500, 1)
		permits := g.inbox.(*fixed).permits
		inGame(t, g, 10*time.Second+740*time.Millisecond, func() { // the end of a round
			if p := permits.Stats(); p.InUsePeak != permitLimit || p.InUse > permitLimit/10 {
				t.Errorf("%d permits in use, peak %d: want all of %d at the peak and most free between bursts",
					p.InUse, p.InUsePeak, permitLimit)
			}
			if s := g.inbox.stats(); s.DepthPeak > permitLimit {
				t.Errorf("peak depth %d, above %d", s.DepthPeak, permitLimit)
			}
		})
		p := permits.Stats()
		if p.InUse != 0 {
			t.Errorf("%d permits did not come back", p.InUse)
		}
		if refused := g.tally.refused.Load(); refused == 0 || p.Rejected != uint64(refused) {
			t.Errorf("%d moves refused, %d counted as rejected", refused, p.Rejected)
		}
	})
}

func TestEveryMoveIsAccountedFor(t *testing.T) {
	for _, m := range modes {
		for _, players := range []int{0, 1, 700, 2500} {
			t.Run(m.name+" "+count(int64(players)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newTestGame(t, m.name, players, 7)
					inGame(t, g, 3*time.Second, func() {})
					checkTally(t, g, int64(3*players)) // rounds begin at 0.75, 1.75 and 2.75 s
				})
			})
		}
	}
}

func checkTally(t *testing.T, g *game, wantSent int64) {
	t.Helper()
	c := &g.tally
	if c.sent.Load() != wantSent {
		t.Errorf("sent %d, want %d", c.sent.Load(), wantSent)
	}
	if sum := c.accepted.Load() + c.refused.Load() + c.timedOut.Load(); sum != c.sent.Load() {
		t.Errorf("accepted + refused + timed out = %d, sent %d", sum, c.sent.Load())
	}
	if sum := c.handled.Load() + c.unhandled.Load(); sum != c.accepted.Load() {
		t.Errorf("handled + left = %d, accepted %d", sum, c.accepted.Load())
	}
	if c.settled.Load() != c.handled.Load() {
		t.Errorf("settled %d, handled %d", c.settled.Load(), c.handled.Load())
	}
	if s := g.inbox.stats(); s.Depth != 0 || s.Sent != uint64(c.accepted.Load()) || s.Received != s.Sent {
		t.Errorf("the inbox says sent %d, received %d, depth %d; accepted %d",
			s.Sent, s.Received, s.Depth, c.accepted.Load())
	}
	if g.online.Load() != 0 || g.logins.Stats().InUse != 0 {
		t.Errorf("at the end %d players are online and %d log in", g.online.Load(), g.logins.Stats().InUse)
	}
}

func TestSeedRepeats(t *testing.T) {
	sessions := func(seed uint64) (n uint64) {
		synctest.Test(t, func(t *testing.T) {
			g := newTestGame(t, "leaky", 500, seed)
			inGame(t, g, 5500*time.Millisecond, func() { n = g.logins.Stats().Acquired })
		})
		return n
	}
	if a, b := sessions(1), sessions(1); a != b {
		t.Errorf("seed 1 made %d sessions, then %d", a, b)
	}
	if a, b := sessions(1), sessions(2); a == b {
		t.Errorf("seeds 1 and 2 both made %d sessions", a)
	}
}

func TestPlayersMoveInBursts(t *testing.T) {
	bursts := map[time.Time]int{}
	started := time.Unix(0, 0)
	for seat := range 1200 {
		bursts[firstTurn(started, seat, 1200)]++
	}
	for burst, want := range []int{burstSize, burstSize, 200} {
		at := started.Add(3*round/4 + time.Duration(burst)*burstsWithin/3)
		if bursts[at] != want {
			t.Errorf("%d players move at %v, want %d", bursts[at], at.Sub(started), want)
		}
	}
}
