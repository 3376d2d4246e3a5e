package model

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// opKind is an operation of a program.
type opKind uint8

const (
	opSend opKind = iota
	opTrySend
	opSendContext
	opNativeSend // Raw() <- v, then Sent
	opRecv
	opTryRecv
	opRecvContext
	opAll        // one message of a range over All
	opNativeRecv // <-C()
	opSelect     // native, with up to three cases and a context
	opPoll       // native, with up to three cases and a default
	opLen
	opStats
	opCancel
	opClose
	opPause // time passes; only while everybody waits
)

var opNames = [...]string{
	"Send", "TrySend", "SendContext", "native send", "Recv", "TryRecv", "RecvContext", "All",
	"native receive", "select", "select with default", "Len", "Stats", "cancel", "Close", "pause",
}

func (k opKind) String() string { return opNames[k] }

// op is one operation: on channel on, or in a select a send to it, if sends is
// set, and receives from those in from.
type op struct {
	kind  opKind
	on    int
	v     int // what is sent, unique in a program
	ctx   int
	sends bool
	from  [maxChannels]bool
	yield bool // let others run first
	meet  bool // begin when another does
	pause time.Duration
}

func (o op) String() string {
	switch o.kind {
	case opSend, opTrySend, opNativeSend:
		return fmt.Sprintf("%v %d to %d", o.kind, o.v, o.on)
	case opSendContext:
		return fmt.Sprintf("%v %d to %d, ctx %d", o.kind, o.v, o.on, o.ctx)
	case opRecvContext:
		return fmt.Sprintf("%v from %d, ctx %d", o.kind, o.on, o.ctx)
	case opCancel:
		return fmt.Sprintf("cancel ctx %d", o.ctx)
	case opSelect, opPoll:
		var s strings.Builder
		fmt.Fprintf(&s, "%v:", o.kind)
		if o.sends {
			fmt.Fprintf(&s, " %d to %d", o.v, o.on)
		}
		for i, is := range o.from {
			if is {
				fmt.Fprintf(&s, " from %d", i)
			}
		}
		if o.kind == opSelect {
			fmt.Fprintf(&s, ", ctx %d", o.ctx)
		}
		return s.String()
	case opPause:
		return fmt.Sprintf("pause %v", o.pause)
	}
	return fmt.Sprintf("%v of %d", o.kind, o.on)
}

// sendsTo and receivesFrom tell with which channels an operation that has not
// returned could go on.
func (o op) sendsTo(i int) bool {
	switch o.kind {
	case opSend, opSendContext, opNativeSend:
		return o.on == i
	case opSelect:
		return o.sends && o.on == i
	}
	return false
}

func (o op) receivesFrom(i int) bool {
	switch o.kind {
	case opRecv, opRecvContext, opNativeRecv, opAll:
		return o.on == i
	case opSelect:
		return o.from[i]
	}
	return false
}

const (
	maxChannels = 2
	contexts    = 4
	// A checker's work may grow with two to the power of a history's length.
	maxOps      = 40
	maxRoutines = 8
)

// program is what the goroutines do, and what is done to those who wait in the end.
type program struct {
	seed     uint64
	kind     kind
	caps     []int   // unbounded for a queue
	found    [][]int // messages that are in the channel at first
	routines [][]op
	rest     []op // one whenever everybody waits; none of them waits
}

// unbounded is more than a program sends.
const unbounded = 1000

const anybody = -1

// author writes a program.
type author struct {
	*rand.Rand
	p        *program
	next     int // message
	blocking int // percent
	closing  int // per mille
	who      int // which goroutine's operations are being written
	// owners says for each channel which goroutine alone sends to it and closes
	// it, as most programs do it, or anybody.
	owners []int
}

// newProgram is the program that a seed stands for. Its kind, too, comes from
// the seed, unless one is given.
func newProgram(seed uint64, of *kind) program {
	r := rand.New(rand.NewPCG(seed, 0))
	p := program{seed: seed, kind: kinds[r.IntN(len(kinds))]}
	if of != nil {
		p.kind = *of
	}
	a := author{Rand: r, p: &p, blocking: 30 + 50*r.IntN(2), closing: 20 * r.IntN(3)}
	n := 2 + a.IntN(maxRoutines-1)
	for range 1 + a.IntN(maxChannels) {
		a.channel(n)
	}
	for a.who = range n {
		p.routines = append(p.routines, a.routine(maxOps/n))
	}
	for range a.IntN(8) {
		p.rest = append(p.rest, a.restOp())
	}
	for i := range p.caps {
		p.rest = append(p.rest, op{kind: opClose, on: i})
	}
	return p
}

func (a *author) channel(routines int) {
	owner := anybody
	if a.percent(40) {
		owner = a.IntN(routines)
	}
	a.owners = append(a.owners, owner)
	capacity := []int{0, 1, 2, 5}[a.IntN(4)]
	var found []int
	if a.p.kind.found {
		for range a.IntN(capacity + 1) {
			found = append(found, a.message())
		}
	}
	if a.p.kind.queue {
		capacity = unbounded
	}
	a.p.caps = append(a.p.caps, capacity)
	a.p.found = append(a.p.found, found)
}

func (a *author) routine(most int) (ops []op) {
	sending := 20 + 30*a.IntN(3)
	for range 1 + a.IntN(most) {
		ops = append(ops, a.op(sending))
	}
	for i, owner := range a.owners {
		if owner == a.who && a.percent(50) {
			ops = append(ops, op{kind: opClose, on: i})
		}
	}
	return ops
}

// owns reports whether the goroutine may send to a channel and close it.
func (a *author) owns(i int) bool { return a.owners[i] == anybody || a.owners[i] == a.who }

func (a *author) message() int {
	a.next++
	return a.next
}

func (a *author) percent(n int) bool { return a.IntN(100) < n }

func (a *author) op(sending int) op {
	o := op{on: a.IntN(len(a.p.caps)), ctx: a.IntN(contexts), yield: a.percent(30), meet: a.percent(70)}
	switch {
	case a.IntN(1000) < a.closing && a.owns(o.on):
		o.kind = opClose
	case a.percent(12):
		o.kind = []opKind{opLen, opLen, opStats, opStats, opCancel}[a.IntN(5)]
	case a.p.kind.native && a.percent(30):
		a.choose(&o, sending)
	case a.percent(sending) && a.owns(o.on):
		a.send(&o)
	default:
		a.receive(&o)
	}
	return o
}

func (a *author) send(o *op) {
	o.v = a.message()
	ways := []opKind{opSend, opSend, opSendContext}
	if a.p.kind.native {
		ways = append(ways, opNativeSend)
	}
	o.kind = opTrySend
	if a.percent(a.blocking) {
		o.kind = ways[a.IntN(len(ways))]
	}
	if a.p.kind.queue {
		o.kind = opSend
	}
}

func (a *author) receive(o *op) {
	ways := []opKind{opRecv, opAll, opRecvContext}
	if a.p.kind.native {
		ways = append(ways, opNativeRecv)
	}
	o.kind = opTryRecv
	if a.percent(a.blocking) {
		o.kind = ways[a.IntN(len(ways))]
	}
}

func (a *author) choose(o *op, sending int) {
	o.kind = opPoll
	if a.percent(a.blocking) {
		o.kind = opSelect
	}
	if o.sends = a.percent(sending) && a.owns(o.on); o.sends {
		o.v = a.message()
	}
	for i := range a.p.caps {
		o.from[i] = a.percent(50)
	}
	if !o.sends && o.from == ([maxChannels]bool{}) {
		o.from[o.on] = true // or closing the channel would not end it
	}
}

func (a *author) restOp() op {
	o := op{on: a.IntN(len(a.p.caps)), ctx: a.IntN(contexts)}
	switch a.IntN(6) {
	case 0, 1:
		o.kind = opCancel
	case 2:
		o.kind = opTryRecv
	case 3:
		o.kind = opPause
		o.pause = time.Duration(a.Int64N(int64(time.Minute)))
	case 4:
		o.kind = opLen
	default:
		o.kind, o.v = opTrySend, a.message()
		if a.p.kind.queue {
			o.kind = opSend
		}
	}
	return o
}

// withoutRaces takes out what the race detector calls one though it is well
// defined: closing a channel that another goroutine may be sending to or closing.
// What is done at rest is in order with everything.
func (p *program) withoutRaces() {
	for client, ops := range p.routines {
		for i := range ops {
			if ops[i].kind == opClose && p.othersSend(client, ops[i].on) {
				ops[i].kind = opLen
			}
		}
	}
}

func (p *program) othersSend(client, on int) bool {
	for other, ops := range p.routines {
		for _, o := range ops {
			if other != client && o.on == on && (o.kind == opClose || o.kind <= opNativeSend || o.sends) {
				return true
			}
		}
	}
	return false
}
