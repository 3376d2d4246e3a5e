package main

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/weir-go/weir/instrument"
)

const (
	round           = time.Second            // each player makes one move in a round
	burstSize       = 500                    // so many move at the same moment
	burstsWithin    = 200 * time.Millisecond // all of a round's bursts
	movesPerSession = 4                      // on average, then the player leaves

	tokenSize = 4 << 10
	loginTime = 2 * time.Millisecond
)

// session is a player from login to leaving.
type session struct {
	token []byte
	sum   uint32
	left  atomic.Bool
}

// move is what a player sends. It keeps the session alive, token and all, for as
// long as the move itself is kept: that is harmless until moves pile up.
type move struct {
	from   *session
	dx, dy int8
	permit *instrument.Permit // nil where the inbox asks for none
}

// size is the memory that a queued move holds on to. The moves of one session
// share its token, so each counts for its part.
func (m move) size() int {
	return int(unsafe.Sizeof(m)) + tokenSize/movesPerSession
}

// genuine reports whether the move's token is the one that was given at login.
func (m move) genuine() bool {
	return crc32.ChecksumIEEE(m.from.token) == m.from.sum
}

// sit keeps a seat of the game taken until ctx is done: a player logs in, makes
// some moves and leaves, and the next one takes the seat.
func (g *game) sit(ctx context.Context, seat int) {
	rng := rand.New(rand.NewPCG(g.cfg.seed, uint64(seat)))
	turn := firstTurn(g.started, seat, g.cfg.players)
	for {
		s, err := g.login(ctx, rng)
		if err != nil {
			return
		}
		turn = g.playSession(ctx, s, turn, rng)
	}
}

// firstTurn puts the seats into bursts of burstSize, and starts the first round
// when there was time for all to log in.
func firstTurn(started time.Time, seat, seats int) time.Time {
	bursts := (seats + burstSize - 1) / burstSize
	burst := seat / burstSize
	return started.Add(3*round/4 + time.Duration(burst)*burstsWithin/time.Duration(bursts))
}

// login makes a session. Making tokens is expensive, so only so many are made at
// once; the others wait their turn.
func (g *game) login(ctx context.Context, rng *rand.Rand) (*session, error) {
	permit, err := g.logins.AcquirePermit(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer permit.Release()
	if !sleep(ctx, loginTime) {
		return nil, ctx.Err()
	}
	return newSession(rng), nil
}

func newSession(rng *rand.Rand) *session {
	token := make([]byte, 0, tokenSize)
	for len(token) < tokenSize {
		token = binary.LittleEndian.AppendUint64(token, rng.Uint64())
	}
	return &session{token: token, sum: crc32.ChecksumIEEE(token)}
}

// playSession makes moves until the player leaves or ctx is done. It returns
// when the seat's next move is due. Turns keep to their time whether or not the
// last move was slow: a server that stalls does not slow its players down.
func (g *game) playSession(ctx context.Context, s *session, turn time.Time, rng *rand.Rand) time.Time {
	g.online.Add(1)
	defer g.online.Add(-1)
	for sleep(ctx, time.Until(turn)) {
		turn = turn.Add(round)
		g.send(ctx, move{from: s, dx: int8(rng.IntN(3) - 1), dy: int8(rng.IntN(3) - 1)})
		if rng.IntN(movesPerSession) == 0 {
			s.left.Store(true)
			break
		}
	}
	return turn
}

// send offers a move to the server and counts what came of it. A move that was
// begun is finished also when the game ends, so that each has one outcome.
func (g *game) send(ctx context.Context, m move) {
	g.tally.sent.Add(1)
	err := g.inbox.send(context.WithoutCancel(ctx), m)
	switch {
	case err == nil:
		g.tally.accepted.Add(1)
	case errors.Is(err, errUnavailable):
		g.tally.refused.Add(1)
	default:
		g.tally.timedOut.Add(1)
	}
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
