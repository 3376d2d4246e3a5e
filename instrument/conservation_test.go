package instrument

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// flow is a channel or a queue in use: four send and two receive.
type flow struct {
	send     func(sender, i int)
	receive  func()
	stats    func() ChanStats
	capacity int64 // 0 where there is none
}

const (
	flowSenders   = 4
	flowReceivers = 2
	flowCapacity  = 16
)

// flows are the ways to use one.
var flows = []struct {
	name string
	open func(r *Registry) flow
}{
	{"wrapper receives", func(r *Registry) flow {
		c := NewChan[int]("c", flowCapacity, WithRegistry(r))
		return flowOf(c, func() { c.Recv() })
	}},
	{"native receives", func(r *Registry) flow {
		c := NewChan[int]("c", flowCapacity, WithRegistry(r))
		return flowOf(c, func() { <-c.C() })
	}},
	{"select receives", func(r *Registry) flow {
		c := WrapChan("c", make(chan int, flowCapacity), WithRegistry(r))
		l := flowOf(c, func() {
			select {
			case <-c.C():
			case <-(chan int)(nil):
			}
		})
		send := l.send
		l.send = func(sender, i int) {
			if sender != 0 {
				send(sender, i)
				return
			}
			select {
			case c.Raw() <- i:
				c.Sent()
			case <-(chan int)(nil):
			}
		}
		return l
	}},
	{"both sorts receive", func(r *Registry) flow {
		c := NewChan[int]("c", flowCapacity, WithRegistry(r))
		var turn atomic.Int64
		return flowOf(c, func() {
			if turn.Add(1)%2 == 0 {
				c.Recv()
			} else {
				<-c.C()
			}
		})
	}},
	{"queue", func(r *Registry) flow {
		q := NewQueue[int]("c", WithRegistry(r))
		return flow{
			send:    func(_, i int) { q.Send(i) },
			receive: func() { q.Recv() },
			stats:   q.Stats,
		}
	}},
}

// flowOf has each sender send in a way of its own.
func flowOf(c *Chan[int], receive func()) flow {
	return flow{
		send: func(sender, i int) {
			switch sender {
			case 1:
				if !c.TrySend(i) {
					c.Send(i)
				}
			case 2:
				_ = c.SendContext(context.Background(), i) // which never ends
			default:
				c.Send(i)
			}
		},
		receive: receive, stats: c.Stats, capacity: int64(c.Cap()),
	}
}

// move has each sender send so many messages, all but left of them received, and
// returns when everybody has ended.
func (l flow) move(each, left int) {
	var all sync.WaitGroup
	for sender := range flowSenders {
		all.Go(func() {
			for i := range each {
				l.send(sender, i)
			}
		})
	}
	for range flowReceivers {
		all.Go(func() {
			for range (flowSenders*each - left) / flowReceivers {
				l.receive()
			}
		})
	}
	all.Wait()
}

// readWithoutRest reads in each of the given ways in turn until stop is called. No
// counter may go back, receives may not lead sends, and what is unaccounted for
// may only be on its way.
func readWithoutRest(t *testing.T, capacity int64, read ...func() ChanStats) (stop func()) {
	var done atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		before := make(map[string]float64)
		for n := 0; n < len(read) || !done.Load(); n++ {
			now := read[n%len(read)]()
			for what, v := range counters(now) {
				if v < before[what] {
					t.Errorf("%s goes back from %v to %v", what, before[what], v)
					return
				}
				before[what] = v
			}
			out := now.Received + now.Abandoned + now.Unverified
			if now.Depth < 0 || out > now.Sent || capacity > 0 && now.Depth > capacity*int64(now.Members) {
				t.Errorf("sent %d, received %d, abandoned %d, unverified %d, depth %d of %d members",
					now.Sent, now.Received, now.Abandoned, now.Unverified, now.Depth, now.Members)
				return
			}
		}
	})
	return func() {
		done.Store(true)
		reader.Wait()
	}
}

// TestNothingIsLostUnderLoad reads all the time, and whenever the senders and
// receivers have stopped, everything that was sent is accounted for.
func TestNothingIsLostUnderLoad(t *testing.T) {
	for _, way := range flows {
		t.Run(way.name, func(t *testing.T) {
			atProcs(t, func(t *testing.T) {
				const rounds, each = 20, 300
				r := NewRegistry()
				l := way.open(r)
				l.send(0, 0)
				l.receive()
				stop := readWithoutRest(t, l.capacity,
					func() ChanStats { return lookNow(t, r, "c") },
					func() ChanStats { return chanNow(t, r, "c") },
					l.stats)
				defer stop()
				for round := range rounds {
					left := 2 * ((round + 1) % 2) // which the next round takes
					l.move(each, 2*left-2)
					sent := uint64(1 + (round+1)*flowSenders*each)
					got := lookNow(t, r, "c")
					balance(t, got)
					if want := int64(left); got.Sent != sent || got.Depth != want {
						t.Fatalf("round %d: sent %d, depth %d, want %d and %d", round, got.Sent, got.Depth, sent, want)
					}
				}
			})
		})
	}
}

// TestNothingIsLostInChurn is the same for a name whose channels are made, used
// and dropped all the time, many of them with messages inside. They are collected
// while they are read.
func TestNothingIsLostInChurn(t *testing.T) {
	for _, way := range flows {
		t.Run(way.name, func(t *testing.T) {
			atProcs(t, func(t *testing.T) {
				const rounds, connections, each = 5, 20, 10
				r := NewRegistry()
				way.open(r)
				stop := readWithoutRest(t, way.open(r).capacity,
					func() ChanStats { return lookNow(t, r, "c") },
					func() ChanStats { runtime.GC(); return chanNow(t, r, "c") })
				defer stop()
				for round := range rounds {
					var all sync.WaitGroup
					for range 2 {
						all.Go(func() {
							for i := range connections {
								way.open(r).move(each, 2*(i%4))
							}
						})
					}
					all.Wait()
					want := uint64((round + 1) * 2 * connections * flowSenders * each)
					// A channel that is collected counts as it was last seen
					// until its cleanup has run.
					afterGC(t, fmt.Sprintf("round %d: sent is %d", round, want), func() bool {
						got := lookNow(t, r, "c")
						balance(t, got)
						return got.Sent == want
					})
				}
				afterGC(t, "all are retired", func() bool { return chanNow(t, r, "c").Members == 0 })
				got := chanNow(t, r, "c")
				balance(t, got)
				if left := uint64(rounds * 2 * connections * 3); got.Abandoned+got.Unverified < left || got.Depth != 0 {
					t.Errorf("abandoned %d, unverified %d, depth %d, want at least %d left", got.Abandoned, got.Unverified, got.Depth, left)
				}
			})
		})
	}
}

// TestHundredThousandComeAndGo makes and drops as many channels under one name
// while it is read: one series, no counter lost, and nothing left of them.
func TestHundredThousandComeAndGo(t *testing.T) {
	n := 100_000
	if testing.Short() || raceEnabled {
		n = 10_000
	}
	r := NewRegistry()
	stop := readWithoutRest(t, 0, func() ChanStats {
		for _, c := range r.Snapshot().Channels {
			return c
		}
		return ChanStats{}
	})
	comeAndGo(t, r, n/2)
	before := heap()
	comeAndGo(t, r, n/2)
	stop()
	// Registries of other tests are sampled meanwhile, and allocate.
	afterGC(t, "channels came and went, and no memory is in use for them", func() bool { return heap()-before <= int64(n) })
	s := r.Snapshot()
	if len(s.Channels) != 1 {
		t.Fatalf("%d series", len(s.Channels))
	}
	got, each := s.Channels[0], uint64(n/len(passers))
	balance(t, got)
	if got.Created != uint64(n) || got.Closed != each || got.Sent != 10*each || got.SendsFull != each {
		t.Errorf("created %d, closed %d, sent %d, full %d, want %d, %d, %d and %d",
			got.Created, got.Closed, got.Sent, got.SendsFull, n, each, 10*each, each)
	}
	// What a native receiver took before anybody looked is not known.
	if got.Abandoned != 3*each || got.Received+got.Unverified != 7*each || got.Received < 4*each {
		t.Errorf("abandoned %d, received %d, unverified %d, want %d, and %d for both others",
			got.Abandoned, got.Received, got.Unverified, 3*each, 7*each)
	}
	for i := range r.channels.byName["c"].shards {
		if sh := r.channels.byName["c"].shards[i].Load(); sh != nil && len(sh.live) != 0 {
			t.Errorf("part %d still has %d members", i, len(sh.live))
		}
	}
}

// passers are short lives of a channel.
var passers = [...]func(with ChanOption){
	func(with ChanOption) {
		c := NewChan[int]("c", 4, with)
		c.Send(1)
		c.Send(2)
		c.Recv()
		c.Close() // with a message inside
	},
	func(with ChanOption) {
		c := NewChan[int]("c", 1, with)
		c.Send(1)
		c.TrySend(2)
		c.Recv()
	},
	func(with ChanOption) {
		c := NewChan[int]("c", 4, with)
		c.Send(1)
		c.Send(2)
		<-c.C()
	},
	func(with ChanOption) {
		c := WrapChan("c", make(chan int, 2), with)
		c.Send(1)
		c.Send(2)
		c.Recv()
	},
	func(with ChanOption) {
		q := NewQueue[int]("c", with)
		q.Send(1)
		q.Send(2)
		q.Send(3)
		q.Recv()
	},
}

// comeAndGo makes n channels from several goroutines, and returns when all are
// collected.
func comeAndGo(t *testing.T, r *Registry, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range n / 4 {
				passers[i%len(passers)](WithRegistry(r))
			}
		})
	}
	all.Wait()
	afterGC(t, "all are retired", func() bool { return chanNow(t, r, "c").Members == 0 })
}

// TestUnrecordedSendTakesNothingBack has a message in the channel that nobody has
// counted yet, as every sender has for a moment.
func TestUnrecordedSendTakesNothingBack(t *testing.T) {
	c := NewChan[int]("c", 4, WithRegistry(NewRegistry()))
	c.Send(1)
	<-c.C()
	if got := c.Stats(); got.Sent != 1 || got.Received != 1 {
		t.Fatalf("sent %d, received %d, want 1 and 1", got.Sent, got.Received)
	}
	c.Raw() <- 2
	if got := c.Stats(); got.Sent != 1 || got.Received != 1 || got.Depth != 1 {
		t.Errorf("before Sent: sent %d, received %d, depth %d, want 1 of each", got.Sent, got.Received, got.Depth)
	}
	c.Sent()
	balance(t, c.Stats())
}

// TestCanceledReceiverWasGivenNothing sends after a receiver was canceled, and before
// it runs: the message is in the channel.
func TestCanceledReceiverWasGivenNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or it would run at once
	synctest.Test(t, func(t *testing.T) {
		c := NewChan[int]("c", 1, WithRegistry(NewRegistry()))
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _, _ = c.RecvContext(ctx) }()
			synctest.Wait()
			if got := c.Stats(); got.BlockedReceivers != 1 {
				t.Fatalf("%d receivers wait, want 1", got.BlockedReceivers)
			}
			cancel()
			c.TrySend(1)
			if got := c.Stats(); got.Depth != int64(c.Len()) || got.Depth+int64(got.Received) != int64(got.Sent) {
				t.Fatalf("depth %d of %d, %d received of %d", got.Depth, c.Len(), got.Received, got.Sent)
			}
			c.TryRecv()
			synctest.Wait()
		}
	})
}
