package main

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/weir-go/weir/instrument"
)

const (
	tokenSize    = 4 << 10
	loginTime    = 2 * time.Millisecond
	loginsAtOnce = 64
)

// session is a player from login to leaving, as the server knows it.
type session struct {
	token []byte
	left  atomic.Bool
	last  uint32 // number of the last move that was handled; the game loop's own
}

func newSession(seed, id uint64) *session {
	rng := rand.NewPCG(seed, id)
	token := make([]byte, 0, tokenSize)
	for len(token) < tokenSize {
		token = binary.LittleEndian.AppendUint64(token, rng.Uint64())
	}
	return &session{token: token}
}

// login makes a session. Making tokens is expensive, so only so many are made at
// once; the others wait their turn.
func (g *game) login(ctx context.Context, id uint64) (*session, error) {
	permit, err := g.logins.AcquirePermit(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer permit.Release()
	if !sleep(ctx, loginTime) {
		return nil, ctx.Err()
	}
	g.online.Add(1)
	return newSession(g.cfg.seed, id), nil
}

func (g *game) logout(s *session) {
	s.left.Store(true)
	g.online.Add(-1)
}

// order is what a player's client sends for a move.
type order struct {
	due    time.Duration // since the start of the game: when it was to be sent
	number uint32        // 1, 2, 3 in each session
	dx, dy int8
	sum    uint32 // of the token that the player got at login
}

// move is an order as it waits in the inbox. It keeps the session alive, token and
// all, for as long as the move itself is kept: harmless until moves pile up.
type move struct {
	order
	from   *session
	permit *instrument.Permit // nil where the inbox asks for none
}

// size is the memory that a queued move holds on to. The moves of one session
// share its token, so each counts for its part.
func (m move) size() int {
	return int(unsafe.Sizeof(m)) + tokenSize/movesPerSession
}

// genuine reports whether the player has the token that was given at login.
func (m move) genuine() bool {
	return crc32.ChecksumIEEE(m.from.token) == m.sum
}
