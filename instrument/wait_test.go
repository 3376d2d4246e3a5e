package instrument

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// traffic is a pattern of sends: burst messages at a time, every so often, and
// receivers that take some time for each.
type traffic struct {
	name      string
	receivers int // one, unless said otherwise
	bursts    int
	burst     func(i int) int
	every     func(i int) time.Duration
	service   func(i int) time.Duration
	// stall is how long the receiver stops at its thousandth message.
	stall time.Duration
}

func always[T any](v T) func(int) T { return func(int) T { return v } }

var traffics = []traffic{
	{name: "ten a second", bursts: 600, burst: always(1), every: always(100 * time.Millisecond), service: exponential(80 * time.Millisecond)},
	{name: "thirty at once, every second", bursts: 60, burst: always(30), every: always(time.Second), service: always(time.Millisecond)},
	{name: "three hundred at once, every second", bursts: 20, burst: always(300), every: always(time.Second), service: always(time.Millisecond)},
	{name: "five thousand at once, every second", bursts: 5, burst: always(5000), every: always(time.Second), service: always(100 * time.Microsecond)},
	{name: "eight at once, for eight receivers", receivers: 8, bursts: 200, burst: always(8), every: always(100 * time.Millisecond), service: always(time.Millisecond)},
	{name: "thirty at once, for eight receivers", receivers: 8, bursts: 100, burst: always(30), every: always(100 * time.Millisecond), service: always(time.Millisecond)},
	{name: "a stampede", bursts: 1, burst: always(30_000), every: always(time.Second), service: always(10 * time.Microsecond)},
	{name: "steady, near saturation", bursts: 12_000, burst: always(1), every: exponential(100 * time.Microsecond), service: exponential(90 * time.Microsecond)},
	{name: "fast, in small bursts", bursts: 1000, burst: always(16), every: exponential(100 * time.Microsecond), service: always(5 * time.Microsecond)},
	{name: "five million a second", bursts: 40_000, burst: always(1), every: exponential(200 * time.Nanosecond), service: exponential(197 * time.Nanosecond)},
	{name: "five million a second, and a stall", bursts: 40_000, burst: always(1), every: always(200 * time.Nanosecond), service: always(190 * time.Nanosecond), stall: 2 * time.Millisecond},
	{name: "a stalled receiver", bursts: 6000, burst: always(1), every: always(time.Millisecond), service: always(100 * time.Microsecond), stall: 3 * time.Second},
	{name: "quiet and busy seconds", bursts: 15_000, burst: always(1), every: quietAndBusy, service: exponential(150 * time.Microsecond)},
}

// exponential gives pauses that are the same in every run.
func exponential(mean time.Duration) func(int) time.Duration {
	rnd := rand.New(rand.NewPCG(1, uint64(mean)))
	return func(int) time.Duration { return time.Duration(rnd.ExpFloat64() * float64(mean)) }
}

// quietAndBusy is ten a second for ten messages, then 5,000 a second.
func quietAndBusy(i int) time.Duration {
	if i%5000 < 10 {
		return 100 * time.Millisecond
	}
	return 200 * time.Microsecond
}

// pipe is a Chan or a Queue.
type pipe interface {
	Send(time.Time)
	Recv() (time.Time, bool)
	Close()
}

// play runs the traffic and returns the true waits.
func (x traffic) play(p pipe) (waits []float64) {
	go func() {
		for i := range x.bursts {
			for range x.burst(i) {
				p.Send(time.Now())
			}
			time.Sleep(x.every(i))
		}
		p.Close()
	}()
	var all sync.WaitGroup
	var mu sync.Mutex
	for range max(x.receivers, 1) {
		all.Go(func() {
			for sent, ok := p.Recv(); ok; sent, ok = p.Recv() {
				mu.Lock()
				waits = append(waits, time.Since(sent).Seconds())
				n := len(waits)
				mu.Unlock()
				time.Sleep(x.service(n))
				if x.stall > 0 && n == 1000 {
					time.Sleep(x.stall)
				}
			}
		})
	}
	all.Wait()
	slices.Sort(waits)
	return waits
}

// TestWaitsAreTrue compares the histogram with messages that carry their own
// send time.
func TestWaitsAreTrue(t *testing.T) {
	for _, x := range traffics {
		for _, read := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/read=%v", x.name, read), func(t *testing.T) {
				for _, way := range []string{"chan", "wrapped", "queue"} {
					synctest.Test(t, func(t *testing.T) {
						r := NewRegistry()
						var p pipe = NewChan[time.Time]("c", 200_000, WithRegistry(r), WithWaitTarget(time.Millisecond))
						switch way {
						case "wrapped":
							p = WrapChan("c", make(chan time.Time, 200_000), WithRegistry(r), WithWaitTarget(time.Millisecond))
						case "queue":
							p = NewQueue[time.Time]("c", WithRegistry(r), WithWaitTarget(time.Millisecond))
						}
						if read {
							r.Snapshot() // the sampler goes on for three minutes
						}
						waits := x.play(p)
						compareWaits(t, way, waits, chanNow(t, r, "c"))
					})
				}
			})
		}
	}
}

func compareWaits(t *testing.T, way string, waits []float64, got ChanStats) {
	t.Helper()
	for _, q := range []float64{0.5, 0.9, 0.99} {
		want := waits[int(math.Ceil(q*float64(len(waits))))-1]
		have := got.Wait.Quantile(q)
		if want < 10e-6 {
			continue // shorter waits are not worth a clock read
		}
		if math.Abs(math.Log2(have/want))*bucketsPerOctave > 2 {
			t.Errorf("%s: p%v is %.3g s, in truth %.3g s", way, q*100, have, want)
		}
	}
	if n := float64(len(waits)); !within(float64(got.Wait.Count), n, 0.1) {
		t.Errorf("%s: the waits stand for %d messages of %v", way, got.Wait.Count, n)
	}
	if got.Waits != got.Wait.Count {
		t.Errorf("%s: %d waits against the target, %d in the histogram", way, got.Waits, got.Wait.Count)
	}
	over := float64(len(waits)) - float64(slices.IndexFunc(append(waits, math.Inf(1)), func(w float64) bool { return w > 1e-3 }))
	if share, want := float64(got.WaitsOverTarget)/float64(got.Waits), over/float64(len(waits)); math.Abs(share-want) > 0.05 {
		t.Errorf("%s: a share of %.3f is over target, in truth %.3f", way, share, want)
	}
}

// TestOldestAge holds messages back and compares the age of the oldest with what
// it is.
func TestOldestAge(t *testing.T) {
	for _, native := range []bool{false, true} {
		for _, backlog := range []int{1, 50, 1000, 20_000} {
			t.Run(fmt.Sprintf("native=%v/backlog=%d", native, backlog), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const gap = time.Millisecond
					r := NewRegistry()
					c := NewChan[time.Time]("c", 100_000, WithRegistry(r))
					for range backlog {
						c.Send(time.Now())
						time.Sleep(gap)
					}
					var head time.Time
					for i := range 40_000 {
						c.Send(time.Now())
						if native {
							head = <-c.C()
						} else {
							head, _ = c.Recv()
						}
						time.Sleep(gap)
						if i%2000 != 1999 {
							continue
						}
						// The head is now the one after the last received.
						truth := time.Since(head) - gap
						got := lookNow(t, r, "c").OldestMessage
						stride := time.Duration(backlog/(maxStamps/4)+2) * gap
						if got < truth || got > truth+stride {
							t.Fatalf("message %d: the oldest is said to be %v old, it is %v, the stride is %v", i, got, truth, stride)
						}
					}
					for backlog > 0 {
						c.TryRecv()
						backlog--
					}
					if got := lookNow(t, r, "c").OldestMessage; got != 0 {
						t.Errorf("empty, and the oldest is %v old", got)
					}
				})
			})
		}
	}
}

// TestQuietThenOne sends one message after a long pause: with a reader there,
// it must not take on the age of the pause.
func TestQuietThenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 10, WithRegistry(r))
		for range 5 {
			c.Send(1)
			c.Recv()
		}
		r.Snapshot()
		time.Sleep(2 * time.Minute)
		c.Send(1)
		time.Sleep(3 * time.Second)
		if got := chanNow(t, r, "c").OldestMessage; got < 3*time.Second || got > 4*time.Second {
			t.Errorf("a message of 3 s is said to be %v old", got)
		}
		c.Recv()
		if got := chanNow(t, r, "c"); got.Wait.Quantile(1) > 4 {
			t.Errorf("it is said to have waited %v s", got.Wait.Quantile(1))
		}
	})
}

func TestFoundMessagesHaveNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := WrapChan("c", filled(500), WithRegistry(r))
		time.Sleep(time.Minute)
		c.Send(1)
		for range 500 {
			c.Recv()
		}
		time.Sleep(time.Hour)
		c.Recv()
		got := chanNow(t, r, "c").Wait
		if got.Count != 1 || got.Quantile(1) < 3000 {
			t.Errorf("waits of %d messages, the longest %v s; one was sent", got.Count, got.Quantile(1))
		}
	})
}

// TestReadingTakesNoWait reads after messages were given to receivers, and before
// those run: the waits are theirs to tell, whoever may receive natively.
func TestReadingTakesNoWait(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or they would run at once
	for _, wrapped := range []bool{false, true} {
		t.Run(fmt.Sprintf("wrapped=%v", wrapped), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const receivers, rounds = 5, 20
				r := NewRegistry()
				c := NewChan[int]("c", 10, WithRegistry(r))
				if wrapped {
					c = WrapChan("c", make(chan int, 10), WithRegistry(r))
				}
				for range receivers {
					go func() {
						for range c.All() {
						}
					}()
				}
				for range rounds {
					synctest.Wait()
					for range receivers {
						c.Send(1)
						lookNow(t, r, "c")
					}
					time.Sleep(time.Second)
				}
				if got := lookNow(t, r, "c"); got.Wait.Count != rounds*receivers || got.Received != rounds*receivers {
					t.Errorf("%d waits of %d messages, want %d", got.Wait.Count, got.Received, rounds*receivers)
				}
				c.Close()
			})
		})
	}
}

// TestNativelyReceivedHaveNoWait mixes receivers: what native ones took, long
// ago, must not turn up as waits of those that the wrapper takes.
func TestNativelyReceivedHaveNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 1000, WithRegistry(r))
		r.Snapshot()
		for i := range 10_000 {
			c.Send(i)
			if i%100 == 0 {
				c.Recv()
			} else {
				<-c.C()
			}
			time.Sleep(50 * time.Millisecond)
		}
		got := chanNow(t, r, "c")
		if got.Wait.Sum != 0 {
			t.Errorf("no message waited, and the waits sum up to %v s", got.Wait.Sum)
		}
		if got.Wait.Count > 10_000 {
			t.Errorf("%d waits of 10000 messages", got.Wait.Count)
		}
		balance(t, got)
	})
}

// TestNativelyReceivedBesideWaiting is the same where more wait in the wrapper than
// receive natively, so that what those took could be on its way in the others.
func TestNativelyReceivedBesideWaiting(t *testing.T) {
	// A receiver that runs before its sender has counted hides what others took.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, gap := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, time.Hour} {
		t.Run(gap.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const messages, waiting = 900, 8 // and one that receives natively
				r := NewRegistry()
				c := NewChan[int]("c", 1000, WithRegistry(r))
				native := c.C()
				for range waiting {
					go func() {
						for range c.All() {
						}
					}()
				}
				go func() {
					for range native {
					}
				}()
				for i := range messages {
					synctest.Wait()
					c.Send(i)
					time.Sleep(gap)
				}
				got := lookNow(t, r, "c")
				limit := time.Duration(onTheirWay) * 5 / 4
				if long := got.Wait.Count - got.Wait.CountAtMost(limit.Seconds()); long > 5 {
					t.Errorf("no message waited, and %d waits of %d are longer than %v", long, got.Wait.Count, limit)
				}
				if n := got.Wait.Count; n < messages/2 || n > messages {
					t.Errorf("%d waits of %d messages", n, messages*waiting/(waiting+1))
				}
				balance(t, got)
				c.Close()
			})
		})
	}
}
