package model

import (
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/anishathalye/porcupine"
)

// fact is what an operation tells about one channel at some moment between its
// call and its return.
type fact struct {
	kind factKind
	v    int // message, or length
}

type factKind uint8

const (
	sent       factKind = iota // message v went in
	received                   // message v came out
	passed                     // both, on a channel of capacity 0
	full                       // open, and no room
	empty                      // open, and no message
	neither                    // both of these at one moment
	nothing                    // no message, open or not
	drained                    // closed, and no message
	sendPanic                  // closed
	closed                     // was open, is closed
	closePanic                 // closed
	length                     // v messages
)

// state is a channel that does one thing at a time.
type state struct {
	capacity int
	closed   bool
	buffer   string // a byte a message
}

// step is the model: what may be seen of a channel in a state, and the state after.
// On a channel of capacity 0 a send and its receive are the one fact passed, so
// nothing is ever in it, and open is the only state in which a TrySend may be
// refused: whether a receiver was waiting already, no history tells. (At rest it
// can be told: see machine.mayWait.)
func (s state) step(f fact) (ok bool, after state) {
	after = s
	isFull, isEmpty := len(s.buffer) == s.capacity, s.buffer == ""
	switch f.kind {
	case sent:
		after.buffer += string([]byte{byte(f.v)})
		return !s.closed && !isFull, after
	case received:
		if isEmpty {
			return false, s
		}
		after.buffer = s.buffer[1:]
		return s.buffer[0] == byte(f.v), after
	case passed:
		return s.capacity == 0 && !s.closed, s
	case full:
		return !s.closed && isFull, s
	case empty:
		return !s.closed && isEmpty, s
	case neither:
		return !s.closed && isEmpty && isFull, s
	case nothing:
		return isEmpty, s
	case drained:
		return s.closed && isEmpty, s
	case sendPanic, closePanic:
		return s.closed, s
	case closed:
		after.closed = true
		return !s.closed, after
	case length:
		return len(s.buffer) == f.v, s
	}
	return false, s
}

// factAt is a fact and when it was true, somewhere from call to ret.
type factAt struct {
	fact
	client    int
	call, ret int64
}

// pair replaces each send on a channel of capacity 0 and its receive by the one
// moment at which both happened: it lies between the later of the calls and the
// earlier of the returns. Messages are unique, so which receive belongs to a send
// is known, and the checker need not look for it.
func pair(facts []factAt) (paired []factAt, err error) {
	open := make(map[int]factAt)
	for _, f := range facts {
		if f.kind != sent && f.kind != received {
			paired = append(paired, f)
			continue
		}
		other, ok := open[f.v]
		if !ok {
			open[f.v] = f
			continue
		}
		delete(open, f.v)
		if other.kind == f.kind {
			return nil, fmt.Errorf("message %d was sent or received twice", f.v)
		}
		both := factAt{fact{passed, f.v}, f.client, max(f.call, other.call), min(f.ret, other.ret)}
		if both.call > both.ret {
			return nil, fmt.Errorf("message %d passed a channel of capacity 0 though its send and its receive were not there at one time", f.v)
		}
		paired = append(paired, both)
	}
	for v, f := range open {
		if f.kind == sent {
			return nil, fmt.Errorf("message %d left a sender of a channel of capacity 0 for no receiver", v)
		}
		return nil, fmt.Errorf("message %d was received and not sent", v)
	}
	return paired, nil
}

// checkFor is how long a history may take: the median takes microseconds.
const checkFor = 30 * time.Second

var (
	errIllegal = errors.New("no order of the operations explains what they returned")
	errUnknown = fmt.Errorf("the checker found no answer in %v: make the programs shorter", checkFor)

	hashSeed = maphash.MakeSeed()
)

// linearizable asks whether some order of the facts, in which each stands between
// its call and its return, is one that the model allows.
func linearizable(initial state, facts []factAt) error {
	if initial.capacity == 0 {
		var err error
		if facts, err = pair(facts); err != nil {
			return err
		}
	}
	history := make([]porcupine.Operation, len(facts))
	for i, f := range facts {
		history[i] = porcupine.Operation{ClientId: f.client, Input: f.fact, Call: f.call, Return: f.ret}
	}
	m := porcupine.Model{
		Init: func() any { return initial },
		Step: func(s, f, _ any) (bool, any) { return s.(state).step(f.(fact)) },
		Hash: func(s any) uint64 { return maphash.Comparable(hashSeed, s.(state)) },
	}
	switch porcupine.CheckOperationsTimeout(m, history, checkFor) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return errIllegal
	}
	return errUnknown
}
