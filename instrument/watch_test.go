package instrument

import (
	"reflect"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

type (
	orders   chan int
	incoming <-chan int
)

func TestWatchReturnsTheSame(t *testing.T) {
	r := NewRegistry()
	both := make(chan int, 2)
	var named orders = make(chan int, 2)
	var receiveOnly <-chan int = both
	var namedIn incoming = both
	same(t, both, Watch("c", both, WithRegistry(r)))
	same(t, named, Watch("c", named, WithRegistry(r)))
	same(t, receiveOnly, Watch("c", receiveOnly, WithRegistry(r)))
	same(t, namedIn, Watch("c", namedIn, WithRegistry(r)))
	same(t, make(chan struct{}), Watch("", make(chan struct{}), WithRegistry(r)))
	var none chan int
	same(t, none, Watch("none", none, WithRegistry(r)))
	got := chanNow(t, r, "c")
	if got.Members != 2 || got.Elem != "int" || got.Capacity != 4 {
		t.Errorf("members %d, elem %q, capacity %d", got.Members, got.Elem, got.Capacity)
	}
	if n := len(r.Snapshot().Channels); n != 1 {
		t.Errorf("%d series, want 1: a nil channel is not measured", n)
	}
	runtime.KeepAlive(both)
	runtime.KeepAlive(named)
}

func same[C any](t *testing.T, want, got C) {
	t.Helper()
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	if w.Cap() != g.Cap() || (w.Cap() > 0 && w.Pointer() != g.Pointer()) {
		t.Errorf("%T: another channel is returned", got)
	}
}

func TestWatchSamplesWhileSomebodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		ch := Watch("c", make(chan int, 100), WithRegistry(r))
		r.Snapshot()
		time.Sleep(61 * time.Second)
		for range 80 {
			ch <- 1
		}
		time.Sleep(1500 * time.Millisecond) // sampled meanwhile
		for range 70 {
			<-ch
		}
		time.Sleep(1500 * time.Millisecond)
		got := chanNow(t, r, "c")
		if got.Depth != 10 || got.DepthPeak != 80 || got.DepthFloor != 0 {
			t.Errorf("depth %d, peak %d, floor %d, want 10, 80 and 0", got.Depth, got.DepthPeak, got.DepthFloor)
		}
		time.Sleep(2 * windowLength)
		if got = chanNow(t, r, "c"); got.DepthPeak != 10 || got.DepthFloor != 10 {
			t.Errorf("two windows later: peak %d, floor %d, want 10 and 10", got.DepthPeak, got.DepthFloor)
		}
		if got.Sent != 0 || got.Received != 0 || got.OldestMessage != 0 || got.Stalled != 0 {
			t.Errorf("claims about movement: %+v", got)
		}
	})
}
