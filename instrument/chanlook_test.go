package instrument

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// level is the depth of a channel at some time.
type level struct {
	at    time.Time
	depth int64
}

// levels is the true course of a depth.
type levels []level

func (l *levels) note(depth int) { *l = append(*l, level{time.Now(), int64(depth)}) }

// extremes returns the highest and the lowest depth of the last d, the depth at
// its beginning included.
func (l levels) extremes(d time.Duration) (highest, lowest int64) {
	last := l[len(l)-1].depth
	highest, lowest = last, last
	for i := len(l) - 1; i >= 0; i-- {
		highest, lowest = max(highest, l[i].depth), min(lowest, l[i].depth)
		if time.Since(l[i].at) > d {
			break
		}
	}
	return highest, lowest
}

// mover is what the ways of wrapping have in common.
type mover interface {
	Send(int)
	TryRecv() (int, bool)
	Len() int
}

// nativelyReceived is a Chan whose messages are taken behind its back.
type nativelyReceived struct{ *Chan[int] }

func (c nativelyReceived) TryRecv() (v int, ok bool) {
	select {
	case v, ok = <-c.C():
	default:
	}
	return v, ok
}

// TestNoExtremeIsMissed moves messages at random and compares peak and floor with
// the true course of the depth. Most sends do not look at the depth: none of those
// that matter may be among them.
func TestNoExtremeIsMissed(t *testing.T) {
	for way, open := range map[string]func(r *Registry, capacity int) mover{
		"chan": func(r *Registry, capacity int) mover { return NewChan[int]("c", capacity, WithRegistry(r)) },
		"native": func(r *Registry, capacity int) mover {
			return nativelyReceived{NewChan[int]("c", capacity, WithRegistry(r))}
		},
		"wrapped": func(r *Registry, capacity int) mover { return WrapChan("c", make(chan int, capacity), WithRegistry(r)) },
		"queue":   func(r *Registry, _ int) mover { return NewQueue[int]("c", WithRegistry(r)) },
	} {
		for seed := range uint64(24) {
			t.Run(fmt.Sprintf("%s/seed=%d", way, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rnd := rand.New(rand.NewPCG(seed, 1))
					r := NewRegistry()
					capacity := 60 + int(seed%2)*3000 // some are full at times, some never
					c := open(r, capacity)
					r.Snapshot() // samples every second from now on
					var course levels
					course.note(0)
					begin := time.Now()
					for range 40 {
						drift := rnd.IntN(3) // receive more, as much, or less than is sent
						for range rnd.IntN(4000) {
							if rnd.IntN(4) <= drift && c.Len() < capacity {
								c.Send(1)
							} else {
								c.TryRecv()
							}
							course.note(c.Len())
						}
						time.Sleep(time.Duration(rnd.IntN(50)) * 500 * time.Millisecond)
						compareExtremes(t, lookNow(t, r, "c"), course, time.Since(begin))
					}
					runtime.KeepAlive(c)
				})
			})
		}
	}
}

func compareExtremes(t *testing.T, got ChanStats, course levels, age time.Duration) {
	t.Helper()
	const late = time.Second // a window turns with the first sample after its end
	highest, lowest := course.extremes(windowLength - late)
	highestEver, lowestEver := course.extremes(2*windowLength + late)
	if got.DepthPeak < highest || got.DepthPeak > highestEver {
		t.Fatalf("after %v: peak %d, was %d in half a minute and %d in a minute", age, got.DepthPeak, highest, highestEver)
	}
	if age < windowLength {
		lowestEver = 0
	}
	if got.DepthFloor > lowest || got.DepthFloor < lowestEver {
		t.Fatalf("after %v: floor %d, was %d in half a minute and %d in a minute", age, got.DepthFloor, lowest, lowestEver)
	}
}

// TestPeakOfThoseWhoPassBy fills a channel while one of the senders is looked at, so
// that the others pass by: their peak is seen all the same.
func TestPeakOfThoseWhoPassBy(t *testing.T) {
	const n = 100
	for _, exposed := range []bool{false, true} {
		t.Run(fmt.Sprintf("exposed=%v", exposed), func(t *testing.T) {
			c := NewChan[int]("c", n, WithRegistry(NewRegistry()))
			if exposed {
				c.Raw()
			}
			fill := func(n int) {
				c.m.mu.Lock() // who looks waits for it
				looking := make(chan bool)
				go func() { c.Send(1); looking <- false }()
				for c.m.sendDue.Load() != never {
					runtime.Gosched()
				}
				for range n - 1 {
					c.TrySend(1)
				}
				c.m.mu.Unlock()
				<-looking
			}
			fill(n / 2)
			for c.Len() > 0 {
				c.TryRecv()
			}
			if got := c.Stats().DepthPeak; got != n/2 {
				t.Errorf("peak %d of %d", got, n/2)
			}
			claim(&c.m.sendDue) // and who looks comes back too late
			for c.TrySend(1) {
			}
			for c.Len() > 0 {
				c.TryRecv()
			}
			if got := c.Stats().DepthPeak; got != n {
				t.Errorf("full, and the peak is %d of %d", got, n)
			}
		})
	}
}

// TestClaimIsGivenBack lets many goroutines find themselves due at once, and wants
// the looks to go on: a claim that nobody gives back would end them for good.
func TestClaimIsGivenBack(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 100, WithRegistry(r))
		for round := range 50 {
			done := make(chan bool)
			for range 4 {
				go func() {
					for range 500 {
						c.Send(1)
					}
					done <- true
				}()
				go func() {
					for range 500 {
						c.Recv()
					}
					done <- true
				}()
			}
			for range 8 {
				<-done
			}
			if s, v := c.m.sendDue.Load(), c.m.recvDue.Load(); (s == never && c.m.nextStamp.Load() != never) || (v == never && c.m.oldestStamp() != never) {
				t.Fatalf("round %d: next look at send %d and receive %d, next stamp %d, oldest %d", round, s, v, c.m.nextStamp.Load(), c.m.oldestStamp())
			}
		}
		before := c.Stats().Wait.Count
		for range 10_000 {
			c.Send(1)
			c.Recv()
		}
		if got := c.Stats().Wait.Count; got == before {
			t.Errorf("no wait of 10,000 messages was sampled")
		}
	})
}
