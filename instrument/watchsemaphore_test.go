package instrument

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchSemaphore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		native := make(chan struct{}, 8)
		ch := WatchSemaphore("slots", native, WithRegistry(r), WithHoldLimit(time.Minute))
		WatchSemaphore("slots", native, WithRegistry(r)) // the same channel counts once
		if ch != native {
			t.Error("another channel came back")
		}
		expect := func(when string, inUse, peak, floor int64) {
			t.Helper()
			c := semaphoreNow(t, r, "slots")
			if c.Members != 1 || c.Limit != 8 || c.InUse != inUse || c.InUsePeak != peak || c.InUseFloor != floor {
				t.Errorf("%s: %d members, in use %d of %d, peak %d, floor %d", when, c.Members, c.InUse, c.Limit, c.InUsePeak, c.InUseFloor)
			}
		}
		expect("at first", 0, 0, 0)
		for range 5 {
			ch <- struct{}{}
		}
		expect("within a second of the last look", 0, 0, 0)
		time.Sleep(time.Second)
		expect("a second later", 5, 5, 0)
		<-ch
		time.Sleep(2 * windowLength)
		expect("two windows later", 4, 4, 4)
		time.Sleep(time.Hour)
		snap := r.Snapshot()
		if len(snap.Suspects) != 0 {
			t.Errorf("nothing is known of releases, and yet %v", snap.Suspects)
		}
		if c := snap.Semaphores[0]; c.Moves || c.HasPermits {
			t.Errorf("movement is known: %+v", c)
		}
		for _, metric := range []string{"acquires", "waiters", "oldest_waiter", "leaked_permits", "untracked_releases", "hold"} {
			if got := valuesOf(snap, "weir.semaphore."+metric, "slots"); len(got) != 0 {
				t.Errorf("%s: %v", metric, got)
			}
		}
		runtime.KeepAlive(ch)
	})
}

func TestWatchSemaphoreNotMeasured(t *testing.T) {
	r := quietRegistry()
	if WatchSemaphore("nil", nil, WithRegistry(r)) != nil {
		t.Error("a channel of nothing")
	}
	ch := make(chan struct{}, 1)
	if WatchSemaphore("", ch, nil, WithRegistry(r)) != ch || len(r.Snapshot().Semaphores) != 0 {
		t.Error("measured without a name, or a channel")
	}
}

func TestWatchSemaphoreKeepsNothing(t *testing.T) {
	r := quietRegistry()
	func() {
		WatchSemaphore("gone", make(chan struct{}, 1), WithRegistry(r)) <- struct{}{}
		r.Snapshot()
	}()
	afterGC(t, "the channel is gone", func() bool { return semaphoreNow(t, r, "gone").Members == 0 })
	if c := semaphoreNow(t, r, "gone"); c.Limit != 0 || c.InUse != 0 {
		t.Errorf("%d of %d in use", c.InUse, c.Limit)
	}
}

// Many of one name come and go at once.
func TestSemaphoresComeAndGo(t *testing.T) {
	const makers, each = 8, 400
	r := quietRegistry()
	made := make(chan *Semaphore)
	for range makers {
		go func() {
			for i := range each {
				s := NewSemaphore("many", 2, WithRegistry(r))
				s.TryAcquire(1)
				WatchSemaphore("many", make(chan struct{}, 1), WithRegistry(r))
				if i == 0 {
					made <- s
				}
			}
			made <- nil
		}()
	}
	var held []*Semaphore
	for ended := 0; ended < makers; {
		if s := <-made; s != nil {
			held = append(held, s)
		} else {
			ended++
		}
	}
	afterGC(t, "those that are not held are gone", func() bool { return semaphoreNow(t, r, "many").Members == makers })
	if c := semaphoreNow(t, r, "many"); c.Acquired != makers*each || c.InUse != makers || c.Limit != 2*makers {
		t.Errorf("%d acquired, %d of %d in use", c.Acquired, c.InUse, c.Limit)
	}
	shards := &held[0].m.series.shards
	for i := range shards {
		if p := shards[i].Load(); p != nil && cap(p.members) > 4*minShardRoom {
			t.Errorf("a part of the name keeps room for %d", cap(p.members))
		}
	}
	runtime.KeepAlive(held)
}
