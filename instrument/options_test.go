package instrument

import (
	"log/slog"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
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

// FuzzOptions makes two objects under one name with whatever options. The first
// one's stand, the second one's conflicts are counted, and messages pass.
func FuzzOptions(f *testing.F) {
	f.Add(int64(0), int64(0), "", int64(0), int64(0), "", 0, 0, uint8(0))
	f.Add(int64(time.Minute), int64(time.Second), "orders", int64(time.Minute), int64(time.Second), "orders", 7, 10, uint8(0b0101))
	f.Add(int64(-1), int64(math.MinInt64), "a\nb", int64(math.MaxInt64), int64(1), "\xff", -1, -1, uint8(0b1010))
	f.Add(int64(defaultStallAfter), int64(1), "\x00", int64(0), int64(2), "b", 1<<20, 1, uint8(0b1111))
	f.Fuzz(func(t *testing.T, stall, target int64, owner string, stall2, target2 int64, owner2 string, size, maxNames int, bits uint8) {
		// In a bubble the sampling of this registry ends with it.
		synctest.Test(t, func(t *testing.T) {
			r := NewRegistry(WithMaxNames(maxNames), WithLogger(slog.New(slog.DiscardHandler)))
			size = min(size, 1<<30) // more than a message can have
			first := optioned(r, bits, stall, target, owner, size)
			effective := defaultStallAfter
			if stall > 0 {
				effective = time.Duration(stall)
			}
			got := chanNow(t, r, "c")
			if got.StallAfter != effective || got.WaitTarget != time.Duration(max(target, 0)) || got.Owner != sanitize(owner) {
				t.Fatalf("stall %d, target %d, owner %q become %v, %v and %q", stall, target, owner, got.StallAfter, got.WaitTarget, got.Owner)
			}
			want := r.Snapshot().Self.ConflictingOptions
			for _, differs := range []bool{
				stall2 > 0 && time.Duration(stall2) != effective,
				target2 > 0 && time.Duration(target2) != got.WaitTarget,
				sanitize(owner2) != "" && sanitize(owner2) != got.Owner,
			} {
				if differs && bits%4 == 3 {
					want++ // for Watch
				}
				if differs {
					want++
				}
			}
			if bits&12 == 12 {
				want++ // the size is of another type
			}
			second := optioned(r, bits, stall2, target2, owner2, size)
			for i := range 3 {
				first.Send(i)
				second.Send(-i)
			}
			got = lookNow(t, r, "c")
			conflicts := r.Snapshot().Self.ConflictingOptions
			if conflicts != want || got.Members != 2 || got.Sent != 6 || got.Depth != 6 {
				t.Fatalf("%d conflicts, want %d; %d members, sent %d, depth %d", conflicts, want, got.Members, got.Sent, got.Depth)
			}
			if want := int64(max(size, 0)) * 6; got.BufferedBytes != want && got.HasBytes {
				t.Fatalf("6 messages of %d bytes have %d", size, got.BufferedBytes)
			}
			for i := range 3 {
				v, ok := first.Recv()
				w, also := second.Recv()
				if v != i || w != -i || !ok || !also {
					t.Fatalf("received %d, %v and %d, %v, want %d and %d", v, ok, w, also, i, -i)
				}
			}
			balance(t, lookNow(t, r, "c"))
		})
	})
}

// optioned makes an object with options of all sorts, of the kind that bits say.
func optioned(r *Registry, bits uint8, stall, target int64, owner string, size int) interface {
	Send(int)
	Recv() (int, bool)
} {
	opts := []ChanOption{nil, WithRegistry(r), WithOwner(owner), WithStallAfter(time.Duration(stall)), WithWaitTarget(time.Duration(target))}
	switch {
	case bits&4 != 0 && bits&8 != 0:
		opts = append(opts, WithBytes(func(string) int { return size })) // of another type
	case bits&4 != 0:
		opts = append(opts, WithBytes(func(int) int { return size }))
	case bits&8 != 0:
		opts = append(opts, WithBytes[int](nil))
	}
	switch bits % 4 {
	case 0:
		return NewChan[int]("c", 3, opts...)
	case 1:
		return WrapChan("c", make(chan int, 3), opts...)
	case 2:
		return NewQueue[int]("c", opts...)
	}
	return WrapChan("c", Watch("c", make(chan int, 3), opts...), opts...)
}
