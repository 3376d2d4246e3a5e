package instrument

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"unsafe"
	"weak"
)

func TestIdentityWorksHere(t *testing.T) {
	if !identityWorks() {
		t.Error("channels cannot be tracked by their pointers on this runtime")
	}
	if got := NewRegistry().Snapshot().Self.Identity; got != "channel" {
		t.Errorf("identity %q", got)
	}
}

func TestSameChannelUnderOneNameCountsOnce(t *testing.T) {
	r := NewRegistry()
	ch := make(chan int, 4)
	first := WrapChan("c", ch, WithRegistry(r))
	second := WrapChan("c", ch, WithRegistry(r))
	Watch("c", ch, WithRegistry(r))
	Watch("c", (<-chan int)(ch), WithRegistry(r))
	first.Send(1)
	second.Send(2)
	got := chanNow(t, r, "c")
	if got.Members != 1 || got.Created != 1 || got.Sent != 2 || got.Depth != 2 || got.Capacity != 4 {
		t.Errorf("members %d, created %d, sent %d, depth %d, capacity %d", got.Members, got.Created, got.Sent, got.Depth, got.Capacity)
	}
	runtime.KeepAlive(ch)
}

func TestSameChannelUnderTwoNamesCountsInBoth(t *testing.T) {
	r := NewRegistry()
	c := NewChan[int]("a", 4, WithRegistry(r))
	Watch("b", c.Raw(), WithRegistry(r))
	c.Send(1)
	s := r.Snapshot()
	a, b := chanIn(t, s, "a"), chanIn(t, s, "b")
	if a.Members != 1 || b.Members != 1 || a.Depth != 1 || b.Depth != 1 || a.Sent != 1 || b.Moves {
		t.Errorf("a: %+v\nb: %+v", a, b)
	}
	runtime.KeepAlive(c)
}

// TestNativeChannelKeepsItsSeries drops the wrapper and keeps what was inside.
func TestNativeChannelKeepsItsSeries(t *testing.T) {
	r := NewRegistry()
	ch, wrapper := func() (chan int, weak.Pointer[Chan[int]]) {
		c := NewChan[int]("c", 4, WithRegistry(r))
		c.Send(1)
		c.Send(2)
		return c.Raw(), weak.Make(c)
	}()
	afterGC(t, "the wrapper is gone", func() bool { return wrapper.Value() == nil })
	if got := lookNow(t, r, "c"); got.Members != 1 || got.Depth != 2 {
		t.Errorf("members %d, depth %d, want 1 and 2", got.Members, got.Depth)
	}
	<-ch
	if got := lookNow(t, r, "c"); got.Depth != 1 || got.Received != 1 {
		t.Errorf("depth %d, received %d, want 1 and 1", got.Depth, got.Received)
	}
	again := WrapChan("c", ch, WithRegistry(r))
	again.Send(3)
	if got := lookNow(t, r, "c"); got.Created != 1 || got.Sent != 3 || got.Depth != 2 {
		t.Errorf("wrapped again: created %d, sent %d, depth %d", got.Created, got.Sent, got.Depth)
	}
	runtime.KeepAlive(ch)
}

// TestNothingIsKeptAlive requires that a buffered message, its channel and its
// wrapper are collected after their last use, while the registry is read.
func TestNothingIsKeptAlive(t *testing.T) {
	type message struct{ body [64]byte }
	for _, way := range []struct {
		name string
		make func(r *Registry, m *message) []weak.Pointer[byte]
	}{
		{"watched", func(r *Registry, m *message) []weak.Pointer[byte] {
			ch := Watch("c", make(chan *message, 3), WithRegistry(r))
			ch <- m
			return []weak.Pointer[byte]{weak.Make(addressOf(ch))}
		}},
		{"wrapped", func(r *Registry, m *message) []weak.Pointer[byte] {
			ch := make(chan *message, 3)
			c := WrapChan("c", ch, WithRegistry(r), WithBytes(func(m *message) int { return len(m.body) }))
			c.Send(m)
			return []weak.Pointer[byte]{weak.Make(addressOf(ch)), weakOf(c)}
		}},
		{"made", func(r *Registry, m *message) []weak.Pointer[byte] {
			c := NewChan[*message]("c", 3, WithRegistry(r))
			c.Send(m)
			r.Snapshot()
			return []weak.Pointer[byte]{weak.Make(addressOf(c.ch)), weakOf(c)}
		}},
		{"made, wrapper tracked", func(r *Registry, m *message) []weak.Pointer[byte] {
			r.identity = false
			c := NewChan[*message]("c", 3, WithRegistry(r))
			c.Send(m)
			return []weak.Pointer[byte]{weak.Make(addressOf(c.ch)), weakOf(c)}
		}},
		{"made, native side handed out", func(r *Registry, m *message) []weak.Pointer[byte] {
			c := NewChan[*message]("c", 3, WithRegistry(r))
			c.Raw() <- m
			c.Sent()
			return []weak.Pointer[byte]{weak.Make(addressOf(c.C())), weakOf(c)}
		}},
		{"made, and a send gave up", func(r *Registry, m *message) []weak.Pointer[byte] {
			c := NewChan[*message]("c", 0, WithRegistry(r))
			giveUp(t, func(ctx context.Context) error { return c.SendContext(ctx, m) },
				func() bool { return c.Stats().BlockedSenders == 1 })
			return []weak.Pointer[byte]{weak.Make(addressOf(c.ch)), weakOf(c)}
		}},
		{"queue", func(r *Registry, m *message) []weak.Pointer[byte] {
			q := NewQueue[*message]("c", WithRegistry(r), WithBytes(func(m *message) int { return len(m.body) }))
			q.Send(m)
			return []weak.Pointer[byte]{weakOf(q)}
		}},
		{"queue, and a receiver gave up", func(r *Registry, m *message) []weak.Pointer[byte] {
			q := NewQueue[*message]("c", WithRegistry(r))
			giveUp(t, func(ctx context.Context) error { _, err := q.RecvContext(ctx); return err },
				func() bool { return q.Stats().BlockedReceivers == 1 })
			q.Send(m)
			return []weak.Pointer[byte]{weakOf(q)}
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			r := NewRegistry()
			objects, m := func() ([]weak.Pointer[byte], weak.Pointer[message]) {
				m := new(message)
				return way.make(r, m), weak.Make(m)
			}()
			afterGC(t, "channel, wrapper and message are gone", func() bool {
				lookNow(t, r, "c")
				for _, o := range objects {
					if o.Value() != nil {
						return false
					}
				}
				return m.Value() == nil
			})
			afterGC(t, "the member is retired", func() bool { return chanNow(t, r, "c").Members == 0 })
		})
	}
}

// giveUp ends an operation's context once the operation waits.
func giveUp(t *testing.T, wait func(ctx context.Context) error, waits func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- wait(ctx) }()
	for !waits() {
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("an operation that gives up returns %v", err)
	}
}

func weakOf[T any](p *T) weak.Pointer[byte] { return weak.Make((*byte)(unsafe.Pointer(p))) }

// TestWithoutIdentity is the fallback: NewChan tracks its wrapper, the others do
// not track, and everybody is told.
func TestWithoutIdentity(t *testing.T) {
	r := NewRegistry()
	r.identity = false
	ch := make(chan int, 2)
	w := WrapChan("wrapped", ch, WithRegistry(r))
	w.Send(1)
	if Watch("watched", ch, WithRegistry(r)) != ch || w.m != nil {
		t.Error("a native channel is tracked")
	}
	func() {
		c := NewChan[int]("made", 2, WithRegistry(r))
		c.Send(1)
		if got := chanNow(t, r, "made"); got.Depth != 1 || got.Sent != 1 {
			t.Errorf("depth %d, sent %d", got.Depth, got.Sent)
		}
		c.Raw() // from here on the depth is looked at through the wrapper
		<-c.C()
		if got := lookNow(t, r, "made"); got.Depth != 0 || got.Received != 1 {
			t.Errorf("depth %d, received %d", got.Depth, got.Received)
		}
	}()
	afterGC(t, "the wrapper retires its member", func() bool { return chanNow(t, r, "made").Members == 0 })
	s := r.Snapshot()
	if len(s.Channels) != 1 || s.Self.Identity != "wrapper" {
		t.Errorf("%d channels, identity %q", len(s.Channels), s.Self.Identity)
	}
}

func TestSlotsAreEven(t *testing.T) {
	var used [chanShards]int
	keep := make([]chan int, 64*chanShards)
	for i := range keep {
		keep[i] = make(chan int)
		used[slotOf(addressOf(keep[i]))]++
	}
	for i, n := range used {
		if n == 0 || n > 64*8 {
			t.Errorf("slot %d has %d of %d channels", i, n, len(keep))
		}
	}
}
