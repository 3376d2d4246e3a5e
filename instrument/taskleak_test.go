package instrument_test

import (
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/weir-go/weir/instrument"
)

func plantedInGroup(c chan int) error { return runtimeError(<-c) }
func plantedInMeter(c chan int)       { <-c }
func plantedInWatched(p *foreignPool) { <-p.jobs }

type runtimeError int

func (runtimeError) Error() string { return "received" }

type foreignPool struct{ jobs chan int }

// TestLeakProfileSeesTasks is TestLeakProfileSeesThrough for the tasks of pools that
// are not a Pool.
func TestLeakProfileSeesTasks(t *testing.T) {
	if pprof.Lookup("goroutineleak") == nil {
		t.Skip("NOT TESTED: this runtime has no goroutineleak profile")
	}
	r := instrument.NewRegistry(silent())
	with := instrument.WithRegistry(r)
	func() {
		g := instrument.NewGroup("planted", with)
		g.SetLimit(1)
		g.Go(func() error { return plantedInGroup(make(chan int)) })
		meter := instrument.NewTaskMeter("planted", 1, with)
		go meter.Wrap(func() { plantedInMeter(make(chan int)) })()
		pool := &foreignPool{make(chan int)}
		instrument.WatchPool("planted", pool, func(p *foreignPool) instrument.PoolNumbers {
			return instrument.PoolNumbers{QueueDepth: int64(len(p.jobs))}
		}, with)
		go plantedInWatched(pool)
	}()
	names := []string{"plantedInGroup", "plantedInMeter", "plantedInWatched"}
	for _, f := range names {
		settle(t, func() bool { return stacks("goroutine", f) > 0 })
	}
	r.Snapshot()
	var out strings.Builder
	if err := pprof.Lookup("goroutineleak").WriteTo(&out, 1); err != nil {
		t.Fatal(err)
	}
	for _, f := range names {
		if !strings.Contains(out.String(), "instrument_test."+f) {
			t.Errorf("the profile misses %s", f)
		}
	}
	runtime.KeepAlive(r)
}
