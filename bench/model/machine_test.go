package model

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

// machine runs one program.
type machine struct {
	program
	objects  []object
	measured bool // or a native one, which has no statistics
	ctx      []context.Context
	cancel   []context.CancelFunc
	clock    atomic.Int64
	met      atomic.Int64
	logs     [][]*entry // by goroutine; the last is who acts at rest
	waits    int        // operations that waited until something was done at rest
}

// maker makes the i-th object of a program.
type maker func(p program, i int) object

// run runs a program on new objects, checks it, and adds it to a tally. It is in a
// bubble, whose clock is false but who can tell when all goroutines wait.
func run(t *testing.T, p program, create maker, measured bool, all *tally) (err error) {
	if lockless := !measured || !p.kind.queue; raceEnabled && lockless {
		p.withoutRaces()
	}
	synctest.Test(t, func(t *testing.T) {
		m := &machine{program: p, measured: measured, logs: make([][]*entry, len(p.routines)+1)}
		for i := range p.caps {
			m.objects = append(m.objects, create(p, i))
		}
		for range contexts {
			ctx, cancel := context.WithCancel(t.Context())
			m.ctx, m.cancel = append(m.ctx, ctx), append(m.cancel, cancel)
		}
		if err = m.play(); err == nil {
			err = m.check()
		}
		if err == nil {
			all.add(m)
			return
		}
		err = fmt.Errorf("%w\nseed %d, %s, capacities %v, at first %v:\n%v\nagain: -model.seed=%[2]d",
			err, p.seed, p.kind.name, p.caps, p.found, m)
		m.free(err)
	})
	return err
}

// free ends what still waits, one thing at a time. Those of a broken object know
// how; a goroutine that waits for weir for ever ends the whole test as a deadlock,
// so it is told before.
func (m *machine) free(err error) {
	for _, cancel := range m.cancel {
		cancel()
		synctest.Wait()
	}
	for _, o := range m.objects {
		if f, ok := o.(interface{ free() }); ok {
			f.free()
			synctest.Wait()
		}
		_ = textOf(o.Close) // or it is closed already
		synctest.Wait()
	}
	if len(m.waiting()) > 0 {
		fmt.Fprintln(os.Stderr, err)
	}
}

// play runs the goroutines until they have ended, and has something done whenever
// all who are left wait.
func (m *machine) play() error {
	m.start()
	for {
		synctest.Wait()
		if err := m.atRest(); err != nil {
			return err
		}
		waiting := len(m.waiting())
		m.waits += waiting
		if waiting == 0 {
			return nil
		}
		if len(m.rest) == 0 {
			return errors.New("everything is closed, and there are some who wait")
		}
		m.do(len(m.routines), m.rest[0])
		m.rest = m.rest[1:]
	}
}

// start starts the goroutines. They wait for each other, so that the first has not
// ended before the last begins.
func (m *machine) start() {
	var ready atomic.Int64
	for client, ops := range m.routines {
		go func() {
			for ready.Add(1); ready.Load() < int64(len(m.routines)); {
				runtime.Gosched()
			}
			for _, o := range ops {
				if o.yield {
					runtime.Gosched()
				}
				if o.meet {
					m.meet()
				}
				m.do(client, o)
			}
		}()
	}
}

// meet has two goroutines begin an operation at one time, if there are two on
// different processors: one spins for some microseconds, or until another comes.
func (m *machine) meet() {
	mine := m.met.Add(1)
	for range meetSpins * (mine % 2) {
		if m.met.Load() != mine {
			return
		}
	}
}

// stayAwake keeps the other processors from sleeping while a test runs: waking up
// takes longer than a program does.
func stayAwake(t *testing.T) {
	if runtime.GOMAXPROCS(0) == 1 {
		return
	}
	var stop atomic.Bool
	t.Cleanup(func() { stop.Store(true) })
	go func() {
		for !stop.Load() {
			runtime.Gosched()
		}
	}()
}

// do does one operation and notes it.
func (m *machine) do(client int, o op) {
	if o.kind == opPause {
		time.Sleep(o.pause) // of the bubble's clock
		return
	}
	e := &entry{op: o, client: client}
	m.logs[client] = append(m.logs[client], e)
	e.call = m.clock.Add(1)
	out := m.outcome(o)
	e.ret = m.clock.Add(1)
	e.outcome = out
}

var (
	sendOnClosed = textOf(func() { ch := make(chan int); close(ch); ch <- 1 })
	closeTwice   = textOf(func() { ch := make(chan int); close(ch); close(ch) })
)

func textOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = v.(runtime.Error).Error()
		}
	}()
	f()
	return ""
}

// outcome does an operation. What panics must do it as a native channel does.
func (m *machine) outcome(o op) (out outcome) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case runtime.Error:
			switch text := v.Error(); {
			case text == closeTwice && o.kind == opClose:
				out.tell(o.on, closePanic, 0)
			case text == sendOnClosed && (o.kind <= opNativeSend || o.sends):
				out.tell(o.on, sendPanic, 0)
			default:
				out.wrong = "panics with " + text
			}
		default:
			out.wrong = fmt.Sprintf("panics with %v, which is no runtime.Error", v)
		}
	}()
	c := m.objects[o.on]
	switch {
	case o.kind <= opNativeSend:
		m.send(c, o, &out)
	case o.kind <= opNativeRecv:
		m.receive(c, o, &out)
	case o.kind == opSelect || o.kind == opPoll:
		m.choose(o, &out)
	case o.kind == opLen:
		out.tell(o.on, length, c.Len())
	case o.kind == opStats:
		s := c.Stats()
		out.stats = &s
	case o.kind == opCancel:
		m.cancel[o.ctx]()
	case o.kind == opClose:
		c.Close()
		out.tell(o.on, closed, 0)
	}
	return out
}

func (m *machine) send(c object, o op, out *outcome) {
	switch o.kind {
	case opSend:
		c.Send(o.v)
	case opTrySend:
		if !c.TrySend(o.v) {
			out.tell(o.on, full, 0)
			return
		}
	case opSendContext:
		if err := c.SendContext(m.ctx[o.ctx], o.v); err != nil {
			out.ended(err)
			return
		}
	case opNativeSend:
		c.Raw() <- o.v
		c.Sent()
	}
	out.tell(o.on, sent, o.v)
}

func (m *machine) receive(c object, o op, out *outcome) {
	var v int
	var ok bool
	switch o.kind {
	case opRecv:
		v, ok = c.Recv()
	case opTryRecv:
		if v, ok = c.TryRecv(); !ok {
			out.tell(o.on, nothing, 0)
			return
		}
	case opRecvContext:
		var err error
		if v, err = c.RecvContext(m.ctx[o.ctx]); err != nil && !errors.Is(err, instrument.ErrClosed) {
			out.ended(err)
			return
		}
		ok = err == nil
	case opAll:
		for v = range c.All() {
			ok = true
			break
		}
	case opNativeRecv:
		v, ok = <-c.C()
	}
	out.received(o.on, v, ok)
}

// choose is a native select; a nil channel leaves its case out.
func (m *machine) choose(o op, out *outcome) {
	var to chan int
	var from [maxChannels]<-chan int
	if o.sends {
		to = m.objects[o.on].Raw()
	}
	for i := range m.objects {
		if o.from[i] {
			from[i] = m.objects[i].C()
		}
	}
	if o.kind == opPoll {
		select {
		case to <- o.v:
			m.sentNatively(o, out)
		case v, ok := <-from[0]:
			out.received(0, v, ok)
		case v, ok := <-from[1]:
			out.received(1, v, ok)
		default:
			o.refused(out)
		}
		return
	}
	select {
	case to <- o.v:
		m.sentNatively(o, out)
	case v, ok := <-from[0]:
		out.received(0, v, ok)
	case v, ok := <-from[1]:
		out.received(1, v, ok)
	case <-m.ctx[o.ctx].Done():
		out.canceled = true
	}
}

func (m *machine) sentNatively(o op, out *outcome) {
	m.objects[o.on].Sent()
	out.tell(o.on, sent, o.v)
}

// refused tells what a select that took its default knows.
func (o op) refused(out *outcome) {
	for i, is := range o.from {
		if is {
			out.tell(i, empty, 0)
		}
	}
	switch {
	case o.sends && o.from[o.on]:
		out.tell(o.on, neither, 0)
	case o.sends:
		out.tell(o.on, full, 0)
	}
}
