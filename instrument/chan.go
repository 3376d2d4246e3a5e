package instrument

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"runtime"
	"unsafe"
)

// ErrClosed is returned by RecvContext when the channel or queue is closed and
// drained.
var ErrClosed = errors.New("weir: channel closed")

// Chan is a channel whose depth, waits, refusals and blocked goroutines are
// measured. Its methods have the semantics of the native operations: order,
// blocking, closing and panics are those of the channel inside.
//
// Sends must go through the Chan (or be told with Sent); receives may be native,
// through C or Raw. A send and receive through it cost 1.3 to 1.6 times the native
// pair (make bench), allocate nothing, and read no clock unless they wait or are
// one of the sampled ones. All methods are safe for concurrent use.
type Chan[T any] struct {
	ch    chan T // first: see wrapperAt
	m     *chanMember
	bytes func(T) int
}

// NewChan makes a channel and measures it under name. A name stands for all
// channels made under it: their numbers add up in one series. An empty name
// measures nothing. It panics as make does if capacity is negative.
func NewChan[T any](name string, capacity int, opts ...ChanOption) *Chan[T] {
	ch := make(chan T, capacity)
	return wrap(name, ch, opts, chanKind{})
}

// WrapChan measures a channel that exists already. Sends that are still made on
// ch itself are not seen (see Sent); messages that are in ch already count as
// sent. Wrapping the same channel under the same name again gives another handle
// to the same numbers. A nil channel is not measured, and blocks for ever as it
// did.
func WrapChan[T any](name string, ch chan T, opts ...ChanOption) *Chan[T] {
	return wrap(name, ch, opts, chanKind{exposed: true, found: len(ch)})
}

func wrap[T any](name string, ch chan T, opts []ChanOption, kind chanKind) *Chan[T] {
	c := &Chan[T]{ch: ch}
	cfg := chanConfigOf(opts)
	r := registryOr(cfg.registry)
	kind.elem, kind.capacity, kind.moves = reflect.TypeFor[T](), int64(cap(ch)), true
	kind.skip = 2
	p := addressOf(ch)
	kind.target = targetChannel
	if !r.identity {
		if kind.exposed {
			return c // the wrapper's end would be taken for the channel's
		}
		kind.target, p = targetWrapper, (*byte)(unsafe.Pointer(c))
	}
	c.m = registerChan(name, p, cfg, kind)
	c.bytes = bytesOption[T](r, c.m, cfg)
	return c
}

func chanConfigOf(opts []ChanOption) chanConfig {
	var cfg chanConfig
	for _, o := range opts {
		if o != nil {
			o.applyChan(&cfg)
		}
	}
	return cfg
}

// bytesOption returns what WithBytes gave, if it is for messages of type T. A
// panic of the user's function is contained and counted.
func bytesOption[T any](r *Registry, m *chanMember, cfg chanConfig) func(T) int {
	if m == nil || cfg.bytes == nil {
		return nil
	}
	size, ok := cfg.bytes.(func(T) int)
	if !ok {
		r.conflict(true)
		return nil
	}
	m.series.bytes.Store(true)
	m.wantSize.Store(true)
	return func(v T) (n int) {
		defer func() {
			if recover() != nil {
				r.faults.Add(1)
			}
		}()
		return max(size(v), 0)
	}
}

// Send sends v, as ch <- v does: it waits for room, for ever on a nil channel,
// and panics on a closed one.
func (c *Chan[T]) Send(v T) {
	if c.m == nil {
		c.ch <- v
		return
	}
	// This is try, written out: the call would be a tenth of a send.
	m := c.m
	if c.bytes != nil && m.wantSize.Load() {
		c.noteSize(v)
	}
	outcome := sendPanicked
	defer m.countPanic(&outcome)
	select {
	case c.ch <- v:
		outcome = sendOK
		if n := m.sent.Add(1); n >= m.sendDue.Load() {
			if m.lookAtSend(n, int64(len(c.ch))) {
				n = m.sent.Load() // before the depth: see scheduleSend
				m.lookAgain(n, int64(len(c.ch)))
			}
		}
		runtime.KeepAlive(c) // as in try
	default:
		outcome = sendFull
		c.sendWaiting(v)
	}
}

// SendContext sends v, and gives up with ctx.Err() when ctx is done first. A ctx
// that is done already fails before anything is tried; a nil ctx is never done.
// It panics on a closed channel, as the native send does.
func (c *Chan[T]) SendContext(ctx context.Context, v T) error {
	done, err := doneOf(ctx)
	if err != nil {
		if c.m != nil {
			c.m.canceled.Add(1)
			runtime.KeepAlive(c) // as in try
		}
		return err
	}
	if c.m == nil {
		select {
		case c.ch <- v:
			return nil
		case <-done:
			return ctx.Err()
		}
	}
	if c.try(v) {
		return nil
	}
	if !c.sendWaitingOr(done, v) {
		return ctx.Err()
	}
	return nil
}

// doneOf returns the channel that says that ctx is done, or the error if it is
// already. It is nil for a nil ctx.
func doneOf(ctx context.Context) (<-chan struct{}, error) {
	if ctx == nil {
		return nil, nil
	}
	return ctx.Done(), ctx.Err()
}

// TrySend sends v if there is room or a receiver waits, and reports whether it
// did. What it refuses is counted as outcome "full". It panics on a closed
// channel.
func (c *Chan[T]) TrySend(v T) bool {
	if c.m == nil {
		select {
		case c.ch <- v:
			return true
		default:
			return false
		}
	}
	if c.try(v) {
		return true
	}
	c.refused()
	return false
}

// refused counts a TrySend that found no room. Where room was made before the time
// was noted, nobody would come to end it.
func (c *Chan[T]) refused() {
	if t := c.m.tryFailed(); t != 0 && len(c.ch) < cap(c.ch) {
		c.m.notFull(t)
	}
	runtime.KeepAlive(c) // as in try
}

// try is the fast path of every send. It reads no clock, because a send that finds
// room did not wait, and looks at nothing that another processor writes but the
// channel and the count of sends, unless the send is due for a closer look.
func (c *Chan[T]) try(v T) bool {
	m := c.m
	if c.bytes != nil && m.wantSize.Load() {
		c.noteSize(v)
	}
	outcome := sendPanicked
	defer m.countPanic(&outcome)
	select {
	case c.ch <- v:
		outcome = sendOK
		if n := m.sent.Add(1); n >= m.sendDue.Load() {
			if m.lookAtSend(n, int64(len(c.ch))) {
				n = m.sent.Load() // before the depth: see scheduleSend
				m.lookAgain(n, int64(len(c.ch)))
			}
		}
		runtime.KeepAlive(c) // or the channel could be retired before its last send counts
		return true
	default:
		outcome = sendFull
		return false
	}
}

// noteSize takes the size of a message that is about to be sent: afterwards it is
// the receiver's, which may be writing to it.
func (c *Chan[T]) noteSize(v T) {
	if len(c.ch) < cap(c.ch) { // a full channel may be tried for ever
		c.m.noteBytes(c.bytes(v))
	}
}

// sentWaiting counts a send that had to wait.
func (c *Chan[T]) sentWaiting() {
	m := c.m
	if n := m.sent.Add(1); n >= m.sendDue.Load() {
		m.lookAtWaited(n, int64(len(c.ch)))
	}
	runtime.KeepAlive(c) // as in try
}

// beginSend begins a send that has to wait.
func (c *Chan[T]) beginSend(v T) *waiter {
	if c.bytes != nil && c.m.wantSize.Load() {
		c.m.noteBytes(c.bytes(v))
	}
	return c.m.beginSend()
}

// endSend is deferred, so that a send that panics ends its wait as well.
func (c *Chan[T]) endSend(w *waiter, o *sendOutcome) {
	c.m.endSend(w, *o, int64(len(c.ch)))
	runtime.KeepAlive(c)
}

type sendOutcome uint8

const (
	sendPanicked sendOutcome = iota
	sendOK
	sendFull
	sendCanceled
)

// countPanic is deferred around a native send. It does not recover, so the panic
// and its stack are the program's own.
func (m *chanMember) countPanic(o *sendOutcome) {
	if *o == sendPanicked {
		m.closedSends.Add(1)
	}
}

// sendWaiting sends on a channel that was found full.
func (c *Chan[T]) sendWaiting(v T) {
	outcome := sendPanicked
	w := c.beginSend(v)
	defer c.endSend(w, &outcome)
	// Not a select: the goroutine then shows as "chan send" in profiles.
	c.ch <- v
	outcome = sendOK
	c.sentWaiting()
}

// sendWaitingOr is sendWaiting that gives up when done is closed.
func (c *Chan[T]) sendWaitingOr(done <-chan struct{}, v T) bool {
	outcome := sendPanicked
	w := c.beginSend(v)
	defer c.endSend(w, &outcome)
	select {
	case c.ch <- v:
		outcome = sendOK
		c.sentWaiting()
		return true
	case <-done:
		outcome = sendCanceled
		return false
	}
}

// Recv receives, as v, ok := <-ch does: it waits for a message, and ok is false
// when the channel is closed and drained.
func (c *Chan[T]) Recv() (v T, ok bool) {
	m := c.m
	if m == nil {
		v, ok = <-c.ch
		return v, ok
	}
	select {
	case v, ok = <-c.ch:
	default:
		return c.recvWaiting()
	}
	if ok {
		if r := m.received.Add(1); r >= m.recvDue.Load() {
			c.lookAtRecv(r)
		}
	}
	runtime.KeepAlive(c) // or the channel could be retired before its last receive counts
	return v, ok
}

// recvWaiting receives from a channel that was found empty.
func (c *Chan[T]) recvWaiting() (v T, ok bool) {
	c.m.blockedReceivers.Add(stays)
	v, ok = <-c.ch
	c.endRecv(stays, ok)
	return v, ok
}

// endRecv ends a receive that had to wait. It is blocked no more before it counts:
// whoever reads between sees a message less received, never one more than was.
func (c *Chan[T]) endRecv(as int64, ok bool) {
	c.m.blockedReceivers.Add(-as)
	if ok {
		c.recvd()
	}
	runtime.KeepAlive(c)
}

// recvd counts a receive, as Recv does.
func (c *Chan[T]) recvd() {
	m := c.m
	if r := m.received.Add(1); r >= m.recvDue.Load() {
		c.lookAtRecv(r)
	}
	runtime.KeepAlive(c)
}

func (c *Chan[T]) lookAtRecv(r uint64) {
	m := c.m
	// Again for those who passed by meanwhile, as long as they took stamped messages:
	// nobody else comes for their stamps before the next message, maybe hours later.
	for again, looks := true, 0; again || looks < 2; looks++ {
		if r < m.recvDue.Load() || !claim(&m.recvDue) {
			return
		}
		sent := m.sent.Load() // before the depth: see countNative
		again = m.lookAtRecv(r, sent, int64(len(c.ch)))
		r = m.received.Load()
	}
}

// RecvContext receives, and gives up with ctx.Err() when ctx is done first. It
// returns ErrClosed when the channel is closed and drained. A ctx that is done
// already fails before anything is tried; a nil ctx is never done.
func (c *Chan[T]) RecvContext(ctx context.Context) (v T, err error) {
	done, err := doneOf(ctx)
	if err != nil {
		c.m.noteAsked()
		return v, err
	}
	if v, ok, empty := c.poll(); !empty {
		return v, closedUnless(ok)
	}
	as := int64(stays)
	if done != nil {
		as = mayLeave
	}
	if c.m != nil {
		c.m.blockedReceivers.Add(as)
	}
	received := false
	select {
	case v, received = <-c.ch:
		err = closedUnless(received)
	case <-done:
		err = ctx.Err()
	}
	if c.m != nil {
		c.endRecv(as, received)
	}
	return v, err
}

func closedUnless(ok bool) error {
	if !ok {
		return ErrClosed
	}
	return nil
}

// TryRecv receives if a message is there. ok is false where there is none,
// whether or not the channel is closed.
func (c *Chan[T]) TryRecv() (v T, ok bool) {
	v, ok, _ = c.poll()
	return v, ok
}

// poll receives without waiting. empty is false also for a closed channel.
func (c *Chan[T]) poll() (v T, ok, empty bool) {
	select {
	case v, ok = <-c.ch:
		if ok && c.m != nil {
			c.recvd()
		}
		return v, ok, false
	default:
		c.m.noteAsked()
		return v, false, true
	}
}

// All receives until the channel is closed and drained: for v := range c.All()
// is for v := range ch.
func (c *Chan[T]) All() iter.Seq[T] { return all(c.Recv) }

func all[T any](recv func() (T, bool)) iter.Seq[T] {
	return func(yield func(T) bool) {
		for v, ok := recv(); ok && yield(v); v, ok = recv() {
		}
	}
}

// C returns the receiving side, for select and range. Receives, depth and ages
// stay right, because what was received is what was sent and is no longer
// there; waits are measured for receives through the Chan only, and what is
// left in the channel when it is collected counts as unverified, not abandoned.
func (c *Chan[T]) C() <-chan T { return c.Raw() }

// Raw returns the native channel. What holds for C holds here; and a send made
// through it, in a select, wants a call of Sent after it.
func (c *Chan[T]) Raw() chan T {
	if c.m != nil && !c.m.exposed.Load() {
		c.m.expose()
	}
	return c.ch
}

// Sent counts one send that was made through Raw.
func (c *Chan[T]) Sent() {
	if m := c.m; m != nil {
		if n := m.sent.Add(1); n >= m.sendDue.Load() {
			if m.lookAtSend(n, int64(len(c.ch))) {
				n = m.sent.Load() // before the depth: see scheduleSend
				m.lookAgain(n, int64(len(c.ch)))
			}
		}
		runtime.KeepAlive(c) // as in try
	}
}

// Len returns the number of messages buffered now.
func (c *Chan[T]) Len() int { return len(c.ch) }

// Cap returns the capacity.
func (c *Chan[T]) Cap() int { return cap(c.ch) }

// Close closes the channel. It panics if that is closed already or nil, as close
// does.
func (c *Chan[T]) Close() {
	close(c.ch)
	if c.m != nil {
		c.m.closed.Add(1)
	}
	runtime.KeepAlive(c) // or the channel could be retired before this is counted
}

// Stats returns the numbers of this channel alone, looked at now; its histograms
// are those of its name. It is the zero ChanStats where nothing is measured.
func (c *Chan[T]) Stats() ChanStats {
	if c.m == nil {
		return ChanStats{}
	}
	defer runtime.KeepAlive(c)
	return c.m.series.readOne(c.m)
}
