package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// capacity is that of every channel here.
const capacity = 1024

// shape is who sends and receives: so many goroutines each, or one that does
// both in turn where there are none.
type shape struct {
	name               string
	senders, receivers int
}

var shapes = []shape{
	{"uncontended", 0, 0},
	{"1:1", 1, 1},
	{"8:1", 8, 1},
	{"8:8", 8, 8},
}

// queue is a channel of ints with or without something around it. Each of its
// loops is written out for each kind of channel, so that no indirect call stands
// inside a loop and is measured with it. What is received is used, as programs do:
// a receive whose message is dropped spares the copy.
type queue interface {
	pairs(n int) (sum int) // n times: send one of 0 to n-1, receive one
	send(n int)
	receive() (sum int) // until closed
	close()
}

// maker makes channels of one kind, all measured under one name.
type maker struct {
	name      string
	must, aim float64
	same      bool // see row
	open      func() queue
	// check says which metrics did not move as they should have after so many
	// messages were sent and received.
	check func(messages uint64) error
}

// course is a maker in a shape, with the count of messages.
type course struct {
	maker
	shape    shape
	messages atomic.Uint64
	wrong    atomic.Uint64 // runs whose messages did not add up
	// last keeps the newest channel until the check: a collected one cannot be
	// asked any more.
	last queue
}

// run moves n messages through a new channel.
func (c *course) run(n int) time.Duration {
	c.last = c.open()
	c.messages.Add(uint64(n))
	want, got := upTo(n), 0
	start := time.Now()
	if c.shape.senders == 0 {
		got = c.last.pairs(n)
	} else {
		want, got = c.shape.move(c.last, n)
	}
	took := time.Since(start)
	if got != want {
		c.wrong.Add(1)
	}
	return took
}

// upTo returns the sum of 0 to n-1.
func upTo(n int) int { return n * (n - 1) / 2 }

// move sends n messages and returns when all were received, with the sum of what
// was sent and of what was received.
func (s shape) move(q queue, n int) (sent, received int) {
	var senders, receivers sync.WaitGroup
	var sum atomic.Int64
	for range s.receivers {
		receivers.Go(func() { sum.Add(int64(q.receive())) })
	}
	for i := range s.senders {
		share := n / s.senders
		if i < n%s.senders {
			share++
		}
		sent += upTo(share)
		senders.Go(func() { q.send(share) })
	}
	senders.Wait()
	q.close()
	receivers.Wait()
	return sent, int(sum.Load())
}

// channelRace is one shape, with all ways to measure a channel.
func channelRace(l *lab, s shape) race {
	var courses []*course
	for _, m := range makers(l, s.name) {
		courses = append(courses, &course{maker: m, shape: s})
	}
	r := race{what: "channel", shape: s.name, versus: []versus{
		{"both sides", "naive client_golang", 3},
		{"both sides", "naive OTel", 8},
	}}
	for _, c := range courses {
		r.rivals = append(r.rivals, contender{name: c.name, run: c.run, must: c.must, aim: c.aim, same: c.same})
	}
	r.native, r.rivals = r.rivals[0], r.rivals[1:]
	r.check = func() error {
		l.settle()
		failed := make([]error, len(courses))
		var checks sync.WaitGroup
		for i, c := range courses {
			checks.Go(func() { // side by side, because they wait for readings
				failed[i] = named("channel "+s.name+", "+c.name, c.finish())
			})
		}
		checks.Wait()
		return errors.Join(failed...)
	}
	return r
}

// finish says what did not arrive or was not counted.
func (c *course) finish() error {
	wrong := expect{}
	wrong.equal("runs whose messages do not add up", c.wrong.Load(), 0)
	return errors.Join(wrong.err(), c.check(c.messages.Load()))
}

// makers returns the native channel and then the others.
func makers(l *lab, shape string) []maker {
	return []maker{
		{name: "native", open: func() queue { return make(native, capacity) }, check: nothing},
		bothSides(l, shape),
		sendSide(l, shape),
		watched(l, shape),
		naiveProm(l, shape),
		naiveOTel(l, shape),
	}
}

func nothing(uint64) error { return nil }

// native is the bare channel.
type native chan int

func (c native) pairs(n int) (sum int) {
	for i := range n {
		c <- i
		sum += <-c
	}
	return sum
}

func (c native) send(n int) {
	for i := range n {
		c <- i
	}
}

func (c native) receive() (sum int) {
	for v := range c {
		sum += v
	}
	return sum
}

func (c native) close() { close(c) }
