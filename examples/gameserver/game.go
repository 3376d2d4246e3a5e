package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/instrument"
)

const (
	frameTime = 10 * time.Millisecond
	// Without a limit the loop looks more often, so that frames are not one.
	shortFrameTime = time.Millisecond
	// closingTime is what the loop and the score writers each have, at the end, for
	// what they were given before: all of it where there is a bound on that.
	closingTime = 2 * time.Second

	scoreWriters    = 4
	scoreQueue      = 64
	writeTimeMin    = 5 * time.Millisecond
	writeTimeSpread = 10 * time.Millisecond
	writeTimeLimit  = 2 * time.Second
	stuckAfter      = 5 * time.Second // when the database keeps an answer back
)

// game is the server and its simulated players.
type game struct {
	cfg     config
	started time.Time

	logins *instrument.Semaphore // taken while a session is made
	inbox  inbox                 // players to game loop
	scores *instrument.Pool      // game loop to database

	online  atomic.Int64
	seated  atomic.Int64 // seats that somebody has had
	tally   tally
	latency latency

	answer chan struct{} // the one that the database never gives
	stuck  atomic.Bool   // a writer waits for it
	fail   context.CancelCauseFunc
}

func newGame(cfg config, r *instrument.Registry) *game {
	return &game{
		cfg:     cfg,
		started: time.Now(),
		logins:  instrument.NewSemaphore("logins", loginsAtOnce, instrument.WithRegistry(r)),
		inbox:   cfg.mode.open(r),
		scores: instrument.NewPool("score-writers", scoreWriters, scoreQueue,
			instrument.WithRegistry(r), instrument.WithTaskLimit(writeTimeLimit)),
		answer: make(chan struct{}),
	}
}

// run plays until ctx is done. When it returns, players and game loop have ended,
// and what the loop did not get to is still in the inbox. Its error says why the
// game could not go on. A game runs once.
func (g *game) run(ctx context.Context) error {
	ctx, g.fail = context.WithCancelCause(ctx)
	defer g.fail(nil)
	server, err := g.cfg.transport.open(ctx, g)
	if err != nil {
		return err
	}
	g.started = time.Now()
	var players, loop sync.WaitGroup
	for seat := range g.cfg.players {
		players.Go(func() { g.sit(ctx, server, seat) })
	}
	closing := make(chan struct{})
	loop.Go(func() { g.loop(closing) })

	<-ctx.Done()
	players.Wait() // first, so that nobody sends to a loop that has ended
	server.close()
	close(closing)
	loop.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // asked to end
}

// loop handles as many moves in each frame as the frame has time for. A server has
// some such limit; this one's is set (-capacity), so that the program shows the
// same on every machine.
func (g *game) loop(closing <-chan struct{}) {
	frame := frameTime
	if g.cfg.capacity == 0 {
		frame = shortFrameTime
	}
	rng := rand.New(rand.NewPCG(g.cfg.seed, ^uint64(0)))
	frames := time.NewTicker(frame)
	defer frames.Stop()
	var lastFrame time.Time
	share := 0 // of a move, in frames a second, that the last frames had no time for
	for lastFrame.IsZero() || g.inbox.depth() > 0 && time.Now().Before(lastFrame) {
		select {
		case <-closing:
			lastFrame, closing = time.Now().Add(closingTime), nil
			continue
		case <-frames.C:
		}
		moves := permitLimit
		if g.cfg.capacity > 0 {
			share += g.cfg.capacity
			moves, share = share/int(time.Second/frame), share%int(time.Second/frame)
		}
		g.frame(moves, writeTimeMin+time.Duration(rng.Int64N(int64(writeTimeSpread))))
	}
}

// frame handles up to so many moves, and has a score writer settle them. What it
// hands over are sums: a task that kept the moves would keep their sessions too.
func (g *game) frame(limit int, writeTime time.Duration) {
	var moves, points int64
	for moves < int64(limit) {
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
	_ = g.scores.Submit(context.Background(), func() { g.write(writeTime, moves, points) })
}

// handle plays one move and returns what it scores. The permit goes back here,
// when the work is done and not when it begins, and also if handling panics.
func (g *game) handle(m move) (points int64) {
	g.tally.handled.Add(1)
	g.latency.record(time.Since(g.started) - m.due)
	if m.number <= m.from.last {
		g.tally.again.Add(1)
	}
	m.from.last = m.number
	if m.from.left.Load() {
		g.tally.late.Add(1)
	}

	genuine := m.genuine()
	if !genuine {
		g.tally.forged.Add(1)
	}
	if !genuine && g.cfg.mode.forgetsPermits {
		return 0 // the mistake: the permit is nobody's now, and not released
	}
	defer m.permit.Release()
	if !genuine {
		return 0
	}
	return int64(m.dx*m.dx + m.dy*m.dy)
}

// write brings scores to the database.
func (g *game) write(writeTime time.Duration, moves, points int64) {
	time.Sleep(writeTime)
	if g.cfg.mode.losesWriter && time.Since(g.started) > stuckAfter && g.stuck.CompareAndSwap(false, true) {
		<-g.answer // the mistake: no limit on how long to wait
	}
	g.tally.points.Add(points)
	g.tally.settled.Add(moves)
}

// close ends the score writers of a game that has run, and checks that every move
// is accounted for.
func (g *game) close() (balance, error) {
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	stuck := g.scores.Shutdown(ctx)
	b := g.tally.read(g.inbox.depth)
	switch err := b.end(); {
	case err != nil:
		return b, err
	case stuck == nil && b.Settled != b.Handled:
		return b, fmt.Errorf("%s moves were handled, but the scores of %s were written", count(b.Handled), count(b.Settled))
	case stuck != nil && !g.stuck.Load():
		return b, stuck
	}
	return b, nil
}
