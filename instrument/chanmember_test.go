package instrument

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// TestCountingAtRest drives each kind of traffic and checks, whenever nothing is
// in flight, that what was sent is received or still there.
func TestCountingAtRest(t *testing.T) {
	const rounds, batch = 20, 300
	receiveOne := func(c *Chan[int]) { <-c.C() }
	send := func(c *Chan[int], i int) { c.Send(i) }
	for _, way := range []struct {
		name    string
		make    func(r *Registry) *Chan[int]
		send    func(c *Chan[int], i int)
		receive func(c *Chan[int])
	}{
		{"wrapper", newOf(1000), send, func(c *Chan[int]) { c.Recv() }},
		{"cap 0", newOf(0), send, func(c *Chan[int]) { c.Recv() }},
		{"native receiver", newOf(1000), send, receiveOne},
		{"cap 0, native receiver", newOf(0), send, receiveOne},
		{"wrapped", wrapOf(0), send, func(c *Chan[int]) { c.Recv() }},
		{"wrapped with messages inside", wrapOf(17), send, func(c *Chan[int]) { c.Recv() }},
		{"watched, then wrapped with messages inside", watchedOf(17), send, receiveOne},
		{"select", newOf(10), func(c *Chan[int], i int) {
			select {
			case c.Raw() <- i:
				c.Sent()
			case <-(chan int)(nil):
			}
		}, func(c *Chan[int]) {
			select {
			case <-c.C():
			case <-(chan int)(nil):
			}
		}},
		{"receivers of both sorts", newOf(10), send, func(c *Chan[int]) {
			if c.m.received.Load()%2 == 0 {
				c.Recv()
			} else {
				<-c.Raw()
			}
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			atProcs(t, func(t *testing.T) {
				r := NewRegistry()
				c := way.make(r)
				found := c.Len()
				for range rounds {
					moveBatch(c, batch, way.send, way.receive)
					got := lookNow(t, r, "c")
					balance(t, got)
					if got.Depth != int64(c.Len()) || got.Depth != int64(found) {
						t.Fatalf("depth %d, the channel holds %d, want %d", got.Depth, c.Len(), found)
					}
				}
				if got := lookNow(t, r, "c"); got.Sent != uint64(found+rounds*batch) {
					t.Errorf("sent %d, want %d", got.Sent, found+rounds*batch)
				}
			})
		})
	}
}

func newOf(capacity int) func(*Registry) *Chan[int] {
	return func(r *Registry) *Chan[int] { return NewChan[int]("c", capacity, WithRegistry(r)) }
}

func wrapOf(found int) func(*Registry) *Chan[int] {
	return func(r *Registry) *Chan[int] { return WrapChan("c", filled(found), WithRegistry(r)) }
}

func watchedOf(found int) func(*Registry) *Chan[int] {
	return func(r *Registry) *Chan[int] {
		ch := Watch("c", filled(found), WithRegistry(r))
		r.Snapshot()
		return WrapChan("c", ch, WithRegistry(r))
	}
}

func filled(n int) chan int {
	ch := make(chan int, 1000)
	for i := range n {
		ch <- i
	}
	return ch
}

// moveBatch sends and receives n messages, each from three goroutines, and
// returns when all have ended.
func moveBatch(c *Chan[int], n int, send func(*Chan[int], int), receive func(*Chan[int])) {
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for i := range n / 3 {
				send(c, i)
			}
		})
		all.Go(func() {
			for range n / 3 {
				receive(c)
			}
		})
	}
	all.Wait()
}

// TestDepthIsTheTruth fills, drains and compares, with a second between, after
// which native channels are looked at again.
func TestDepthIsTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		made := NewChan[int]("made", 50, WithRegistry(r))
		exposed := NewChan[int]("exposed", 50, WithRegistry(r))
		wrapped := WrapChan("wrapped", make(chan int, 50), WithRegistry(r))
		watched := Watch("watched", make(chan int, 50), WithRegistry(r))
		queue := NewQueue[int]("queue", WithRegistry(r))
		check := func(want int64) {
			t.Helper()
			s := r.Snapshot()
			if got := chanIn(t, s, "made").Depth; got != want {
				t.Errorf("made: depth %d, want %d", got, want)
			}
			if got := chanIn(t, s, "queue").Depth; got != want {
				t.Errorf("queue: depth %d, want %d", got, want)
			}
			time.Sleep(time.Second)
			s = r.Snapshot()
			for _, name := range []string{"made", "queue", "exposed", "wrapped", "watched"} {
				if got := chanIn(t, s, name).Depth; got != want {
					t.Errorf("%s: depth %d, want %d", name, got, want)
				}
			}
			if got := wrapped.Stats().Depth; got != want {
				t.Errorf("Stats: depth %d, want %d", got, want)
			}
		}
		move := func(f func()) {
			for range 50 {
				f()
			}
		}
		check(0)
		move(func() { made.Send(1); exposed.Send(1); wrapped.Send(1); watched <- 1; queue.Send(1) })
		check(50)
		for range 20 {
			made.Recv()
			<-exposed.C()
			<-wrapped.C()
			<-watched
			queue.Recv()
		}
		check(30)
		for range 30 {
			made.TryRecv()
			<-exposed.C()
			wrapped.Recv()
			<-watched
			queue.TryRecv()
		}
		check(0)
	})
}

// TestDepthIsWhatIsBuffered reads while receivers have been given messages and have
// not run yet: what they were given is in the channel no more.
func TestDepthIsWhatIsBuffered(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or they would run at once
	const receivers, rounds = 5, 20
	for way, open := range map[string]func(r *Registry) *Chan[int]{
		"NewChan": newOf(100), "WrapChan": wrapOf(0), "cap 0": newOf(0),
	} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRegistry()
				c := open(r)
				for range receivers {
					go func() {
						for range c.All() {
						}
					}()
				}
				for round := range rounds {
					synctest.Wait()
					for range receivers + round%3 {
						c.Send(1)
					}
					most := int64(c.Len())
					got := lookNow(t, r, "c")
					balance(t, got)
					if least := int64(c.Len()); got.Depth > most || got.Depth < least || got.DepthPeak > 2 {
						t.Fatalf("depth %d and peak %d, %d to %d are buffered", got.Depth, got.DepthPeak, least, most)
					}
				}
				c.Close()
			})
		})
	}
}

// counters are the numbers of a reading that may never go back.
func counters(c ChanStats) map[string]float64 {
	return map[string]float64{
		"sent": float64(c.Sent), "received": float64(c.Received), "full": float64(c.SendsFull),
		"canceled": float64(c.SendsCanceled), "closed sends": float64(c.SendsClosed),
		"full time": float64(c.FullTime), "waits": float64(c.Waits), "over": float64(c.WaitsOverTarget),
		"wait count": float64(c.Wait.Count), "wait sum": c.Wait.Sum,
		"blocked count": float64(c.SendBlocked.Count), "blocked sum": c.SendBlocked.Sum,
		"created": float64(c.Created), "closed": float64(c.Closed),
		"abandoned": float64(c.Abandoned), "unverified": float64(c.Unverified),
	}
}

// neverBack reads until told to stop, through the snapshot with and without
// looking at native channels and through Stats, and checks that no counter goes
// back, that received never leads sent, and that depth never exceeds capacity.
func neverBack(t *testing.T, r *Registry, c *Chan[int], stop *atomic.Bool) {
	before := make(map[string]float64)
	for n := 0; !stop.Load(); n++ {
		var now ChanStats
		switch n % 3 {
		case 0:
			now = lookNow(t, r, "c")
		case 1:
			now = chanNow(t, r, "c")
		default:
			now = c.Stats()
			now.Created = uint64(before["created"])
		}
		for what, v := range counters(now) {
			if v < before[what] {
				t.Errorf("%s goes back from %v to %v", what, before[what], v)
				return
			}
			before[what] = v
		}
		if now.Received > now.Sent || now.WaitsOverTarget > now.Waits || now.Depth < 0 || now.Depth > int64(c.Cap()) {
			t.Errorf("received %d of %d, %d of %d over target, depth %d", now.Received, now.Sent, now.WaitsOverTarget, now.Waits, now.Depth)
			return
		}
	}
}

func TestCountersNeverGoBack(t *testing.T) {
	for _, way := range []struct {
		name    string
		receive func(c *Chan[int])
	}{
		{"native", func(c *Chan[int]) {
			for range c.C() {
			}
		}},
		{"wrapper", func(c *Chan[int]) {
			for range c.All() {
			}
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			atProcs(t, func(t *testing.T) {
				const each = 20_000
				r := NewRegistry()
				c := NewChan[int]("c", 64, WithRegistry(r), WithWaitTarget(time.Microsecond))
				var stop atomic.Bool
				var senders, receivers, reader sync.WaitGroup
				for s := range 4 {
					senders.Go(func() {
						for i := range each {
							if s > 0 || !c.TrySend(i) {
								c.Send(i)
							}
						}
					})
				}
				for range 2 {
					receivers.Go(func() { way.receive(c) })
				}
				reader.Go(func() { neverBack(t, r, c, &stop) })
				senders.Wait()
				c.Close()
				receivers.Wait()
				stop.Store(true)
				reader.Wait()
				got := lookNow(t, r, "c")
				balance(t, got)
				if got.Sent != 4*each || got.Received != 4*each {
					t.Errorf("sent %d, received %d, want %d", got.Sent, got.Received, 4*each)
				}
			})
		})
	}
}

// TestUnrecordedSends mixes in sends that nobody told of: then receives are not
// known, but nothing may wrap, go back, or look stalled.
func TestUnrecordedSends(t *testing.T) {
	r := NewRegistry()
	c := NewChan[int]("c", 64, WithRegistry(r))
	var stop atomic.Bool
	var senders, receivers, reader sync.WaitGroup
	for s := range 4 {
		senders.Go(func() {
			for i := range 20_000 {
				if s%2 == 0 {
					c.Raw() <- i
				} else {
					c.Send(i)
				}
			}
		})
	}
	receivers.Go(func() {
		for range c.All() {
		}
	})
	reader.Go(func() { neverBack(t, r, c, &stop) })
	senders.Wait()
	c.Close()
	receivers.Wait()
	stop.Store(true)
	reader.Wait()
	if got := lookNow(t, r, "c"); got.Sent != 40_000 || got.Received != 40_000 {
		t.Errorf("sent %d, received %d", got.Sent, got.Received)
	}
}

func TestUnrecordedSendsAreNoStall(t *testing.T) {
	for _, native := range []bool{false, true} {
		t.Run(fmt.Sprintf("native=%v", native), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRegistry()
				c := WrapChan("c", make(chan int, 100), WithRegistry(r), WithStallAfter(time.Minute))
				for range 20 {
					c.Raw() <- 1 // forgotten, each time
				}
				for i := range 600 {
					switch {
					case i%2 == 0:
						c.Raw() <- 1
					case native:
						<-c.C()
					default:
						c.Recv()
					}
					time.Sleep(time.Second)
					if got := chanNow(t, r, "c"); got.Stalled != 0 {
						t.Fatalf("stalled after %d s, though messages move", i)
					}
				}
			})
		})
	}
}

func TestOutcomes(t *testing.T) {
	r := NewRegistry()
	c := NewChan[int]("c", 1, WithRegistry(r))
	c.Send(1)
	c.TrySend(2)
	c.TrySend(3)
	c.Close()
	panicText(t, func() { c.Send(4) })
	panicText(t, func() { c.TrySend(5) })
	panicText(t, func() { _ = c.SendContext(t.Context(), 6) })
	panicText(t, c.Close)
	got := chanNow(t, r, "c")
	if got.Sent != 1 || got.SendsFull != 2 || got.SendsClosed != 3 || got.Closed != 1 {
		t.Errorf("ok %d, full %d, closed sends %d, closed %d", got.Sent, got.SendsFull, got.SendsClosed, got.Closed)
	}
	balance(t, got)
}

func TestBlockedGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 1, WithRegistry(r))
		c.Send(0)
		go c.Send(1)
		time.Sleep(3 * time.Second)
		go func() { _ = c.SendContext(t.Context(), 2) }()
		time.Sleep(2 * time.Second)
		got := chanNow(t, r, "c")
		if got.BlockedSenders != 2 || got.OldestBlockedSender != 5*time.Second {
			t.Errorf("%d senders wait, the oldest for %v", got.BlockedSenders, got.OldestBlockedSender)
		}
		c.Recv()
		synctest.Wait()
		if got = chanNow(t, r, "c"); got.BlockedSenders != 1 || got.OldestBlockedSender != 2*time.Second {
			t.Errorf("then %d wait, the oldest for %v", got.BlockedSenders, got.OldestBlockedSender)
		}
		c.Recv()
		c.Recv()
		synctest.Wait()
		got = chanNow(t, r, "c")
		if got.BlockedSenders != 0 || got.OldestBlockedSender != 0 || got.SendBlocked.Count != 2 || got.SendBlocked.Sum != 7 {
			t.Errorf("at last %d wait; %d waited for %v s", got.BlockedSenders, got.SendBlocked.Count, got.SendBlocked.Sum)
		}
		for range 3 {
			go c.Recv()
		}
		synctest.Wait()
		if got = chanNow(t, r, "c"); got.BlockedReceivers != 3 {
			t.Errorf("%d receivers wait, want 3", got.BlockedReceivers)
		}
		c.Close()
		synctest.Wait()
		if got = chanNow(t, r, "c"); got.BlockedReceivers != 0 {
			t.Errorf("%d receivers wait after Close", got.BlockedReceivers)
		}
	})
}

// TestFullTime compares the time full with what it was by construction.
func TestFullTime(t *testing.T) {
	fill := func(c *Chan[int]) {
		for c.TrySend(1) {
		}
	}
	for _, c := range []struct {
		name   string
		play   func(r *Registry, c *Chan[int])
		lo, hi time.Duration
	}{
		{"never full", func(_ *Registry, c *Chan[int]) {
			c.Send(1)
			time.Sleep(time.Minute)
		}, 0, 0},
		{"full, found by TrySend, and drained", func(_ *Registry, c *Chan[int]) {
			fill(c)
			time.Sleep(10 * time.Second)
			c.Recv()
			time.Sleep(time.Hour)
			c.Recv()
		}, 10 * time.Second, 10 * time.Second},
		{"full and stays so", func(_ *Registry, c *Chan[int]) {
			fill(c)
			time.Sleep(10 * time.Second)
		}, 10 * time.Second, 10 * time.Second},
		{"full while eight senders are served one a second", func(_ *Registry, c *Chan[int]) {
			fill(c)
			for range 8 {
				go c.Send(1)
			}
			for range 8 {
				time.Sleep(time.Second)
				c.Recv()
				synctest.Wait()
			}
		}, 8 * time.Second, 8 * time.Second},
		{"the same with a native receiver", func(_ *Registry, c *Chan[int]) {
			fill(c)
			for range 8 {
				go c.Send(1)
			}
			for range 8 {
				time.Sleep(time.Second)
				<-c.C()
				synctest.Wait()
			}
		}, 8 * time.Second, 8 * time.Second},
		{"drained natively, refilled natively an hour later", func(_ *Registry, c *Chan[int]) {
			fill(c)
			<-c.C()
			<-c.C()
			time.Sleep(time.Hour)
			c.Recv()
		}, 0, 0},
		{"full until the sender that waits gives up", func(_ *Registry, c *Chan[int]) {
			for range c.Cap() {
				c.Send(1)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_ = c.SendContext(ctx, 1) // there is no room
			time.Sleep(10 * time.Second)
			c.Recv()
			time.Sleep(time.Hour)
			c.Recv()
		}, 20 * time.Second, 20 * time.Second},
		{"found full by a TrySend, and drained before that is noted", func(_ *Registry, c *Chan[int]) {
			c.refused()
			time.Sleep(time.Hour)
			c.Send(1)
			c.Recv()
		}, 0, 0},
		{"found full by a sender, and drained before that is noted", func(_ *Registry, c *Chan[int]) {
			c.sendWaiting(1)
			time.Sleep(time.Hour)
			c.Recv()
		}, 0, 0},
		{"read every second while a native receiver drains", func(r *Registry, c *Chan[int]) {
			fill(c)
			for range 10 {
				time.Sleep(time.Second)
				r.Snapshot()
			}
			<-c.C()
			for range 10 {
				time.Sleep(time.Second)
				r.Snapshot()
			}
		}, 9 * time.Second, 11 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRegistry()
				ch := NewChan[int]("c", 4, WithRegistry(r))
				c.play(r, ch)
				if got := ch.Stats().FullTime; got < c.lo || got > c.hi {
					t.Errorf("full for %v, want %v to %v", got, c.lo, c.hi)
				}
			})
		})
	}
}

func TestWatchedFullTimeIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		ch := Watch("c", make(chan int, 1), WithRegistry(r))
		ch <- 1
		r.Snapshot()
		time.Sleep(30*time.Second + time.Millisecond) // the sampler's work
		got := chanNow(t, r, "c")
		if got.FullTime < 29*time.Second || got.FullTime > 31*time.Second {
			t.Errorf("full for %v, want about 30 s", got.FullTime)
		}
		if got.FillRatioMax != 1 || got.Stalled != 0 || got.Moves {
			t.Errorf("fill %v, stalled %d, moves %v", got.FillRatioMax, got.Stalled, got.Moves)
		}
		<-ch
		time.Sleep(time.Minute)
		if now := chanNow(t, r, "c"); now.FullTime > got.FullTime+time.Second {
			t.Errorf("empty, and full for %v more", now.FullTime-got.FullTime)
		}
	})
}

// TestBufferedBytes sends slowly, so that each message is a sample: how soon the
// mean follows depends on how many of them are.
func TestBufferedBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[[]byte]("c", 1000, WithRegistry(r), WithBytes(func(b []byte) int { return len(b) }))
		for range 50 {
			c.Send(make([]byte, 1)) // a first mean that must not stick
			c.Recv()
		}
		for range 900 {
			time.Sleep(time.Millisecond)
			c.Send(make([]byte, 7))
		}
		got := chanNow(t, r, "c")
		if !got.HasBytes || !within(float64(got.BufferedBytes), 900*7, 0.01) {
			t.Errorf("buffered bytes %d, want about %d", got.BufferedBytes, 900*7)
		}
		q := NewQueue[string]("q", WithRegistry(r), WithBytes(func(s string) int { return len(s) }))
		q.Send("1234")
		if got := chanNow(t, r, "q"); got.BufferedBytes != 4 {
			t.Errorf("queue: buffered bytes %d, want 4", got.BufferedBytes)
		}
		runtime.KeepAlive(c)
		runtime.KeepAlive(q)
	})
}

// TestBytesAreAskedBeforeTheSend needs -race: after the send the message is the
// receiver's.
func TestBytesAreAskedBeforeTheSend(_ *testing.T) {
	size := func(b *[]byte) int { return len(*b) }
	r := NewRegistry()
	c := NewChan[*[]byte]("c", 4, WithRegistry(r), WithBytes(size))
	q := NewQueue[*[]byte]("q", WithRegistry(r), WithBytes(size))
	var all sync.WaitGroup
	all.Go(func() {
		for range 2000 {
			c.Send(new([]byte))
			q.Send(new([]byte))
		}
	})
	all.Go(func() {
		for range 2000 {
			b, _ := c.Recv()
			*b = append(*b, 1)
			b, _ = q.Recv()
			*b = append(*b, 1)
		}
	})
	all.Wait()
}

func TestBytesThatPanic(t *testing.T) {
	r := NewRegistry()
	c := NewChan[int]("c", 10, WithRegistry(r), WithBytes(func(int) int { panic("no") }))
	c.Send(1)
	negative := NewChan[int]("negative", 10, WithRegistry(r), WithBytes(func(int) int { return -5 }))
	negative.Send(1)
	s := r.Snapshot()
	if s.Self.CollectFaults == 0 || chanIn(t, s, "c").BufferedBytes != 0 || chanIn(t, s, "negative").BufferedBytes != 0 {
		t.Errorf("%d faults, %+v", s.Self.CollectFaults, s.Channels)
	}
	if v, ok := c.Recv(); v != 1 || !ok {
		t.Errorf("received %d, %v", v, ok)
	}
}

// TestIdleMemory measures what an idle member costs beyond its native channel.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has its own memory")
	}
	const n = 20_000
	native := bytesEach(n, func() any { return make(chan int, 4) })
	for _, way := range []struct {
		name string
		make func(r *Registry) any
	}{
		{"NewChan", func(r *Registry) any { return NewChan[int]("c", 4, WithRegistry(r)) }},
		{"Watch", func(r *Registry) any { return Watch("c", make(chan int, 4), WithRegistry(r)) }},
	} {
		r := NewRegistry()
		measured := bytesEach(n, func() any { return way.make(r) })
		t.Logf("%s: %d bytes beyond the native channel, of them %d the stats block", way.name, measured-native, unsafe.Sizeof(chanMember{}))
		if measured-native > 512 {
			t.Errorf("%s: an idle member costs %d bytes beyond its channel, want at most 512", way.name, measured-native)
		}
		afterGC(t, "all are retired", func() bool { return chanNow(t, r, "c").Members == 0 })
	}
}

// bytesEach returns how much the heap grows by each of n made objects.
func bytesEach(n int, create func() any) int64 {
	var before, after runtime.MemStats
	kept := make([]any, n)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range kept {
		kept[i] = create()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(n)
}

// TestHandedOutWhileRead hands the native channel out in the middle of a reading,
// which then counts as it would have before.
func TestHandedOutWhileRead(t *testing.T) {
	c := NewChan[int]("c", 4, WithRegistry(NewRegistry()))
	c.Send(1)
	c.m.shard.mu.Lock()
	defer c.m.shard.mu.Unlock()
	seen := glanceAt([]*chanMember{c.m}, allLooks)[0]
	c.Raw()
	c.m.refresh(now(), seen)
	if got := c.m.seen; got.sent != 1 || got.depth != 1 {
		t.Errorf("sent %d, depth %d, want 1 and 1", got.sent, got.depth)
	}
}
