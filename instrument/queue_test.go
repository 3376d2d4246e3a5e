package instrument

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"weak"
)

func inQueueWays(t *testing.T, f func(t *testing.T, q *Queue[any])) {
	for _, name := range []string{"q", ""} {
		t.Run("name="+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, NewQueue[any](name, WithRegistry(NewRegistry()))) })
		})
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	inQueueWays(t, func(t *testing.T, q *Queue[any]) {
		next, sent := 0, 0
		for _, step := range []int{1, -1, 200, -150, 3, -53, 64, -64, 65, -65, 1000, -1000} {
			for range step {
				q.Send(sent)
				sent++
			}
			for range -step {
				v, ok := q.TryRecv()
				if v != next || !ok {
					t.Fatalf("received %v, %v, want %d", v, ok, next)
				}
				next++
			}
			if q.Len() != sent-next {
				t.Fatalf("len %d, want %d", q.Len(), sent-next)
			}
		}
		if v, ok := q.TryRecv(); v != nil || ok {
			t.Errorf("an empty queue gives %v, %v", v, ok)
		}
	})
}

func TestQueueServesReceiversInOrder(t *testing.T) {
	inQueueWays(t, func(t *testing.T, q *Queue[any]) {
		type got struct{ who, what int }
		var order []got
		var mu sync.Mutex
		for who := range 5 {
			go func() {
				var v any
				if who%2 == 0 {
					v, _ = q.Recv()
				} else {
					v, _ = q.RecvContext(nil) //nolint:staticcheck // a nil ctx is never done
				}
				mu.Lock()
				order = append(order, got{who, v.(int)})
				mu.Unlock()
			}()
			synctest.Wait()
		}
		if s := q.Stats(); q.m != nil && s.BlockedReceivers != 5 {
			t.Errorf("%d receivers wait, want 5", s.BlockedReceivers)
		}
		for i := range 5 {
			q.Send(i)
			synctest.Wait()
		}
		if want := []got{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}}; !slices.Equal(order, want) {
			t.Errorf("served %v", order)
		}
		if s := q.Stats(); q.m != nil && (s.BlockedReceivers != 0 || s.Received != 5 || s.Depth != 0) {
			t.Errorf("waiting %d, received %d, depth %d", s.BlockedReceivers, s.Received, s.Depth)
		}
	})
}

func TestQueueClose(t *testing.T) {
	closedSend := panicText(t, func() { ch := make(chan int); close(ch); ch <- 1 })
	closedTwice := panicText(t, func() { ch := make(chan int); close(ch); close(ch) })
	inQueueWays(t, func(t *testing.T, q *Queue[any]) {
		var err error
		ok := true
		go func() { _, ok = q.Recv() }()
		go func() { _, err = q.RecvContext(t.Context()) }()
		synctest.Wait()
		q.Close()
		synctest.Wait()
		if ok || !errors.Is(err, ErrClosed) {
			t.Errorf("the receivers that waited got %v and %v", ok, err)
		}
		if got := panicText(t, func() { q.Send(1) }); got != closedSend {
			t.Errorf("Send panics with %q, want %q", got, closedSend)
		}
		if got := panicText(t, q.Close); got != closedTwice {
			t.Errorf("Close panics with %q, want %q", got, closedTwice)
		}
		if s := q.Stats(); q.m != nil && (s.SendsClosed != 1 || s.Closed != 1 || s.Sent != 0) {
			t.Errorf("closed sends %d, closed %d, sent %d", s.SendsClosed, s.Closed, s.Sent)
		}
	})
	inQueueWays(t, func(t *testing.T, q *Queue[any]) {
		q.Send(nil)
		q.Send(2)
		q.Close()
		var got []any
		for v := range q.All() {
			got = append(got, v)
		}
		if _, err := q.RecvContext(t.Context()); !slices.Equal(got, []any{nil, 2}) || !errors.Is(err, ErrClosed) {
			t.Errorf("after Close %v, then %v", got, err)
		}
	})
}

func TestQueueContext(t *testing.T) {
	inQueueWays(t, func(t *testing.T, q *Queue[any]) {
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() { _, err = q.RecvContext(ctx) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while waiting: %v", err)
		}
		q.Send(1)
		if _, err := q.RecvContext(ctx); !errors.Is(err, context.Canceled) || q.Len() != 1 {
			t.Errorf("a done ctx receives: %v", err)
		}
	})
}

// TestQueueLosesNothingToCancellation races receivers that give up with senders.
func TestQueueLosesNothingToCancellation(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		const n = 5000
		r := NewRegistry()
		q := NewQueue[int]("q", WithRegistry(r))
		seen := make([]bool, n)
		var senders, receivers sync.WaitGroup
		var mu sync.Mutex
		note := func(v int) {
			mu.Lock()
			defer mu.Unlock()
			if seen[v] {
				t.Errorf("message %d twice", v)
			}
			seen[v] = true
		}
		for range 4 {
			receivers.Go(func() {
				for {
					ctx, cancel := context.WithCancel(context.Background())
					go cancel()
					v, err := q.RecvContext(ctx)
					if err == nil {
						note(v)
					} else if errors.Is(err, ErrClosed) {
						return
					}
					cancel()
					if q.m.closed.Load() > 0 && q.Len() == 0 {
						return
					}
				}
			})
		}
		for s := range 2 {
			senders.Go(func() {
				for i := s; i < n; i += 2 {
					q.Send(i)
				}
			})
		}
		senders.Wait()
		q.Close()
		receivers.Wait()
		if i := slices.Index(seen, false); i >= 0 {
			t.Errorf("message %d is lost", i)
		}
		got := chanNow(t, r, "q")
		balance(t, got)
		if got.Sent != n || got.Received != n || got.BlockedReceivers != 0 {
			t.Errorf("sent %d, received %d, waiting %d", got.Sent, got.Received, got.BlockedReceivers)
		}
	})
}

// TestQueueForgetsWhatWasReceived is the incident: a session token that stays
// reachable after its message was handled.
func TestQueueForgetsWhatWasReceived(t *testing.T) {
	type token [64]byte
	q := NewQueue[*token]("q", WithRegistry(NewRegistry()))
	send := func() weak.Pointer[token] {
		m := new(token)
		q.Send(m)
		return weak.Make(m)
	}
	first, second := send(), send()
	for range 10 {
		send()
	}
	q.Recv()
	afterGC(t, "the received message is gone", func() bool { return first.Value() == nil })
	if second.Value() == nil {
		t.Error("a waiting message is gone")
	}
	for q.Len() > 0 {
		q.Recv()
	}
	afterGC(t, "the last ones are gone", func() bool { return second.Value() == nil })

	handed := make(chan weak.Pointer[token])
	go func() {
		v, _ := q.Recv()
		handed <- weak.Make(v)
	}()
	for q.Stats().BlockedReceivers == 0 {
		runtime.Gosched()
	}
	q.Send(new(token))
	w := <-handed
	afterGC(t, "the one that was handed over is gone", func() bool { return w.Value() == nil })
	runtime.KeepAlive(q)
}

func TestQueueGivesMemoryBack(t *testing.T) {
	const n = 100_000
	type big [16]uint64
	q := NewQueue[big]("q", WithRegistry(NewRegistry()))
	before := heap()
	for range n {
		q.Send(big{})
	}
	held := heap() - before
	for range n {
		q.Recv()
	}
	if held < n*128 {
		t.Errorf("%d bytes held", held)
	}
	// Registries of other tests are sampled meanwhile, and allocate.
	afterGC(t, "a fiftieth is left after the burst", func() bool { return heap()-before <= held/50 })
	runtime.KeepAlive(q)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestQueueIsUnbounded(t *testing.T) {
	r := NewRegistry()
	q := NewQueue[int]("q", WithRegistry(r))
	q.Send(1)
	got := chanNow(t, r, "q")
	if got.Bounded || got.HasRatio || got.Capacity != 0 || !got.Moves || got.FullTime != 0 {
		t.Errorf("%+v", got)
	}
	runtime.KeepAlive(q)
}

func TestQueueAllocatesNothing(t *testing.T) {
	q := NewQueue[int]("q", WithRegistry(NewRegistry()))
	for range 30 {
		q.Send(0) // standing messages, across the ends of chunks
	}
	pair := func() { q.Send(1); q.Recv() }
	for range 10_000 {
		pair()
	}
	if n := testing.AllocsPerRun(1000, pair); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestQueueUnderLoad checks that each sender's messages stay in order and that
// the depth that is read is the truth.
func TestQueueUnderLoad(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		const senders, each = 4, 5000
		r := NewRegistry()
		q := NewQueue[[2]int]("q", WithRegistry(r))
		var s, all sync.WaitGroup
		for who := range senders {
			s.Go(func() {
				for i := range each {
					q.Send([2]int{who, i})
				}
			})
		}
		for range 3 {
			all.Go(func() {
				last := [senders]int{-1, -1, -1, -1}
				for v := range q.All() {
					if v[1] <= last[v[0]] {
						t.Errorf("sender %d: %d after %d", v[0], v[1], last[v[0]])
					}
					last[v[0]] = v[1]
				}
			})
		}
		s.Wait()
		if got := chanNow(t, r, "q"); got.Sent != senders*each {
			t.Errorf("sent %d", got.Sent)
		}
		q.Close()
		all.Wait()
		balance(t, chanNow(t, r, "q"))
	})
}
