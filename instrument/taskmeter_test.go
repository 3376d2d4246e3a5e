package instrument

import (
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTaskMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		tm := NewTaskMeter("meter", 3, WithRegistry(r), WithTaskLimit(time.Minute))
		work := tm.Wrap(func() { time.Sleep(2 * time.Second) })
		time.Sleep(time.Second)
		work()
		work() // the second run of the same task waited for nothing
		tm.Do(func() { time.Sleep(time.Second) })
		tm.Rejected()
		c := tm.Stats()
		if c.TasksOK != 3 || c.Rejected != 1 || c.BusyTime != 5*time.Second || c.Workers != 3 || c.Members != 1 || c.HasQueue {
			t.Errorf("%+v", c)
		}
		if c.TaskWait.Count != 1 || c.TaskWait.Sum != 1 || c.TaskRun.Count != 3 || c.TaskRun.Sum != 5 {
			t.Errorf("%d waited for %v s, %d ran for %v s", c.TaskWait.Count, c.TaskWait.Sum, c.TaskRun.Count, c.TaskRun.Sum)
		}
		go tm.Do(func() { time.Sleep(2 * time.Minute) })
		time.Sleep(time.Minute + time.Second)
		c = tm.Stats()
		if c.Busy != 1 || c.TasksOverLimit != 1 || !strings.HasPrefix(c.OldestTaskSite, "instrument.TestTaskMeter.func1") || c.OldestTask != 61*time.Second {
			t.Errorf("busy %d, over the limit %d, %q for %v", c.Busy, c.TasksOverLimit, c.OldestTaskSite, c.OldestTask)
		}
		time.Sleep(time.Minute)
		runtime.KeepAlive(tm)
	})
}

func TestTaskMeterPanics(t *testing.T) {
	r := NewRegistry()
	tm := NewTaskMeter("panics", 0, WithRegistry(r))
	mustPanic(t, "a task that panics", tm.Wrap(func() { panic("on purpose") }))
	mustPanic(t, "no task", func() { tm.Do(nil) })
	done := make(chan bool)
	go func() { defer close(done); tm.Do(runtime.Goexit) }()
	<-done
	if c := tm.Stats(); c.TasksPanic != 3 || c.TasksOK != 0 || c.Busy != 0 || c.HasWorkers {
		t.Errorf("%+v", c)
	}
	var got any
	contained := NewTaskMeter("contained", 0, WithRegistry(r), WithPanicHandler(func(v any, _ []byte) { got = v }))
	contained.Do(func() { panic("on purpose") })
	if c := contained.Stats(); got != "on purpose" || c.TasksPanic != 1 {
		t.Errorf("handled %v, %d counted", got, c.TasksPanic)
	}
}

func TestTaskMeterUnmeasured(t *testing.T) {
	check := func(r *Registry, tm *TaskMeter) {
		t.Helper()
		ran := 0
		tm.Wrap(func() { ran++ })()
		tm.Do(func() { ran++ })
		tm.Rejected()
		if c := tm.Stats(); ran != 2 || c.TasksOK != 0 || len(r.Snapshot().Pools) != 0 {
			t.Errorf("%d ran, %+v", ran, c)
		}
		if tm.Wrap(nil) != nil {
			t.Error("Wrap of nil is not nil")
		}
	}
	r := NewRegistry()
	check(r, new(TaskMeter))
	check(r, NewTaskMeter("", 1, WithRegistry(r)))
	contained := NewTaskMeter("", 1, nil, WithRegistry(r), WithPanicHandler(func(any, []byte) {}))
	check(r, contained)
	contained.Wrap(func() { panic("contained") })()
	t.Setenv("WEIR_DISABLE", "1")
	r = NewRegistry()
	check(r, NewTaskMeter("disabled", 1, WithRegistry(r)))
}

// A function that was wrapped keeps its meter, and the counters outlive both.
func TestTaskMeterDropped(t *testing.T) {
	r := NewRegistry()
	func() {
		task := NewTaskMeter("dropped", 2, WithRegistry(r)).Wrap(func() {})
		runtime.GC()
		runtime.GC()
		task()
	}()
	afterGC(t, "the meter is gone", func() bool { return poolNow(t, r, "dropped").Members == 0 })
	if c := poolNow(t, r, "dropped"); c.TasksOK != 1 || c.TaskRun.Count != 1 || c.TaskWait.Count != 1 {
		t.Errorf("%d ok, %d ran, %d waited", c.TasksOK, c.TaskRun.Count, c.TaskWait.Count)
	}
}

// Busy is what runs, at each of many barriers; and the time that it took is the
// time that tasks took.
func TestTaskMeterBusyIsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		tm := NewTaskMeter("barrier", 0, WithRegistry(r))
		rnd := rand.New(rand.NewPCG(3, 4))
		var running atomic.Int64
		var worked time.Duration
		var all sync.WaitGroup
		for range 300 {
			d := time.Duration(rnd.Int64N(int64(time.Minute)))
			worked += d
			all.Go(tm.Wrap(func() {
				running.Add(1)
				time.Sleep(d)
				running.Add(-1)
			}))
			time.Sleep(time.Duration(rnd.Int64N(int64(time.Second))))
			synctest.Wait()
			if c := poolNow(t, r, "barrier"); c.Busy != running.Load() {
				t.Fatalf("busy %d, %d run", c.Busy, running.Load())
			}
		}
		all.Wait()
		c := tm.Stats()
		if math.Abs(float64(c.BusyTime)/float64(worked)-1) > 0.01 || math.Abs(c.TaskRun.Sum/worked.Seconds()-1) > 0.01 || c.TasksOK != 300 {
			t.Errorf("busy for %v, ran for %v s, worked for %v", c.BusyTime, c.TaskRun.Sum, worked)
		}
	})
}

// Counters are exact and do not go back while many goroutines use the meter.
func TestTaskMeterConcurrent(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		r := NewRegistry()
		tm := NewTaskMeter("concurrent", 0, WithRegistry(r), WithPanicHandler(func(any, []byte) {}))
		stop := watchPool(t, r, "concurrent")
		const goroutines, each = 8, 4000
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for i := range each {
					switch i % 8 {
					case 0:
						tm.Do(func() {})
					case 1:
						tm.Do(func() { panic("on purpose") })
					default:
						tm.Wrap(func() { runtime.Gosched() })()
					}
				}
			})
		}
		all.Wait()
		stop()
		c := tm.Stats()
		const all8 = goroutines * each
		if c.TasksOK != all8*7/8 || c.TasksPanic != all8/8 || c.TaskRun.Count != all8 || c.TaskWait.Count > all8*6/8 || c.TaskWait.Count < all8/2 {
			t.Errorf("%d ok, %d panics, %d run times, %d waits", c.TasksOK, c.TasksPanic, c.TaskRun.Count, c.TaskWait.Count)
		}
	})
}

func TestTaskMeterAllocations(t *testing.T) {
	tm := NewTaskMeter("allocs", 0, WithRegistry(NewRegistry()))
	task := func() {}
	for range 4 * fastRow {
		tm.Wrap(task)()
	}
	if n := testing.AllocsPerRun(1000, func() { tm.Wrap(task)() }); n > 2 {
		t.Errorf("Wrap allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() { tm.Do(task) }); n != 0 {
		t.Errorf("Do allocates %v times", n)
	}
}

// A reader that finds nothing running finds every run time, although nobody has told
// it that the goroutines have ended.
func TestTaskMeterRunTimesAtRest(t *testing.T) {
	tm := NewTaskMeter("at rest", 0, WithRegistry(NewRegistry()))
	slow := func() {
		for start := now(); since(now(), start) <= fastTask; {
			runtime.Gosched()
		}
	}
	var all sync.WaitGroup
	defer all.Wait()
	for n := uint64(1); n <= 5000; n++ {
		all.Go(func() { tm.Do(slow) })
		c := tm.Stats()
		for c.Busy > 0 || c.TasksOK < n {
			runtime.Gosched()
			c = tm.Stats()
		}
		if c.TaskRun.Count != n {
			t.Fatalf("%d tasks have ended, and %d run times are known", n, c.TaskRun.Count)
		}
	}
}
