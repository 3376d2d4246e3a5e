package main

import (
	"context"
	"errors"
	"time"

	"github.com/weir-go/weir/instrument"
)

const (
	permitLimit = 1024                   // what held in production
	patience    = 100 * time.Millisecond // how long a player waits for room

	// staleAfter is the age at which a move is of no use to its player any more.
	staleAfter = time.Second
	// stallAfter is for how long moves may wait without one that is handled; twice as
	// long the lowest depth may only rise.
	stallAfter = 30 * time.Second
	// permitHoldLimit is far above what 1,024 moves take the loop: a permit held
	// for longer has been forgotten.
	permitHoldLimit = 10 * time.Second
)

var (
	errUnavailable = errors.New("service unavailable")
	errTimedOut    = errors.New("timed out")
)

// An inbox carries moves from the players to the game loop. It is what the
// incident was about, and what differs between the modes.
type inbox interface {
	// send hands a move over, or returns errUnavailable or errTimedOut.
	send(ctx context.Context, m move) error
	// next takes the oldest move, if there is one.
	next() (move, bool)
	// depth is the number of moves in it.
	depth() int
	// permitsFree is how many more moves it admits; ok is false where no permits
	// are asked for.
	permitsFree() (n int64, ok bool)
	stats() instrument.ChanStats
}

// measured are the options of the inbox in every mode. The name is the same in
// all of them, so that a dashboard shows the fix on the line that showed the
// leak. (Programs with one registry leave WithRegistry out.)
func measured(r *instrument.Registry) []instrument.ChanOption {
	return []instrument.ChanOption{
		instrument.WithRegistry(r),
		instrument.WithBytes(move.size),
		instrument.WithWaitTarget(staleAfter),
		instrument.WithStallAfter(stallAfter),
	}
}

// leaky takes whatever comes.
type leaky struct {
	moves *instrument.Queue[move]
}

func newLeaky(r *instrument.Registry) *leaky {
	return &leaky{instrument.NewQueue[move]("player-moves", measured(r)...)}
}

func (l *leaky) send(_ context.Context, m move) error {
	l.moves.Send(m)
	return nil
}

func (l *leaky) next() (move, bool)          { return l.moves.TryRecv() }
func (l *leaky) depth() int                  { return l.moves.Len() }
func (l *leaky) permitsFree() (int64, bool)  { return 0, false }
func (l *leaky) stats() instrument.ChanStats { return l.moves.Stats() }

// bounded makes players wait for room, as long as they have patience.
type bounded struct {
	moves *instrument.Chan[move]
}

func newBounded(r *instrument.Registry, capacity int) *bounded {
	return &bounded{instrument.NewChan[move]("player-moves", capacity, measured(r)...)}
}

func (b *bounded) send(ctx context.Context, m move) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if b.moves.SendContext(ctx, m) != nil {
		return errTimedOut
	}
	return nil
}

func (b *bounded) next() (move, bool)          { return b.moves.TryRecv() }
func (b *bounded) depth() int                  { return b.moves.Len() }
func (b *bounded) permitsFree() (int64, bool)  { return 0, false }
func (b *bounded) stats() instrument.ChanStats { return b.moves.Stats() }

// fixed is leaky behind a semaphore. The permit is tried before the send: taken
// any later, the move would be in the queue already, and nothing would bound it.
// It travels in the move, so whoever has the move has the duty to release it.
type fixed struct {
	*leaky
	permits *instrument.Semaphore
}

func newFixed(r *instrument.Registry) *fixed {
	return &fixed{
		leaky: newLeaky(r),
		permits: instrument.NewSemaphore("move-permits", permitLimit,
			instrument.WithRegistry(r), instrument.WithHoldLimit(permitHoldLimit)),
	}
}

func (f *fixed) send(ctx context.Context, m move) error {
	permit, ok := f.permits.TryAcquirePermit(1)
	if !ok {
		return errUnavailable
	}
	m.permit = permit
	return f.leaky.send(ctx, m)
}

func (f *fixed) permitsFree() (int64, bool) {
	s := f.permits.Stats()
	return s.Limit - s.InUse, s.Limit > 0 // no limit is known under WEIR_DISABLE=1
}

// published takes the permit after the receive. That bounds how many moves are
// being handled, which the loop does one by one anyway, and not how many wait.
type published struct{ *fixed }

func (p *published) send(ctx context.Context, m move) error { return p.leaky.send(ctx, m) }

func (p *published) next() (move, bool) {
	m, ok := p.leaky.next()
	if ok {
		m.permit, _ = p.permits.AcquirePermit(context.Background(), 1) // fails only where ctx is done
	}
	return m, ok
}
