package instrument

import (
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// workersInProfile counts the goroutines that carry a pool's label.
func workersInProfile(t *testing.T, name string) (n int) {
	t.Helper()
	var out strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&out, 1); err != nil {
		t.Fatal(err)
	}
	label := regexp.MustCompile(`(?m)^(\d+) @ .*\n# labels: .*"weir_pool":` + regexp.QuoteMeta(strconv.Quote(name)))
	for _, found := range label.FindAllStringSubmatch(out.String(), -1) {
		same, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		n += same
	}
	return n
}

// Workers are told apart from all other goroutines by their label.
func TestPoolShutdownLeavesNoGoroutine(t *testing.T) {
	p := NewPool("leaves none", 8, 4, WithRegistry(NewRegistry()), WithPanicHandler(func(any, []byte) {}))
	gate := make(chan struct{})
	for range 6 {
		mustSubmit(t, p, func() { <-gate })
	}
	for n := 0; n < 6; { // those that have not run yet carry no label
		n = workersInProfile(t, "leaves none")
		runtime.Gosched()
	}
	close(gate)
	for i := range 1000 {
		mustSubmit(t, p, []func(){func() {}, runtime.Goexit, poolTestBoom}[i%3])
		p.Resize(1 + i%12)
	}
	mustShutdown(t, p)
	left := 1
	for i := 0; i < 1e6 && left > 0; i++ { // the last worker says that it ends, and then does
		left = workersInProfile(t, "leaves none")
		runtime.Gosched()
	}
	if left != 0 {
		t.Errorf("%d workers after Shutdown", left)
	}
}

// Where tasks are fast, they are timed together: all of them are counted, and one
// that is slow shows.
func TestPoolTimesFastTasksTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("together", 1, 4096, WithRegistry(NewRegistry()))
		gate := make(chan struct{})
		mustSubmit(t, p, func() { <-gate })
		const fast, slow = 1500, time.Second
		for i := range fast {
			mustSubmit(t, p, func() {
				if i == fast/2+3 {
					time.Sleep(slow)
				}
			})
		}
		close(gate)
		mustShutdown(t, p)
		c := p.Stats()
		if c.TaskRun.Count != fast+1 || c.TaskRun.Sum != slow.Seconds() || c.BusyTime != slow {
			t.Errorf("%d tasks ran for %v s, busy for %v", c.TaskRun.Count, c.TaskRun.Sum, c.BusyTime)
		}
		if q := c.TaskRun.Quantile(1); q < 0.9 || q > 1.1 || c.TaskRun.Zero != fast {
			t.Errorf("the longest of them ran for %v s, %d for no time", q, c.TaskRun.Zero)
		}
		if n := c.TaskWait.Count; n > fast+1 || n < fast+1-1<<maxPaceBits {
			t.Errorf("%d waits of %d tasks", n, fast+1)
		}
	})
}

// A task that follows fast ones without a pause was not timed at its start. It is
// as old as readings know it to be, and no older.
func TestPoolAgeOfTaskThatFollowsFastOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("age", 1, 4096, WithRegistry(quietRegistry()), WithTaskLimit(time.Minute))
		gate, stuck, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
		mustSubmit(t, p, func() { <-gate })
		const fast = 1000 // not a multiple of 32
		for range fast {
			mustSubmit(t, p, func() {})
		}
		mustSubmit(t, p, func() { time.Sleep(10 * time.Minute); close(stuck); <-release })
		close(gate)
		synctest.Wait()
		for at, want := range []time.Duration{0, time.Second, 2 * time.Second} {
			if c := p.Stats(); c.OldestTask != want || c.Busy != 1 || c.TasksOK != fast+1 {
				t.Errorf("reading %d: runs for %v, not %v; busy %d, %d ok", at, c.OldestTask, want, c.Busy, c.TasksOK)
			}
			time.Sleep(time.Second)
		}
		<-stuck
		if c := p.Stats(); c.TasksOverLimit != 1 || !strings.HasPrefix(c.OldestTaskSite, "instrument.TestPoolAge") {
			t.Errorf("%d over the limit, %q", c.TasksOverLimit, c.OldestTaskSite)
		}
		close(release)
		mustShutdown(t, p)
		mustSameCount(t, p, fast+2)
	})
}

func mustSameCount(t *testing.T, p *Pool, want uint64) {
	t.Helper()
	if c := p.Stats(); c.TasksOK != want || c.TaskRun.Count != want || c.OldestTask != 0 {
		t.Errorf("%d ok, %d run times, want %d; the oldest runs for %v", c.TasksOK, c.TaskRun.Count, want, c.OldestTask)
	}
}

// The first task after a reading is timed whatever was before it.
func TestPaceAfterReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		for n := range uint64(4 * fastRow) {
			if p.due(n) {
				p.stamp()
			}
		}
		if p.due(1) || !p.due(4) {
			t.Errorf("after %d fast ones the mask is %b", 4*fastRow, p.mask.Load())
		}
		p.next()
		if !p.due(1) {
			t.Error("not due after a reading")
		}
		p.stamp()
		if p.due(1) {
			t.Error("due, though those before were fast")
		}
		time.Sleep(time.Millisecond)
		p.stamp()
		if !p.due(1) {
			t.Error("not due after a pause")
		}
		p.stop()
		p.next()
		if p.due(1) {
			t.Error("due where nothing is measured")
		}
	})
}

// A wake-up that lies in the queue behind the last task must not keep it open.
func TestPoolShutdownWithWakeUpQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("queued", 1, 4, WithRegistry(NewRegistry()))
		gate := make(chan struct{})
		mustSubmit(t, p, func() { <-gate })
		synctest.Wait()
		mustSubmit(t, p, func() {})
		p.s.waking = true
		p.s.queue <- wakeUp
		p.s.shut()
		close(gate)
		mustShutdown(t, p)
	})
}
