package model

import (
	"context"
	"iter"

	"github.com/weir-go/weir/instrument"
)

// object is what a program runs on: the methods of instrument.Chan.
type object interface {
	Send(v int)
	TrySend(v int) bool
	SendContext(ctx context.Context, v int) error
	Recv() (v int, ok bool)
	TryRecv() (v int, ok bool)
	RecvContext(ctx context.Context) (int, error)
	All() iter.Seq[int]
	Raw() chan int
	C() <-chan int
	Sent()
	Len() int
	Close()
	Stats() instrument.ChanStats
}

// kind is a way of making objects.
type kind struct {
	name   string
	native bool // the native channel is used as well
	found  bool // messages are in it before it is measured
	queue  bool
	make   func(r *instrument.Registry, name string, ch chan int) object
}

var kinds = []kind{
	{name: "NewChan", make: newChan},
	{name: "NewChan, native side used", native: true, make: newChan},
	{name: "WrapChan", native: true, found: true, make: wrapChan},
	{name: "Queue", queue: true, make: newQueue},
}

func newChan(r *instrument.Registry, name string, ch chan int) object {
	return instrument.NewChan[int](name, cap(ch), options(r, cap(ch))...)
}

func wrapChan(r *instrument.Registry, name string, ch chan int) object {
	return instrument.WrapChan(name, ch, options(r, cap(ch))...)
}

func newQueue(r *instrument.Registry, name string, _ chan int) object {
	return queue{instrument.NewQueue[int](name, options(r, 0)...)}
}

// options has sizes asked for on some objects only: it is another path for sends.
func options(r *instrument.Registry, capacity int) []instrument.ChanOption {
	all := []instrument.ChanOption{instrument.WithRegistry(r)}
	if capacity%2 == 1 {
		all = append(all, instrument.WithBytes(func(v int) int { return v }))
	}
	return all
}

// queue is a Queue with the methods that it does not have; no program for queues
// calls them.
type queue struct{ *instrument.Queue[int] }

func (queue) TrySend(int) bool                           { panic("a queue has no TrySend") }
func (queue) SendContext(_ context.Context, _ int) error { panic("a queue has no SendContext") }
func (queue) Raw() chan int                              { panic("a queue has no native side") }
func (queue) C() <-chan int                              { panic("a queue has no native side") }
func (queue) Sent()                                      { panic("a queue has no native side") }

// native is a channel without anything around it. Its operations are those that
// the documentation of instrument.Chan names.
type native chan int

func (ch native) Send(v int) { ch <- v }

func (ch native) TrySend(v int) bool {
	select {
	case ch <- v:
		return true
	default:
		return false
	}
}

func (ch native) SendContext(ctx context.Context, v int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select { // a context that ends now does not make what is ready fail
	case ch <- v:
		return nil
	default:
	}
	select {
	case ch <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (ch native) Recv() (v int, ok bool) {
	v, ok = <-ch
	return v, ok
}

func (ch native) TryRecv() (v int, ok bool) {
	select {
	case v, ok = <-ch:
	default:
	}
	return v, ok
}

func (ch native) RecvContext(ctx context.Context) (v int, err error) {
	if err := ctx.Err(); err != nil {
		return v, err
	}
	select {
	case v, ok := <-ch:
		if !ok {
			return v, instrument.ErrClosed
		}
		return v, nil
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

func (ch native) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for v := range ch {
			if !yield(v) {
				return
			}
		}
	}
}

func (ch native) Raw() chan int               { return ch }
func (ch native) C() <-chan int               { return ch }
func (ch native) Sent()                       {}
func (ch native) Len() int                    { return len(ch) }
func (ch native) Close()                      { close(ch) }
func (ch native) Stats() instrument.ChanStats { return instrument.ChanStats{} }
