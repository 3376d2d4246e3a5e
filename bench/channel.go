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
// inside a loop and is measured with it.
type queue interface {
	pairs(n int) // n times: send one, receive one
	send(n int)
	receive() // until closed
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
	// last keeps the newest channel until the check: a collected one cannot be
	// asked any more.
	last queue
}

// run moves n messages through a new channel.
func (c *course) run(n int) time.Duration {
	c.last = c.open()
	c.messages.Add(uint64(n))
	start := time.Now()
	if c.shape.senders == 0 {
		c.last.pairs(n)
	} else {
		c.shape.move(c.last, n)
	}
	return time.Since(start)
}

// move sends n messages and returns when all were received.
func (s shape) move(q queue, n int) {
	var senders, receivers sync.WaitGroup
	for range s.receivers {
		receivers.Go(q.receive)
	}
	for i := range s.senders {
		share := n / s.senders
		if i < n%s.senders {
			share++
		}
		senders.Go(func() { q.send(share) })
	}
	senders.Wait()
	q.close()
	receivers.Wait()
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
				failed[i] = named("channel "+s.name+", "+c.name, c.check(c.messages.Load()))
			})
		}
		checks.Wait()
		return errors.Join(failed...)
	}
	return r
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

func (c native) pairs(n int) {
	for i := range n {
		c <- i
		<-c
	}
}

func (c native) send(n int) {
	for i := range n {
		c <- i
	}
}

func (c native) receive() {
	for range c {
	}
}

func (c native) close() { close(c) }
