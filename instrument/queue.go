package instrument

import (
	"context"
	"iter"
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

// queueBlock is how many messages one allocation of a Queue holds.
const queueBlock = 64

// Queue is an unbounded first-in, first-out queue: Send never waits and never
// refuses. It gives its memory back as it drains, and keeps no reference to a
// message that was received. Nothing bounds what it holds, so put something in
// front of it that does (a Semaphore whose permit travels in the message), and
// watch its floor: it has no capacity series and says bounded="false" in
// weir_instrument_info. All methods are safe for concurrent use.
type Queue[T any] struct {
	m     *chanMember
	bytes func(T) int

	mu      sync.Mutex
	head    *queueChunk[T] // where messages are taken; nil when there are none
	tail    *queueChunk[T]
	spare   *queueChunk[T] // one, so that a queue around empty does not allocate
	depth   int
	closed  bool
	waiting list[receiver[T]]
}

// receiver is a goroutine that waits for a Queue's next message: a channel of
// capacity 1. It is reachable from the Queue alone, so the runtime's leak profile
// sees the goroutine when nobody has the Queue any more.
type receiver[T any] chan delivery[T]

type delivery[T any] struct {
	v  T
	ok bool
}

type queueChunk[T any] struct {
	items       [queueBlock]T
	first, past int
	next        *queueChunk[T]
}

// NewQueue makes a queue and measures it under name. An empty name measures
// nothing.
func NewQueue[T any](name string, opts ...ChanOption) *Queue[T] {
	q := new(Queue[T])
	cfg := chanConfigOf(opts)
	q.m = registerChan(name, (*byte)(unsafe.Pointer(q)), cfg, chanKind{
		target: targetQueue, elem: reflect.TypeFor[T](), capacity: -1, moves: true, skip: 1,
	})
	q.bytes = bytesOption[T](registryOr(cfg.registry), q.m, cfg)
	return q
}

// Send appends v. It never waits. It panics on a closed queue, with the panic of
// a send on a closed channel.
func (q *Queue[T]) Send(v T) {
	if q.bytes != nil && q.m.wantSize.Load() {
		q.m.noteBytes(q.bytes(v)) // before the message is the receiver's
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		if q.m != nil {
			q.m.closedSends.Add(1)
		}
		panicSendOnClosed()
	}
	before := q.depth
	r := q.waiting.takeFirst()
	if r == nil {
		q.push(v)
	}
	depth := int64(q.depth)
	var n uint64
	if q.m != nil { // under the lock, so that the depth is exact
		n = q.m.sent.Add(1)
		q.m.depths.observe(int64(before), depth)
		if r != nil {
			q.m.received.Add(1)
		}
	}
	q.mu.Unlock()
	if r != nil {
		r.value <- delivery[T]{v, true}
	}
	if q.m != nil && n >= q.m.nextStamp.Load() {
		q.m.stamp(n, depth)
	}
}

func (q *Queue[T]) push(v T) {
	if q.tail == nil || q.tail.past == queueBlock {
		chunk := q.spare
		if q.spare = nil; chunk == nil {
			chunk = new(queueChunk[T])
		}
		if q.tail == nil {
			q.head = chunk
		} else {
			q.tail.next = chunk
		}
		q.tail = chunk
	}
	q.tail.items[q.tail.past] = v
	q.tail.past++
	q.depth++
}

// pop takes the oldest message out. The queue is not empty.
func (q *Queue[T]) pop() T {
	var zero T
	c := q.head
	v := c.items[c.first]
	c.items[c.first] = zero // or a received message would live as long as its chunk
	c.first++
	q.depth--
	if c.first == c.past && (c.past == queueBlock || q.depth == 0) {
		if q.head = c.next; q.head == nil {
			q.tail = nil
		}
		c.first, c.past, c.next = 0, 0, nil
		q.spare = c
	}
	return v
}

// take receives without waiting, or makes a receiver that waits where wait is
// true. The queue's lock is held while counting, so that depth is exact.
func (q *Queue[T]) take(wait bool) (v T, ok bool, w *node[receiver[T]]) {
	q.mu.Lock()
	if q.depth == 0 {
		if wait && !q.closed {
			w = &node[receiver[T]]{value: make(receiver[T], 1)}
			q.waiting.add(w)
		}
		q.mu.Unlock()
		q.m.noteAsked()
		return v, false, w
	}
	v = q.pop()
	depth := int64(q.depth)
	var r uint64
	if q.m != nil {
		r = q.m.received.Add(1)
	}
	q.mu.Unlock()
	if q.m != nil && r >= q.m.recvDue.Load() {
		q.m.lookAtRecv(r, q.m.sent.Load(), depth)
	}
	return v, true, nil
}

// Recv takes the oldest message, and waits for one. ok is false when the queue is
// closed and drained.
func (q *Queue[T]) Recv() (v T, ok bool) {
	v, ok, w := q.take(true)
	if w == nil {
		return v, ok
	}
	q.block(1)
	defer q.block(-1)
	d := <-w.value
	return d.v, d.ok
}

// RecvContext takes the oldest message, and gives up with ctx.Err() when ctx is
// done before there is one. It returns ErrClosed when the queue is closed and
// drained. A ctx that is done already fails first; a nil ctx is never done.
func (q *Queue[T]) RecvContext(ctx context.Context) (v T, err error) {
	done, err := doneOf(ctx)
	if err != nil {
		q.m.noteAsked()
		return v, err
	}
	v, ok, w := q.take(true)
	if w == nil {
		return v, closedUnless(ok)
	}
	q.block(1)
	defer q.block(-1)
	select {
	case d := <-w.value:
		return d.v, closedUnless(d.ok)
	case <-done:
		if q.forget(w) {
			return v, ctx.Err()
		}
		d := <-w.value // handed to us meanwhile: it must not be lost
		return d.v, closedUnless(d.ok)
	}
}

// TryRecv takes the oldest message if there is one.
func (q *Queue[T]) TryRecv() (v T, ok bool) {
	v, ok, _ = q.take(false)
	return v, ok
}

// All takes messages until the queue is closed and drained.
func (q *Queue[T]) All() iter.Seq[T] { return all(q.Recv) }

// Len returns the number of messages in the queue.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.depth
}

// Close ends sending; what is in the queue can still be received. It panics if
// the queue is closed already, as close does.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		panicCloseOfClosed()
	}
	q.closed = true
	for r := q.waiting.takeFirst(); r != nil; r = q.waiting.takeFirst() {
		r.value <- delivery[T]{} // has room: never waits
	}
	q.mu.Unlock()
	if q.m != nil {
		q.m.closed.Add(1)
	}
	runtime.KeepAlive(q) // or the queue could be retired before this is counted
}

// Stats returns the numbers of this queue alone; its histograms are those of its
// name. It is the zero ChanStats where nothing is measured.
func (q *Queue[T]) Stats() ChanStats {
	if q.m == nil {
		return ChanStats{}
	}
	defer runtime.KeepAlive(q)
	return q.m.series.readOne(q.m)
}

func (q *Queue[T]) block(n int64) {
	if q.m != nil {
		q.m.blockedReceivers.Add(n)
	}
}

func (q *Queue[T]) forget(w *node[receiver[T]]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting.remove(w)
}

// closedChannel lends a Queue the runtime's own panics.
var closedChannel = func() chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

func panicSendOnClosed()  { closedChannel <- struct{}{} }
func panicCloseOfClosed() { close(closedChannel) }
