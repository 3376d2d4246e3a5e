package instrument

import (
	"runtime"
	"testing"
	"time"
)

func TestConflictingOptionsAreCounted(t *testing.T) {
	r := NewRegistry()
	with := WithRegistry(r)
	conflicts := func() uint64 { return r.Snapshot().Self.ConflictingOptions }
	first := NewChan[int]("c", 1, with, WithOwner("a"), WithStallAfter(time.Minute), WithWaitTarget(time.Second))
	for _, c := range []struct {
		what string
		make func()
		want uint64
	}{
		{"the same again", func() { NewChan[int]("c", 9, with, WithOwner("a"), WithStallAfter(time.Minute)) }, 0},
		{"nothing said", func() { NewChan[int]("c", 1, with) }, 0},
		{"another owner", func() { NewChan[int]("c", 1, with, WithOwner("b")) }, 1},
		{"two others", func() { Watch("c", make(chan int), with, WithStallAfter(time.Hour), WithWaitTarget(1)) }, 2},
		{"unbounded", func() { NewQueue[int]("c", with) }, 1},
		{"another name", func() { NewChan[int]("d", 1, with, WithOwner("b")) }, 0},
		{"size of another type", func() { NewChan[int]("c", 1, with, WithBytes(func(string) int { return 1 })) }, 1},
		{"size of a watched channel", func() { Watch("c", make(chan int), with, WithBytes(func(string) int { return 1 })) }, 0},
		{"a stall threshold that is the default", func() { NewChan[int]("d", 1, with, WithStallAfter(defaultStallAfter)) }, 0},
	} {
		before := conflicts()
		c.make()
		if got := conflicts() - before; got != c.want {
			t.Errorf("%s: %d conflicts, want %d", c.what, got, c.want)
		}
	}
	got := chanNow(t, r, "c")
	if got.Owner != "a" || got.StallAfter != time.Minute || got.WaitTarget != time.Second || !got.Bounded || got.HasBytes {
		t.Errorf("the first does not win: %+v", got)
	}
	runtime.KeepAlive(first)
}

func TestUselessOptions(t *testing.T) {
	r := NewRegistry(nil, WithLogger(nil), WithMaxNames(-3))
	c := NewChan[int]("c", 1, nil, WithRegistry(r), Option(nil), WithBytes[int](nil),
		WithStallAfter(-1), WithWaitTarget(-1), WithOwner("a\nb\xff"))
	q := NewQueue[int]("c", nil, WithRegistry(r))
	w := WrapChan("c", make(chan int, 1), nil, WithRegistry(r))
	Watch("c", w.Raw(), nil, WithRegistry(r))
	c.Send(1)
	q.Send(1)
	w.Send(1)
	got := chanNow(t, r, "c")
	if got.HasBytes || got.StallAfter != defaultStallAfter || got.WaitTarget != 0 || got.Owner != "ab\uFFFD" || got.Sent != 3 {
		t.Errorf("%+v", got)
	}
	runtime.KeepAlive(q)
	runtime.KeepAlive(w)
	runtime.KeepAlive(c)
}

func TestNoRegistryIsTheDefault(t *testing.T) {
	const name = "options_test default"
	c := NewChan[int](name, 1, WithRegistry(nil))
	var none *Registry
	before := chanNow(t, none, name).Sent // the test may have run before in this process
	c.Send(1)
	if got := chanNow(t, none, name); got.Sent != before+1 {
		t.Errorf("sent %d, want %d", got.Sent, before+1)
	}
	runtime.KeepAlive(c)
}
