package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/instrument"
)

const (
	// The loop handles 1,200 moves a second. A server has some such limit; this
	// one's is set, so that the program shows the same on every machine.
	frameTime     = 10 * time.Millisecond
	movesPerFrame = 12

	loginsAtOnce = 64

	scoreWriters    = 4
	scoreQueue      = 64
	writeTimeMin    = 5 * time.Millisecond
	writeTimeSpread = 10 * time.Millisecond
	writeTimeLimit  = 2 * time.Second
)

// game is the server and its simulated players.
type game struct {
	cfg     config
	started time.Time

	logins *instrument.Semaphore // taken while a session is made
	inbox  inbox                 // players to game loop
	scores *instrument.Pool      // game loop to database

	online atomic.Int64
	tally  tally
}

// tally counts moves. When the game has been closed, sent = accepted + refused +
// timedOut, accepted = handled + unhandled, and settled = handled.
type tally struct {
	sent, accepted, refused, timedOut atomic.Int64
	handled                           atomic.Int64
	settled                           atomic.Int64 // handled, and their scores written
	points                            atomic.Int64
	unhandled                         atomic.Int64 // still in the inbox at the end
	orphaned                          atomic.Int64 // of those, from players who had left
}

func newGame(cfg config, r *instrument.Registry) *game {
	return &game{
		cfg:    cfg,
		logins: instrument.NewSemaphore("logins", loginsAtOnce, instrument.WithRegistry(r)),
		inbox:  cfg.mode.open(r),
		scores: instrument.NewPool("score-writers", scoreWriters, scoreQueue,
			instrument.WithRegistry(r), instrument.WithTaskLimit(writeTimeLimit)),
	}
}

// run plays until ctx is done. When it returns, players and game loop have ended,
// and what the loop did not get to is still in the inbox. A game runs once.
func (g *game) run(ctx context.Context) {
	g.started = time.Now()
	var players, loop sync.WaitGroup
	for seat := range g.cfg.players {
		players.Go(func() { g.sit(ctx, seat) })
	}
	closing := make(chan struct{})
	loop.Go(func() { g.loop(closing) })

	<-ctx.Done()
	players.Wait() // first, so that nobody sends to a loop that has ended
	close(closing)
	loop.Wait()
}

// loop handles as many moves in each frame as the frame has time for.
func (g *game) loop(closing <-chan struct{}) {
	rng := rand.New(rand.NewPCG(g.cfg.seed, ^uint64(0)))
	frames := time.NewTicker(frameTime)
	defer frames.Stop()
	for {
		select {
		case <-frames.C:
			g.frame(writeTimeMin + time.Duration(rng.Int64N(int64(writeTimeSpread))))
		case <-closing:
			return
		}
	}
}

// frame handles moves, and has a score writer settle them. What it hands over
// are sums: a task that kept the moves would keep their sessions too.
func (g *game) frame(writeTime time.Duration) {
	var moves, points int64
	for range movesPerFrame {
		m, ok := g.inbox.next()
		if !ok {
			break
		}
		points += g.handle(m)
		moves++
	}
	if moves == 0 {
		return
	}
	// Where the writers fall behind, the game waits for them, so no score is lost.
	// There is no other error: the pool is shut down after the loop has ended.
	_ = g.scores.Submit(context.Background(), func() {
		time.Sleep(writeTime) // the database
		g.tally.points.Add(points)
		g.tally.settled.Add(moves)
	})
}

// handle plays one move and returns what it scores. The permit goes back here,
// when the work is done and not when it begins, and also if handling panics.
func (g *game) handle(m move) (points int64) {
	defer m.permit.Release()
	g.tally.handled.Add(1)
	if !m.genuine() {
		return 0
	}
	return int64(m.dx*m.dx + m.dy*m.dy)
}

// close ends a game that has run: it empties the inbox, so that every permit is
// back, and waits for the score writers.
func (g *game) close() {
	for {
		m, ok := g.inbox.next()
		if !ok {
			break
		}
		m.permit.Release()
		g.tally.unhandled.Add(1)
		if m.from.left.Load() {
			g.tally.orphaned.Add(1)
		}
	}
	_ = g.scores.Shutdown(context.Background()) // fails only where ctx is done
}
