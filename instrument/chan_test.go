package instrument

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// chanWays make a channel measured in each way, and unmeasured.
var chanWays = []struct {
	name string
	make func(r *Registry, capacity int) *Chan[any]
}{
	{"NewChan", func(r *Registry, n int) *Chan[any] { return NewChan[any]("c", n, WithRegistry(r)) }},
	{"WrapChan", func(r *Registry, n int) *Chan[any] { return WrapChan("c", make(chan any, n), WithRegistry(r)) }},
	{"unmeasured", func(r *Registry, n int) *Chan[any] { return NewChan[any]("", n, WithRegistry(r)) }},
	{"wrapper tracked", func(r *Registry, n int) *Chan[any] {
		r.identity = false
		return NewChan[any]("c", n, WithRegistry(r))
	}},
}

func inChanWays(t *testing.T, f func(t *testing.T, make func(capacity int) *Chan[any])) {
	for _, way := range chanWays {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f(t, func(n int) *Chan[any] { return way.make(NewRegistry(), n) })
			})
		})
	}
}

func TestChanKeepsOrder(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		for _, capacity := range []int{0, 1, 7} {
			c := make(capacity)
			go func() {
				defer c.Close()
				for i := range 100 {
					c.Send(i)
				}
			}()
			next := 0
			for v := range c.All() {
				if v != next {
					t.Fatalf("cap %d: received %v, want %d", capacity, v, next)
				}
				next++
			}
			if v, ok := c.Recv(); next != 100 || v != nil || ok {
				t.Errorf("cap %d: %d messages, then %v, %v", capacity, next, v, ok)
			}
		}
	})
}

func TestChanSendWaitsForRoom(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c := make(1)
		c.Send(1)
		if c.TrySend(2) {
			t.Error("TrySend into a full channel")
		}
		done := false
		go func() { c.Send(3); done = true }()
		if synctest.Wait(); done {
			t.Fatal("Send into a full channel does not wait")
		}
		if v, ok := c.TryRecv(); v != 1 || !ok {
			t.Errorf("received %v, %v", v, ok)
		}
		if synctest.Wait(); !done || c.Len() != 1 || c.Cap() != 1 {
			t.Errorf("sent %v, len %d, cap %d", done, c.Len(), c.Cap())
		}
	})
}

func TestChanUnbuffered(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c := make(0)
		if c.TrySend(1) {
			t.Error("TrySend without a receiver")
		}
		if _, ok := c.TryRecv(); ok {
			t.Error("TryRecv without a sender")
		}
		var got any
		go func() { got, _ = c.Recv() }()
		synctest.Wait()
		if !c.TrySend(2) {
			t.Error("TrySend refuses though a receiver waits")
		}
		if synctest.Wait(); got != 2 {
			t.Errorf("received %v", got)
		}
		go c.Send(3)
		synctest.Wait()
		if v, ok := c.TryRecv(); v != 3 || !ok {
			t.Errorf("TryRecv of a waiting sender: %v, %v", v, ok)
		}
	})
}

func TestChanCarriesNil(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c := make(2)
		c.Send(nil)
		c.Send(nil)
		v, ok := c.Recv()
		w, err := c.RecvContext(nil) //nolint:staticcheck // a nil ctx is never done
		if v != nil || !ok || w != nil || err != nil {
			t.Errorf("received %v, %v and %v, %v", v, ok, w, err)
		}
	})
}

func TestChanPanicsAsTheNativeOne(t *testing.T) {
	native := func(misuse func(ch chan any)) string {
		return panicText(t, func() { misuse(make(chan any, 1)) })
	}
	closedSend := native(func(ch chan any) { close(ch); ch <- 1 })
	closedTwice := native(func(ch chan any) { close(ch); close(ch) })
	closedNil := panicText(t, func() { var ch chan any; close(ch) })
	negative := panicText(t, func() { n := -1; _ = make(chan any, n) })

	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		closed := func(capacity int) *Chan[any] { c := make(capacity); c.Close(); return c }
		for what, misuse := range map[string]func(){
			"Send":        func() { closed(1).Send(1) },
			"Send, cap 0": func() { closed(0).Send(1) },
			"TrySend":     func() { closed(1).TrySend(1) },
			"SendContext": func() { _ = closed(1).SendContext(t.Context(), 1) },
			"Raw":         func() { closed(1).Raw() <- 1 },
		} {
			if got := panicText(t, misuse); got != closedSend {
				t.Errorf("%s on a closed channel panics with %q, want %q", what, got, closedSend)
			}
		}
		if got := panicText(t, func() { closed(1).Close() }); got != closedTwice {
			t.Errorf("second Close panics with %q, want %q", got, closedTwice)
		}
		if got := panicText(t, func() { make(-1) }); !strings.Contains(got, "makechan") || negative == "" {
			t.Errorf("a negative capacity panics with %q, natively with %q", got, negative)
		}
	})
	if got := panicText(t, WrapChan[int]("nil", nil).Close); got != closedNil {
		t.Errorf("Close of nil panics with %q, want %q", got, closedNil)
	}
}

func TestChanCloseWhileSendersWait(t *testing.T) {
	native := panicText(t, func() { ch := make(chan any); close(ch); ch <- 1 })
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c := make(1)
		c.Send(0)
		got := [2]string{}
		go func() { got[0] = panicText(t, func() { c.Send(1) }) }()
		go func() { got[1] = panicText(t, func() { _ = c.SendContext(t.Context(), 1) }) }()
		synctest.Wait()
		c.Close()
		synctest.Wait()
		if got[0] != native || got[1] != native {
			t.Errorf("the waiting senders panic with %q, want %q", got, native)
		}
		if s := c.Stats(); c.m != nil && (s.SendsClosed != 2 || s.BlockedSenders != 0 || s.Closed != 1 || s.SendBlocked.Count != 2) {
			t.Errorf("closed sends %d, blocked %d, closed %d, waits %d", s.SendsClosed, s.BlockedSenders, s.Closed, s.SendBlocked.Count)
		}
		if v, ok := c.Recv(); v != 0 || !ok {
			t.Errorf("what was in the channel: %v, %v", v, ok)
		}
	})
}

func TestChanCloseWakesReceivers(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c := make(0)
		var oks []bool
		var err error
		go func() { _, ok := c.Recv(); oks = append(oks, ok) }()
		go func() { _, err = c.RecvContext(t.Context()) }()
		go func() {
			for range c.All() {
				t.Error("a message from nowhere")
			}
		}()
		synctest.Wait()
		c.Close()
		synctest.Wait()
		if !slices.Equal(oks, []bool{false}) || !errors.Is(err, ErrClosed) {
			t.Errorf("receivers got %v and %v", oks, err)
		}
		if _, ok := c.TryRecv(); ok {
			t.Error("TryRecv from a closed channel")
		}
		if s := c.Stats(); s.BlockedReceivers != 0 || s.Received != 0 {
			t.Errorf("blocked receivers %d, received %d", s.BlockedReceivers, s.Received)
		}
	})
}

func TestChanContext(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c := make(1)
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.SendContext(done, 1); !errors.Is(err, context.Canceled) || c.Len() != 0 {
			t.Errorf("a done ctx sends: %v", err)
		}
		c.Send(1)
		if _, err := c.RecvContext(done); !errors.Is(err, context.Canceled) || c.Len() != 1 {
			t.Errorf("a done ctx receives: %v", err)
		}

		late, cancel := context.WithCancel(t.Context())
		var sendErr, recvErr error
		go func() { sendErr = c.SendContext(late, 2) }()
		synctest.Wait()
		empty := make(1)
		go func() { _, recvErr = empty.RecvContext(late) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(sendErr, context.Canceled) || !errors.Is(recvErr, context.Canceled) || c.Len() != 1 {
			t.Errorf("cancelled while waiting: %v and %v", sendErr, recvErr)
		}
		if s := c.Stats(); c.m != nil && (s.SendsCanceled != 2 || s.BlockedSenders != 0 || s.Sent != 1) {
			t.Errorf("canceled %d, blocked %d, sent %d", s.SendsCanceled, s.BlockedSenders, s.Sent)
		}

		go func() { sendErr = c.SendContext(nil, 3) }() //nolint:staticcheck // a nil ctx is never done
		synctest.Wait()
		c.Recv()
		synctest.Wait()
		v, err := c.RecvContext(nil) //nolint:staticcheck // as above
		if sendErr != nil || err != nil || v != 3 {
			t.Errorf("with a nil ctx: %v, %v, %v", sendErr, v, err)
		}
	})
}

func TestChanSelect(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c, never := make(1), make(1)
		for i := range 10 {
			select {
			case c.Raw() <- i:
				c.Sent()
			case <-never.C():
				t.Fatal("a message from nowhere")
			}
			select {
			case v := <-c.C():
				if v != i {
					t.Fatalf("received %v, want %d", v, i)
				}
			case <-never.C():
				t.Fatal("a message from nowhere")
			}
		}
		if s := c.Stats(); c.m != nil && (s.Sent != 10 || s.Received != 10 || s.Depth != 0) {
			t.Errorf("sent %d, received %d, depth %d", s.Sent, s.Received, s.Depth)
		}
		c.Send("last")
		c.Close()
		n := 0
		for range c.C() {
			n++
		}
		if n != 1 {
			t.Errorf("range over C gives %d messages", n)
		}
	})
}

func TestChanAllStopsWhenTold(t *testing.T) {
	inChanWays(t, func(t *testing.T, make func(int) *Chan[any]) {
		c := make(3)
		for i := range 3 {
			c.Send(i)
		}
		for v := range c.All() {
			if v == 1 {
				break
			}
		}
		if c.Len() != 1 {
			t.Errorf("%d messages left, want 1", c.Len())
		}
	})
}

func TestChanNilAndZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		for _, c := range []*Chan[int]{WrapChan[int]("nil", nil, WithRegistry(r)), {}} {
			if c.TrySend(1) || c.Len() != 0 || c.Cap() != 0 || c.Raw() != nil || c.C() != nil {
				t.Error("a nil channel has room")
			}
			if _, ok := c.TryRecv(); ok {
				t.Error("a nil channel has a message")
			}
			c.Sent()
			ctx, cancel := context.WithCancel(t.Context())
			errs := make(chan error, 2)
			go func() { errs <- c.SendContext(ctx, 1) }()
			go func() { _, err := c.RecvContext(ctx); errs <- err }()
			synctest.Wait()
			if len(errs) != 0 {
				t.Error("an operation on a nil channel does not wait")
			}
			cancel()
			if err := errors.Join(<-errs, <-errs); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if s := c.Stats(); fmt.Sprint(s) != fmt.Sprint(ChanStats{}) {
				t.Errorf("a nil channel is measured: %+v", s)
			}
		}
		if n := len(r.Snapshot().Channels); n != 0 {
			t.Errorf("%d channels registered", n)
		}
	})
}

func TestChanAllocatesNothing(t *testing.T) {
	r := NewRegistry()
	c := NewChan[int]("alloc", 8, WithRegistry(r), WithWaitTarget(1), WithBytes(func(int) int { return 8 }))
	exposed := WrapChan("exposed", make(chan int, 8), WithRegistry(r))
	ctx := t.Context()
	pair := func(c *Chan[int]) {
		c.Send(1)
		c.Recv()
		c.TrySend(2)
		c.TryRecv()
		_ = c.SendContext(ctx, 3)
		_, _ = c.RecvContext(ctx)
	}
	for what, f := range map[string]func(){
		"wrapper":  func() { pair(c) },
		"wrapped":  func() { pair(exposed) },
		"Raw":      func() { exposed.Raw() <- 1; exposed.Sent(); <-exposed.C() },
		"rejected": func() { full(c) },
	} {
		for range 10_000 {
			f()
		}
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

// full fills and drains c, with one refusal.
func full(c *Chan[int]) {
	for c.TrySend(1) {
	}
	for range c.Cap() {
		c.Recv()
	}
}

func TestChanBlockedSendAllocatesNothing(t *testing.T) {
	c := NewChan[int]("blocked", 0, WithRegistry(NewRegistry()))
	go func() {
		for range c.All() {
		}
	}()
	defer c.Close()
	send := func() { c.Send(1) }
	for range 1000 {
		send()
	}
	if n := testing.AllocsPerRun(1000, send); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
