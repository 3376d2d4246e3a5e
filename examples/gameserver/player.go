package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	round           = time.Second            // bursts come at the beginning of each,
	burstsWithin    = 200 * time.Millisecond // within this
	burstSize       = 500                    // so many players move at the same moment
	movesPerSession = 4                      // on average, then the player leaves
	forgedOneIn     = 200                    // moves
)

// sit keeps a seat of the game taken until ctx is done: a player logs in, makes
// some moves and leaves, and the next one takes the seat. Seats are an open-loop
// generator: when moves are due is settled by players, pace and seed, whatever the
// server does.
func (g *game) sit(ctx context.Context, server transport, seat int) {
	rng := rand.New(rand.NewPCG(g.cfg.seed, uint64(seat)))
	turn := firstTurn(seat, g.cfg.players, g.cfg.every)
	for sessions := 0; ctx.Err() == nil; sessions++ {
		c, err := server.login(ctx, seat, rng.Uint64())
		if err == nil {
			if sessions == 0 {
				g.seated.Add(1)
			}
			turn, err = g.playSession(ctx, c, turn, rng)
		}
		if err != nil && ctx.Err() == nil {
			g.fail(fmt.Errorf("player %d lost the server: %w", seat, err))
		}
	}
}

// firstTurn puts the seats into bursts of burstSize, spread over the time between a
// player's moves, and squeezes those of each round into its beginning. The first
// comes when those who are in it had time to log in.
func firstTurn(seat, seats int, every time.Duration) time.Duration {
	bursts := (seats + burstSize - 1) / burstSize
	at := every * time.Duration(seat/burstSize) / time.Duration(bursts)
	begin := at.Truncate(round)
	return 3*round/4 + begin + time.Duration(float64(at-begin)*float64(burstsWithin)/float64(round))
}

// playSession makes moves until the player leaves or ctx is done. It returns
// when the seat's next move is due. Turns keep to their time whether or not the
// last move was slow: a server that stalls does not slow its players down.
func (g *game) playSession(ctx context.Context, c connection, turn time.Duration, rng *rand.Rand) (time.Duration, error) {
	defer c.leave()
	for number := uint32(1); sleep(ctx, turn-time.Since(g.started)); number++ {
		o := order{due: turn, number: number, dx: int8(rng.IntN(3) - 1), dy: int8(rng.IntN(3) - 1), sum: c.sum()}
		if rng.IntN(forgedOneIn) == 0 {
			o.sum++
		}
		turn += g.cfg.every
		if err := g.count(c.order(ctx, o)); err != nil {
			return turn, err
		}
		if rng.IntN(movesPerSession) == 0 {
			break
		}
	}
	return turn, nil
}

// count notes what came of a move. It returns errors that are no answer.
func (g *game) count(err error) error {
	switch {
	case err == nil:
		g.tally.accepted.Add(1)
	case errors.Is(err, errUnavailable):
		g.tally.refused.Add(1)
	case errors.Is(err, errTimedOut):
		g.tally.timedOut.Add(1)
	default:
		return err
	}
	return nil
}

// sleep waits for d, and reports false if ctx is done first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
