package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

func fill(t *testing.T, in inbox, n int) {
	t.Helper()
	for range n {
		if err := in.send(t.Context(), move{from: new(session)}); err != nil {
			t.Fatal(err)
		}
	}
}

func drain(t *testing.T, in inbox, n int) {
	t.Helper()
	for range n {
		m, ok := in.next()
		if !ok {
			t.Fatal("no move left")
		}
		m.permit.Release()
	}
}

func scrape(r *instrument.Registry) string {
	rec := httptest.NewRecorder()
	exporter.Handler(r).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return rec.Body.String()
}

// filled is what every inbox holds.
const filled = 128

func TestMetricsShowTheDepth(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			r := instrument.NewRegistry()
			in := m.open(r)
			expect := func(depth int) {
				t.Helper()
				if in.depth() != depth {
					t.Errorf("the inbox holds %d, want %d", in.depth(), depth)
				}
				want := fmt.Sprintf("weir_channel_depth{name=\"player-moves\"} %d\n", depth)
				if !strings.Contains(scrape(r), want) {
					t.Errorf("/metrics lacks %q", want)
				}
			}
			expect(0)
			fill(t, in, filled)
			expect(filled)
			drain(t, in, 28)
			expect(filled - 28)
			drain(t, in, filled-28)
			expect(0)
		})
	}
}

func TestFullInboxes(t *testing.T) {
	r := instrument.NewRegistry()
	full := newFixed(r)
	fill(t, full, permitLimit)
	if err := full.send(t.Context(), move{}); !errors.Is(err, errUnavailable) {
		t.Errorf("move %d into fixed: %v, want %v", permitLimit+1, err, errUnavailable)
	}
	if n, ok := full.permitsFree(); n != 0 || !ok {
		t.Errorf("permits free: %d, %v", n, ok)
	}
	drain(t, full, 1)
	if err := full.send(t.Context(), move{}); err != nil {
		t.Errorf("after one was handled: %v", err)
	}
	open := newLeaky(r)
	fill(t, open, 10*permitLimit) // never refuses
	if open.depth() != 10*permitLimit {
		t.Errorf("leaky holds %d, want %d", open.depth(), 10*permitLimit)
	}
}

// TestQueuedMovesKeepTokens is the leak itself: the player is gone, nothing but
// the queue knows the session, and it stays in memory until the move is handled.
func TestQueuedMovesKeepTokens(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			g := newGame(config{mode: m, transport: memory}, instrument.NewRegistry())
			defer endGame(t, g)
			gone := sendAndLeave(t, g.inbox)
			runtime.GC()
			if gone.Value() == nil {
				t.Fatal("the queued move lost its session")
			}
			g.frame(1, 0)
			if g.tally.handled.Load() != 1 {
				t.Fatal("the move was not handled")
			}
			runtime.GC()
			if gone.Value() != nil {
				t.Error("the session is still in memory when its only move is handled")
			}
			runtime.KeepAlive(g)
		})
	}
}

func endGame(t *testing.T, g *game) {
	if err := g.scores.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func sendAndLeave(t *testing.T, in inbox) weak.Pointer[session] {
	t.Helper()
	s := newSession(1, 1)
	if err := in.send(t.Context(), move{from: s}); err != nil {
		t.Fatal(err)
	}
	s.left.Store(true)
	return weak.Make(s)
}

func TestForgedTokenScoresNothing(t *testing.T) {
	g := newGame(config{mode: modes[0]}, instrument.NewRegistry())
	defer endGame(t, g)
	s := newSession(1, 1)
	m := move{from: s, order: order{number: 1, dx: 1, dy: -1, sum: crc32.ChecksumIEEE(s.token)}}
	if points := g.handle(m); points != 2 {
		t.Errorf("%d points, want 2", points)
	}
	m.number++
	m.sum++
	if points := g.handle(m); points != 0 || g.tally.forged.Load() != 1 {
		t.Errorf("%d points with a forged token, %d moves counted as forged", points, g.tally.forged.Load())
	}
}

func TestMoveHandledTwiceIsSeen(t *testing.T) {
	g := newGame(config{mode: modes[0]}, instrument.NewRegistry())
	defer endGame(t, g)
	m := move{from: newSession(1, 1), order: order{number: 1}}
	g.handle(m)
	if g.handle(m); g.tally.again.Load() != 1 {
		t.Error("a move that was handled twice was not noticed")
	}
}
