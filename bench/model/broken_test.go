package model

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weir-go/weir/instrument"
)

// TestBrokenChannelsFail is the test of the test: each of these has one fault, and
// some program must see it.
func TestBrokenChannelsFail(t *testing.T) {
	const programs = 3000
	r := newRegistry()
	plain := kind{name: "broken"}
	selects := kind{name: "broken", native: true}
	weir := func(ch chan int) *instrument.Chan[int] {
		return instrument.WrapChan("broken", ch, instrument.WithRegistry(r))
	}
	for _, b := range []struct {
		fault string
		kind  kind
		make  func(ch chan int) object
		stats bool
		want  string // in the complaint
	}{
		{"drops a message", plain, func(ch chan int) object { return &drops{native: ch} }, false, "at rest"},
		{"drops a message and counts it", plain, func(ch chan int) object { return &hides{native: ch} }, false, ""},
		{"gives a message twice", plain, func(ch chan int) object { return &repeats{native: ch} }, false, ""},
		{"changes the order", plain, func(ch chan int) object { return &reorders{native: ch} }, false, errIllegal.Error()},
		{"takes what it has no room for", plain, func(ch chan int) object { return swallows{ch} }, false, "at rest"},
		{"refuses with room", plain, func(ch chan int) object { return refuses{ch} }, false, errIllegal.Error()},
		{"sees no message that is there", plain, func(ch chan int) object { return blind{ch} }, false, errIllegal.Error()},
		{"has a place more", plain, func(ch chan int) object { return native(make(chan int, cap(ch)+1)) }, false, ""},
		{"has a place less", plain, func(ch chan int) object { return native(make(chan int, max(cap(ch)-1, 0))) }, false, ""},
		{"sends to a closed channel", plain, func(ch chan int) object { return forgives{ch} }, false, ""},
		{"closes twice", plain, func(ch chan int) object { return closesTwice{ch} }, false, errIllegal.Error()},
		{"panics with another text", plain, func(ch chan int) object { return explains{ch} }, false, "no runtime.Error"},
		{"sends though the context has ended", plain, func(ch chan int) object { return hasty{ch} }, false, "its context had ended"},
		{"gives up for nothing", plain, func(ch chan int) object { return weak{ch} }, false, "nobody told it to"},
		{"is deaf to Close", plain, func(ch chan int) object { return deaf{ch, make(chan int)} }, false, "closed, and goroutine"},
		{"is deaf to messages", plain, func(ch chan int) object { return deafer{deaf{ch, make(chan int)}} }, false, "waits in Recv"},
		{"has a wrong length", plain, func(ch chan int) object { return longer{ch} }, false, "length"},
		{"does not count a native send", selects, func(ch chan int) object { return forgets{weir(ch)} }, true, "statistics"},
		{"counts a send before it", selects, func(ch chan int) object { return leads{weir(ch)} }, true, ""},
		{"counts no refusal", plain, func(ch chan int) object { return uncounted{weir(ch)} }, true, "statistics"},
	} {
		t.Run(b.fault, func(t *testing.T) {
			seed := uint64(1)
			broken := func(p program, i int) object { return b.make(filled(p, i)) }
			for range programs {
				err := run(t, next(&seed, &b.kind), broken, b.stats, new(tally))
				if err != nil && strings.Contains(err.Error(), b.want) {
					return
				}
			}
			t.Errorf("%d programs, and none saw it", programs)
		})
	}
}

// turn is true every third time.
type turn struct{ n atomic.Int64 }

func (x *turn) now() bool { return x.n.Add(1)%3 == 0 }

type drops struct {
	native
	turn
}

func (b *drops) Send(v int) {
	if !b.now() {
		b.native.Send(v)
	}
}

// hides drops a message on its way out, and tells a length that fits.
type hides struct {
	native
	turn
	hidden atomic.Int64
}

func (b *hides) TryRecv() (v int, ok bool) {
	if v, ok = b.native.TryRecv(); ok && b.now() {
		b.hidden.Add(1)
		return 0, false
	}
	return v, ok
}

func (b *hides) Len() int { return b.native.Len() + int(b.hidden.Load()) }

// repeats gives a message again, and tells a length that fits.
type repeats struct {
	native
	last atomic.Int64
}

func (b *repeats) Recv() (int, bool) {
	if v := b.last.Swap(0); v != 0 {
		return int(v), true
	}
	v, ok := b.native.Recv()
	b.last.Store(int64(v))
	return v, ok
}

func (b *repeats) Len() int {
	if b.last.Load() != 0 {
		return b.native.Len() - 1
	}
	return b.native.Len()
}

// reorders puts what it receives behind what waits.
type reorders struct{ native }

func (b *reorders) Recv() (int, bool) {
	if v, ok := b.TryRecv(); ok {
		defer func() { _ = recover() }() // closed
		if b.TrySend(v) {
			return b.native.Recv()
		}
		return v, true
	}
	return b.native.Recv()
}

type swallows struct{ native }

func (b swallows) TrySend(v int) bool {
	b.native.TrySend(v)
	return true
}

type refuses struct{ native }

func (b refuses) TrySend(v int) bool { return v%3 != 0 && b.native.TrySend(v) }

type blind struct{ native }

func (b blind) TryRecv() (v int, ok bool) {
	if len(b.native) == 1 {
		return 0, false
	}
	return b.native.TryRecv()
}

type forgives struct{ native }

func (b forgives) Send(v int) {
	defer func() { _ = recover() }()
	b.native.Send(v)
}

type closesTwice struct{ native }

func (b closesTwice) Close() {
	defer func() { _ = recover() }()
	b.native.Close()
}

type explains struct{ native }

func (b explains) Send(v int) {
	defer func() {
		if recover() != nil {
			panic("the channel is closed")
		}
	}()
	b.native.Send(v)
}

type hasty struct{ native }

func (b hasty) SendContext(ctx context.Context, v int) error {
	if b.TrySend(v) {
		return nil
	}
	return b.native.SendContext(ctx, v)
}

type weak struct{ native }

func (b weak) SendContext(_ context.Context, v int) error {
	if b.TrySend(v) {
		return nil
	}
	return context.Canceled
}

// deaf waits on the wrong channel until it is freed.
type deaf struct {
	native
	other chan int
}

func (b deaf) Recv() (int, bool) {
	if v, ok := b.TryRecv(); ok {
		return v, true
	}
	select {
	case v := <-b.native:
		if v != 0 {
			return v, true
		}
		<-b.other
	case <-b.other:
	}
	return 0, false
}

func (b deaf) free() { close(b.other) }

type deafer struct{ deaf }

func (b deafer) Recv() (int, bool) {
	if v, ok := b.TryRecv(); ok {
		return v, true
	}
	<-b.other
	return 0, false
}

type longer struct{ native }

func (b longer) Len() int { return b.native.Len() + 1 }

type forgets struct{ *instrument.Chan[int] }

func (forgets) Sent() {}

type leads struct{ *instrument.Chan[int] }

func (b leads) Send(v int) {
	b.Sent()
	b.Raw() <- v
}

type uncounted struct{ *instrument.Chan[int] }

func (b uncounted) TrySend(v int) bool { return b.Len() < b.Cap() && b.Chan.TrySend(v) }
