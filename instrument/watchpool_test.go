package instrument

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// poolOfOthers is a pool that tells numbers.
type poolOfOthers struct {
	mu      sync.Mutex
	numbers PoolNumbers
	asked   int
}

func askOthers(p *poolOfOthers) PoolNumbers {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	return p.numbers
}

func (p *poolOfOthers) tell(n PoolNumbers) (asked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.numbers = n
	return p.asked
}

func TestWatchPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		p := &poolOfOthers{numbers: PoolNumbers{Workers: 4, Busy: 3, QueueDepth: 7, QueueCapacity: 9, TasksOK: 100, TasksError: 2, TasksPanic: 1, Rejected: 5}}
		WatchPool("watched", p, askOthers, WithRegistry(r), WithOwner("team"))
		WatchPool("watched", p, askOthers, WithRegistry(r)) // the same one counts once
		c := poolNow(t, r, "watched")
		if c.Members != 1 || c.Workers != 4 || c.Busy != 3 || c.QueueDepth != 7 || c.QueueCapacity != 9 || c.HasTasks || c.Owner != "team" ||
			c.TasksOK != 100 || c.TasksError != 2 || c.TasksPanic != 1 || c.Rejected != 5 || !strings.HasPrefix(c.Site, "instrument.TestWatchPool.func1 watchpool_test.go:") {
			t.Errorf("%+v", c)
		}
		// It has less to tell, and a counter that went back.
		if c, asked := poolNow(t, r, "watched"), p.tell(PoolNumbers{Busy: -1, QueueDepth: -1, TasksOK: 90}); c.TasksOK != 100 || c.Busy != 3 || asked != 1 {
			t.Errorf("asked %d times in a second; %+v", asked, c)
		}
		time.Sleep(2*time.Second + time.Second/2) // not while the sampler asks: who comes second does not wait
		c = poolNow(t, r, "watched")
		if c.HasWorkers || c.HasBusy || c.HasQueue || c.TasksOK != 100 || c.QueueDepth != 0 {
			t.Errorf("%+v", c)
		}
		other := &poolOfOthers{numbers: PoolNumbers{Workers: 1, Busy: 1, TasksOK: 1}}
		WatchPool("watched", other, askOthers, WithRegistry(r))
		if c := poolNow(t, r, "watched"); c.Members != 2 || c.TasksOK != 101 || c.Workers != 1 {
			t.Errorf("a new one is not asked at once: %+v", c)
		}
		runtime.KeepAlive(p)
		runtime.KeepAlive(other)
	})
}

func TestWatchPoolKeepsNothingAlive(t *testing.T) {
	r := NewRegistry()
	func() {
		p := &poolOfOthers{numbers: PoolNumbers{TasksOK: 9, Workers: 2}}
		WatchPool("gone", p, askOthers, WithRegistry(r))
		if c := poolNow(t, r, "gone"); c.Members != 1 || c.TasksOK != 9 {
			t.Errorf("%+v", c)
		}
	}()
	afterGC(t, "the pool is gone", func() bool { return poolNow(t, r, "gone").Members == 0 })
	if c := poolNow(t, r, "gone"); c.TasksOK != 9 || c.Workers != 0 {
		t.Errorf("%d ok, %d workers", c.TasksOK, c.Workers)
	}
}

// What is asked is the user's: it may panic, and it may read the registry.
func TestWatchPoolThatMisbehaves(t *testing.T) {
	r := NewRegistry()
	p := new(poolOfOthers)
	WatchPool("panics", p, func(*poolOfOthers) PoolNumbers { panic("on purpose") }, WithRegistry(r))
	WatchPool("reads", p, func(*poolOfOthers) PoolNumbers {
		return PoolNumbers{TasksOK: uint64(len(r.Snapshot().Pools))}
	}, WithRegistry(r))
	s := r.Snapshot()
	if s.Self.CollectFaults == 0 || len(s.Pools) != 2 || s.Pools[1].TasksOK != 2 {
		t.Errorf("%d faults, %+v", s.Self.CollectFaults, s.Pools)
	}
	WatchPool[poolOfOthers]("nothing", nil, askOthers, WithRegistry(r))
	WatchPool("nothing", p, nil, WithRegistry(r))
	WatchPool("", p, askOthers, WithRegistry(r))
	if s := r.Snapshot(); len(s.Pools) != 2 {
		t.Errorf("%d names", len(s.Pools))
	}
	runtime.KeepAlive(p)
}
