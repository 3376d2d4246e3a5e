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
	return newGame(testConfig(t, modeName, players, seed), instrument.NewRegistry())
}

// testConfig has players that move once a second.
func testConfig(t *testing.T, modeName string, players int, seed uint64) config {
	t.Helper()
	m, ok := modeNamed(modeName)
	if !ok {
		t.Fatalf("no mode %q", modeName)
	}
	return config{mode: m, transport: memory, players: players, every: time.Second, capacity: 1200, seed: seed}
}

// inGame plays for so long in fake time, calls then while the game still runs,
// and ends it. The bubble fails the test if a goroutine is left.
func inGame(t *testing.T, g *game, d time.Duration, then func()) balance {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan balance, 1)
	go func() {
		if err := g.run(ctx); err != nil {
			t.Error(err)
		}
		b, err := g.close()
		if err != nil {
			t.Error(err)
		}
		ended <- b
	}()
	time.Sleep(d)
	synctest.Wait()
	then()
	cancel()
	return <-ended
}

func TestLeakyGrows(t *testing.T) {
	for _, name := range []string{"leaky", "as-published"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newTestGame(t, name, 2500, 1)
				b := inGame(t, g, 6*time.Second, func() {
					before := g.inbox.depth()
					time.Sleep(5 * time.Second)
					if grew := g.inbox.depth() - before; grew < 5*1000 {
						t.Errorf("depth grew by %d in 5 s, want 1,000 a second", grew)
					}
				})
				if b.Queued == 0 {
					t.Error("the loop had time for all that was queued at the end")
				}
				// An average session lasts 4 s, the oldest queued move is about 6 s old.
				if b.Late < b.Handled/10 {
					t.Errorf("%d of %d handled moves are from players who were gone, want many", b.Late, b.Handled)
				}
				if p, ok := g.inbox.(*published); ok && (p.permits.Stats().InUsePeak != 1 || p.permits.Stats().Rejected != 0) {
					t.Errorf("permits that are taken after the receive: %+v", p.permits.Stats())
				}
			})
		})
	}
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
		g := newTestGame(t, "bounded-128", 500, 1) // the loop could handle 1,200 a second
		inGame(t, g, 10*time.Second, func() {
			s := g.inbox.stats()
			if s.DepthPeak != 128 || s.Capacity != 128 {
				t.Errorf("peak %d of %d, want %d", s.DepthPeak, s.Capacity, 128)
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

// TestForgottenPermits is the first leak that only the collector can prove.
func TestForgottenPermits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGame(t, "forgotten-permit", 1000, 1)
		b := inGame(t, g, 5*time.Second, func() {})
		if p := g.inbox.(*fixed).permits.Stats(); b.Forged == 0 || p.InUse != b.Forged {
			t.Errorf("%d permits are gone with %d forged moves", p.InUse, b.Forged)
		}
	})
}

func TestStuckWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGame(t, "stuck-worker", 500, 1)
		b := inGame(t, g, 2*stuckAfter, func() {
			s := g.scores.Stats()
			if s.TasksOverLimit != 1 || s.OldestTask < writeTimeLimit {
				t.Errorf("%d tasks over the limit, the oldest runs for %v; want the one that is stuck", s.TasksOverLimit, s.OldestTask)
			}
		})
		if b.Settled >= b.Handled {
			t.Errorf("the scores of %d moves were written, of %d that were handled", b.Settled, b.Handled)
		}
		close(g.answer) // or the bubble would have to wait for it
	})
}

func TestEveryMoveIsAccountedFor(t *testing.T) {
	for _, m := range modes {
		if m.losesWriter {
			continue // never settles, see TestStuckWorker
		}
		for _, players := range []int{0, 1, 700, 2500} {
			t.Run(m.name+" "+count(int64(players)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newTestGame(t, m.name, players, 7)
					b := inGame(t, g, 3*time.Second, func() {})
					checkBalance(t, g, b, int64(3*players)) // rounds begin at 0.75, 1.75 and 2.75 s
				})
			})
		}
	}
}

func checkBalance(t *testing.T, g *game, b balance, wantSent int64) {
	t.Helper()
	if b.Sent != wantSent {
		t.Errorf("sent %d, want %d", b.Sent, wantSent)
	}
	if err := b.end(); err != nil {
		t.Error(err)
	}
	if b.Settled != b.Handled {
		t.Errorf("settled %d, handled %d", b.Settled, b.Handled)
	}
	if s := g.inbox.stats(); s.Depth != b.Queued || s.Sent != uint64(b.Accepted) || s.Received != uint64(b.Handled) {
		t.Errorf("the inbox says sent %d, received %d, depth %d; accepted %d, handled %d, queued %d",
			s.Sent, s.Received, s.Depth, b.Accepted, b.Handled, b.Queued)
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
	for _, test := range []struct {
		seats int
		every time.Duration
		want  map[time.Duration]int
	}{
		{1200, time.Second, map[time.Duration]int{0: burstSize, burstsWithin / 3: burstSize, 2 * burstsWithin / 3: 200}},
		{2000, 2 * time.Second, map[time.Duration]int{0: burstSize, burstsWithin / 2: burstSize, round: burstSize, round + burstsWithin/2: burstSize}},
	} {
		got := map[time.Duration]int{}
		for seat := range test.seats {
			got[(firstTurn(seat, test.seats, test.every)-3*round/4).Round(time.Microsecond)]++
		}
		for at, n := range test.want {
			if at = at.Round(time.Microsecond); got[at] != n {
				t.Errorf("%d players, every %v: %d move at %v, want %d: %v", test.seats, test.every, got[at], at, n, got)
			}
		}
	}
}

// TestLatencyCountsFromWhenAMoveWasDue: players who hear late that it is their turn
// do not make the server look fast.
func TestLatencyCountsFromWhenAMoveWasDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGame(t, "fixed", 0, 1)
		g.started = time.Now()
		time.Sleep(3 * time.Second)
		g.handle(move{order: order{due: time.Second, number: 1}, from: newSession(1, 1)})
		if got := g.latency.quantile(1); got.Round(100*time.Millisecond) != 2*time.Second {
			t.Errorf("%v from when the move was due, want 2s", got)
		}
		_, _ = g.close()
	})
}
