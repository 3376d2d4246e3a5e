package main

import (
	"context"
	"errors"
	"time"

	"github.com/weir-go/weir/instrument"
)

// everything turns on what a channel measures only when it is told to.
func everything(l *lab) []instrument.ChanOption {
	return []instrument.ChanOption{
		instrument.WithRegistry(l.weir),
		instrument.WithOwner("bench"),
		instrument.WithBytes(func(int) int { return 8 }),
		instrument.WithWaitTarget(time.Millisecond),
	}
}

// wrapped is a channel that is sent to and received from through weir.
type wrapped struct{ *instrument.Chan[int] }

func (c wrapped) pairs(n int) (sum int) {
	for i := range n {
		c.Send(i)
		v, _ := c.Recv()
		sum += v
	}
	return sum
}

func (c wrapped) send(n int) {
	for i := range n {
		c.Send(i)
	}
}

func (c wrapped) receive() (sum int) {
	for {
		v, ok := c.Recv()
		if !ok {
			return sum
		}
		sum += v
	}
}

func (c wrapped) close() { c.Close() }

// halfWrapped is sent to through weir and received from natively.
type halfWrapped struct{ wrapped }

func (c halfWrapped) pairs(n int) (sum int) {
	out := c.C()
	for i := range n {
		c.Send(i)
		sum += <-out
	}
	return sum
}

func (c halfWrapped) receive() (sum int) {
	for v := range c.C() {
		sum += v
	}
	return sum
}

func bothSides(l *lab, shape string) maker {
	name, options := "both sides, "+shape, everything(l)
	open := func() *instrument.Chan[int] { return instrument.NewChan[int](name, capacity, options...) }
	return maker{
		name: "both sides", must: 1.5, aim: 1.25,
		open: func() queue { return wrapped{open()} },
		check: func(messages uint64) error {
			return errors.Join(checkMoved(l.channel(name), messages, true), checkRest(l, name, open()))
		},
	}
}

func sendSide(l *lab, shape string) maker {
	name, options := "send, native receive, "+shape, everything(l)
	open := func() *instrument.Chan[int] { return instrument.NewChan[int](name, capacity, options...) }
	return maker{
		name: "send, native receive", must: 1.35, aim: 1.15,
		open: func() queue { return halfWrapped{wrapped{open()}} },
		check: func(messages uint64) error {
			return errors.Join(checkMoved(l.channel(name), messages, false), checkRest(l, name, open()))
		},
	}
}

// watchNoise is how far from 1 the interval of a watched channel may begin and
// be called noise: nothing of ours runs in its operations.
const watchNoise = 1.02

func watched(l *lab, shape string) maker {
	name := "watch, " + shape
	return maker{
		name: "watch", must: watchNoise, same: true,
		open: func() queue {
			return native(instrument.Watch(name, make(chan int, capacity), everything(l)...))
		},
		check: func(uint64) error { return checkWatched(l, name) },
	}
}

// checkMoved looks at what a race itself must have moved. Channels that were
// collected between two readings cannot tell received from left behind.
func checkMoved(c instrument.ChanStats, messages uint64, both bool) error {
	wrong := expect{}
	wrong.equal("sends", c.Sent, messages)
	wrong.equal("receives, unverified, abandoned and depth", c.Received+c.Unverified+c.Abandoned+uint64(c.Depth), messages)
	wrong.above("receives", c.Received)
	wrong.above("depth peak", uint64(c.DepthPeak))
	wrong.above("created", c.Created)
	if both {
		wrong.equal("receives through the wrapper", c.Received, messages)
		// Samples stand for the messages since the sample before; where
		// receivers race some go without.
		wrong.above("waits against half the messages", min(c.Wait.Count, c.Waits)*2/messages)
	}
	return wrong.err()
}

// checkRest makes happen, on one more channel of the same name, what need not
// happen in a race, and looks whether it was counted.
func checkRest(l *lab, name string, c *instrument.Chan[int]) error {
	before := l.channel(name)
	for range capacity {
		c.Send(1)
	}
	c.TrySend(1)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.SendContext(canceled, 1)
	go c.Send(1)
	await(func() bool { return c.Stats().BlockedSenders == 1 })
	full := c.Stats()
	for range capacity + 1 {
		c.Recv()
	}
	go c.Recv()
	await(func() bool { return c.Stats().BlockedReceivers == 1 })
	c.Close()
	func() {
		defer func() { _ = recover() }()
		c.Send(1)
	}()
	l.settle()
	after := l.channel(name)

	wrong := expect{}
	wrong.equal("depth of a full channel", uint64(full.Depth), capacity)
	wrong.above("age of the oldest message", uint64(full.OldestMessage))
	wrong.above("age of the oldest blocked sender", uint64(full.OldestBlockedSender))
	wrong.above("buffered bytes", uint64(full.BufferedBytes))
	wrong.equal("depth peak of a full channel", uint64(full.DepthPeak), capacity)
	wrong.above("time full", uint64(after.FullTime-before.FullTime))
	wrong.equal("refused sends", after.SendsFull-before.SendsFull, 1)
	wrong.equal("canceled sends", after.SendsCanceled-before.SendsCanceled, 1)
	wrong.equal("sends on the closed channel", after.SendsClosed-before.SendsClosed, 1)
	wrong.equal("blocked sends", after.SendBlocked.Count-before.SendBlocked.Count, 1)
	wrong.above("waits", after.Wait.Count-before.Wait.Count)
	wrong.above("waits against the target", after.Waits-before.Waits)
	wrong.equal("closes", after.Closed-before.Closed, 1)
	return wrong.err()
}

// checkWatched fills one more watched channel and has it read.
func checkWatched(l *lab, name string) error {
	c := instrument.Watch(name, make(chan int, capacity), everything(l)...)
	for i := range capacity {
		c <- i
	}
	l.settle()
	l.settle() // time full is what lies between two readings
	full := l.channel(name)
	wrong := expect{}
	wrong.above("depth of a full channel", uint64(full.Depth)/capacity)
	wrong.above("depth peak", uint64(full.DepthPeak)/capacity)
	wrong.above("capacity", uint64(full.Capacity))
	wrong.above("time full", uint64(full.FullTime))
	close(c)
	return wrong.err()
}
