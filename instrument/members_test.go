package instrument

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestMembersWorstFirst makes objects of one name that differ, and wants the worst
// of them, by what each of them has.
func TestMembersWorstFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		with := WithRegistry(r)
		started := time.Now()
		var channels []*Chan[int]
		for i := range 100 {
			c := NewChan[int]("outbox", 100, with, WithStallAfter(time.Minute))
			for range i {
				c.Send(0)
			}
			channels = append(channels, c)
		}
		var semaphores []*Semaphore
		for i := range int64(20) {
			s := NewSemaphore("outbox", 20, with)
			s.TryAcquire(i)
			semaphores = append(semaphores, s)
		}
		full, _ := WatchSemaphore("outbox", make(chan struct{}, 1), with), r.Snapshot()
		time.Sleep(2 * time.Minute)
		r.Snapshot()
		for _, c := range channels[50:] { // the fuller half moves, and the rest has stalled
			c.Recv()
		}
		r.Snapshot()

		m := r.Members("outbox", 10)
		var depths, inUse []int64
		for _, c := range m.Channels {
			depths = append(depths, c.Depth)
			if c.Members != 1 || c.Capacity != 100 || !c.Start.Equal(started) || c.Name != "outbox" || c.Created != 1 {
				t.Errorf("not one of the channels: %+v", c)
			}
		}
		for _, c := range m.Semaphores {
			inUse = append(inUse, c.InUse)
			if c.Members != 1 || c.Limit != 20 {
				t.Errorf("not one of the semaphores: %+v", c)
			}
		}
		if want := []int64{49, 48, 47, 46, 45, 44, 43, 42, 41, 40}; !slices.Equal(depths, want) || m.Channels[0].Stalled != 1 {
			t.Errorf("depths %v, want those that are stalled, the fullest first: %v", depths, want)
		}
		if want := []int64{19, 18, 17, 16, 15, 14, 13, 12, 11, 10}; !slices.Equal(inUse, want) {
			t.Errorf("in use %v, want %v", inUse, want)
		}
		if all := r.Members("outbox", 1000); len(all.Channels) != 100 || len(all.Semaphores) != 21 || len(all.Pools) != 0 {
			t.Errorf("%d channels, %d semaphores and %d pools in all", len(all.Channels), len(all.Semaphores), len(all.Pools))
		}
		for _, n := range []int{0, -1} {
			if none := r.Members("outbox", n); len(none.Channels)+len(none.Semaphores) != 0 {
				t.Errorf("asked for %d, got %d", n, len(none.Channels)+len(none.Semaphores))
			}
		}
		if none := r.Members("nobody", 10); len(none.Channels)+len(none.Semaphores)+len(none.Pools) != 0 {
			t.Errorf("nobody has %+v", none)
		}
		runtime.KeepAlive([]any{channels, semaphores, full})
	})
}

func TestMembersOfPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		idle := NewPool("writers", 2, 4, WithRegistry(r))
		busy := NewPool("writers", 3, 4, WithRegistry(r))
		end := make(chan struct{})
		for range 5 {
			if err := busy.TrySubmit(func() { <-end }); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		m := r.Members("writers", 10)
		if len(m.Pools) != 2 || m.Pools[0].Busy != 3 || m.Pools[0].QueueDepth != 2 || m.Pools[1].Busy != 0 || m.Pools[1].Workers != 2 {
			t.Errorf("want the busy one and then the idle one: %+v", m.Pools)
		}
		close(end)
		for _, p := range []*Pool{idle, busy} {
			if err := p.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestMembersLeavesChannelsAlone: it may be called as often as one likes, and so
// must not touch what the registry knows weakly.
func TestMembersLeavesChannelsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		ch := Watch("inbox", make(chan int, 4), WithRegistry(r))
		r.Snapshot()
		ch <- 1
		if m := r.Members("inbox", 1); m.Channels[0].Depth != 0 {
			t.Errorf("depth %d was looked at between two readings", m.Channels[0].Depth)
		}
		time.Sleep(2 * time.Second)
		if m := r.Members("inbox", 1); m.Channels[0].Depth != 1 {
			t.Errorf("depth %d, want that of the last reading, 1", m.Channels[0].Depth)
		}
		runtime.KeepAlive(ch)
	})
}
