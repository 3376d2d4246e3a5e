package healthy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

var servers = []Program{
	{"HTTP server with ramps up and down", httpRamps},
	{"HTTP long poll", longPoll},
	{"connection churn with an outbox each", connectionChurn},
	{"connections that come one by one and stay for long", longConnections},
	{"requests with reply channels", replies},
	{"requests that time out, their replies unread", lateReplies},
	{"pub/sub with slow subscribers", pubSub},
	{"a morning: ever more connections for half an hour", morning},
	{"rolling deploy: all connections move", rollingDeploy},
}

// pipeListener is a network in memory: a bubble's time stands still while somebody
// waits for a real one.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (l *pipeListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve serves h until the end of the program, and returns a client of it.
func (w *World) serve(h http.HandlerFunc) *http.Client {
	l := newPipeListener()
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Hour}
	transport := &http.Transport{DialContext: l.DialContext, MaxIdleConnsPerHost: 8}
	w.Go(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the program is broken, not healthy
		}
	})
	w.Go(func() {
		<-w.Done()
		transport.CloseIdleConnections()
		_ = s.Close() // what it closes is in memory
	})
	return &http.Client{Transport: transport}
}

func (w *World) get(c *http.Client) {
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, "http://pipe/", nil)
	if err != nil {
		panic(err)
	}
	if resp, err := c.Do(req); err == nil {
		_ = resp.Body.Close() // it is empty
	}
}

// httpRamps has ever more clients for ten intervals, then ever fewer. Each request
// passes through a worker.
func httpRamps(w *World) {
	work := instrument.NewChan[chan struct{}]("http-work", 64, w.on())
	for range 32 {
		w.Go(func() {
			for {
				done, err := work.RecvContext(w.ctx)
				if err != nil {
					return
				}
				w.sleep(0.1)
				close(done)
			}
		})
	}
	client := w.serve(func(http.ResponseWriter, *http.Request) {
		done := make(chan struct{})
		if work.SendContext(w.ctx, done) != nil {
			return
		}
		select {
		case <-done:
		case <-w.Done():
		}
	})
	w.every(0.25, func(i int) {
		step := i / 4 % 20
		for range 3 * min(step, 20-step) {
			w.Go(func() { w.get(client) })
		}
	})
}

// longPoll has 200 clients that wait up to eight intervals for news.
func longPoll(w *World) {
	var mu sync.Mutex
	news := make(chan struct{})
	client := w.serve(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		wait := news
		mu.Unlock()
		select {
		case <-wait:
		case <-time.After(8 * w.Interval):
		case <-r.Context().Done():
		}
	})
	for range 200 {
		w.Go(func() {
			for !w.over() {
				w.get(client)
				w.sleep(0.1)
			}
		})
	}
	w.every(13, func(int) {
		mu.Lock()
		defer mu.Unlock()
		close(news)
		news = make(chan struct{})
	})
}

// connection has an outbox and a goroutine that writes it out. send returns false
// when the outbox is full.
type connection struct {
	outbox *instrument.Chan[string]
	gone   chan struct{}
}

func (w *World) connect(name string) *connection {
	c := &connection{instrument.NewChan[string](name, 16, w.on()), make(chan struct{})}
	w.Go(func() {
		defer close(c.gone)
		for range c.outbox.All() {
		}
	})
	return c
}

func (c *connection) close() {
	c.outbox.Close()
	<-c.gone
}

// connectionChurn opens 20 connections an interval; each lives for two.
func connectionChurn(w *World) {
	w.every(0.05, func(i int) {
		w.Go(func() {
			c := w.connect("outbox")
			for range 10 {
				c.outbox.TrySend(fmt.Sprint("hello ", i))
				w.sleep(0.2)
			}
			c.close()
		})
	})
}

// longConnections fills up to 300 connections over eight intervals, and they stay:
// a server that has just started.
func longConnections(w *World) {
	var all []*connection
	w.every(1, func(i int) {
		if i >= 8 {
			return
		}
		for range 300 / 8 {
			all = append(all, w.connect("session"))
		}
	})
	for _, c := range all {
		c.close()
	}
}

// morning has ever more connections for 60 intervals, and ever fewer after.
func morning(w *World) {
	var all []*connection
	w.every(1, func(i int) {
		if i < 60 {
			for range 5 {
				all = append(all, w.connect("player"))
			}
			return
		}
		for range min(5, len(all)) {
			all[0].close()
			all = all[1:]
		}
	})
	for _, c := range all {
		c.close()
	}
}

// rollingDeploy moves 200 connections, a tenth at a time, to a new server.
func rollingDeploy(w *World) {
	old, young := make([]*connection, 200), []*connection(nil)
	for i := range old {
		old[i] = w.connect("deployed")
	}
	w.every(2, func(int) {
		for range min(20, len(old)) {
			old[0].close()
			old, young = old[1:], append(young, w.connect("deployed"))
		}
		if len(old) == 0 {
			old, young = young, nil
		}
	})
	for _, c := range append(old, young...) {
		c.close()
	}
}

// replies asks a server, each request with a channel for the reply.
func replies(w *World) {
	type request struct{ reply *instrument.Chan[int] }
	requests := instrument.NewChan[request]("requests", 0, w.on())
	for range 8 {
		w.Go(func() {
			for r := range requests.All() {
				w.sleep(0.05)
				r.reply.Send(1)
			}
		})
	}
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() {
			for w.sleep(0.5) {
				reply := instrument.NewChan[int]("replies", 1, w.on())
				requests.Send(request{reply})
				reply.Recv()
			}
		})
	}
	clients.Wait()
	requests.Close()
}

// lateReplies gives up on one reply of ten. It is still sent, into a channel that
// has room for it, as it should be: nobody is stuck, and the channel is garbage.
func lateReplies(w *World) {
	w.every(0.1, func(i int) {
		reply := instrument.NewChan[int]("late-replies", 1, w.on())
		late := i%10 == 0
		w.Go(func() {
			if late {
				w.sleep(0.3)
			}
			reply.Send(1)
		})
		select {
		case <-reply.C():
		case <-time.After(w.Interval / 10):
		}
	})
}

// pubSub sends to 30 subscribers. Five are slow, and what they have no room for is
// dropped.
func pubSub(w *World) {
	var subscribers []*instrument.Chan[int]
	for i := range 30 {
		inbox := instrument.NewChan[int]("subscriber", 32, w.on())
		subscribers = append(subscribers, inbox)
		w.Go(func() {
			for range inbox.All() {
				if i < 5 {
					w.sleep(1)
				}
			}
		})
	}
	w.every(0.1, func(i int) {
		for _, s := range subscribers {
			s.TrySend(i)
		}
	})
	for _, s := range subscribers {
		s.Close()
	}
}
