package instrument

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// poolNow reads one name of a registry.
func poolNow(t testing.TB, r *Registry, name string) PoolStats {
	t.Helper()
	s := r.Snapshot()
	i := slices.IndexFunc(s.Pools, func(p PoolStats) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no pool %q in the snapshot", name)
	}
	return s.Pools[i]
}

// block returns a task that runs until release is called.
func block() (task func(), release func()) {
	gate := make(chan struct{})
	return func() { <-gate }, sync.OnceFunc(func() { close(gate) })
}

func mustSubmit(t *testing.T, p *Pool, tasks ...func()) {
	t.Helper()
	for _, task := range tasks {
		if err := p.Submit(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
}

func mustShutdown(t *testing.T, p *Pool) {
	t.Helper()
	if err := p.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestPoolShutdownDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("drains", 2, 10, WithRegistry(NewRegistry()))
		var ran atomic.Int32
		for range 10 {
			mustSubmit(t, p, func() { time.Sleep(time.Second); ran.Add(1) })
		}
		mustShutdown(t, p)
		if n := ran.Load(); n != 10 {
			t.Errorf("%d of 10 tasks have run", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Errorf("a Shutdown of what has ended: %v", err)
		}
		if err := p.Submit(t.Context(), func() {}); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("Submit after Shutdown: %v", err)
		}
		if err := p.TrySubmit(func() {}); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("TrySubmit after Shutdown: %v", err)
		}
		p.Resize(7)
		synctest.Wait() // workers that were left would end the bubble as a deadlock
		if c := p.Stats(); c.Workers != 0 || c.Rejected != 0 || c.TasksOK != 10 {
			t.Errorf("%d workers, %d rejected, %d ok", c.Workers, c.Rejected, c.TasksOK)
		}
	})
}

func TestPoolShutdownGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("stuck", 3, 10, WithRegistry(NewRegistry()))
		stuck, release := block()
		mustSubmit(t, p, stuck, stuck, stuck, func() {}, func() {})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := p.Shutdown(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		for _, part := range []string{`"stuck"`, "workers running: 3", "tasks queued: 2"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %s: %v", part, err)
			}
		}
		p.Resize(1) // the queue is closed: there is nobody to wake
		release()
		mustShutdown(t, p)
		if c := p.Stats(); c.TasksOK != 5 {
			t.Errorf("%d of 5 tasks have run", c.TasksOK)
		}
	})
}

// Those who wait for room when the pool is shut down are told, and at once.
func TestPoolShutdownRefusesWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("waiting", 1, 0, WithRegistry(NewRegistry()))
		stuck, release := block()
		synctest.Wait()
		mustSubmit(t, p, stuck)
		got := make(chan error, 1)
		go func() { got <- p.Submit(nil, func() {}) }() //nolint:staticcheck // a nil ctx is never done
		ctx, cancel := context.WithCancel(t.Context())
		canceled := make(chan error, 1)
		go func() { canceled <- p.Submit(ctx, func() {}) }()
		synctest.Wait()
		cancel()
		if err := <-canceled; !errors.Is(err, context.Canceled) {
			t.Errorf("a canceled Submit: %v", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- p.Shutdown(nil) }() //nolint:staticcheck // see above
		if err := <-got; !errors.Is(err, ErrPoolClosed) {
			t.Errorf("a Submit that waited: %v", err)
		}
		release()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if c := p.Stats(); c.TasksOK != 1 || c.Rejected != 0 || c.TaskWait.Count != 1 {
			t.Errorf("%d ok, %d rejected, %d waits", c.TasksOK, c.Rejected, c.TaskWait.Count)
		}
	})
}

func TestPoolRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("refusals", 1, 1, WithRegistry(NewRegistry()))
		if err := p.Submit(t.Context(), nil); !errors.Is(err, ErrNilTask) {
			t.Errorf("Submit of nil: %v", err)
		}
		if err := p.TrySubmit(nil); !errors.Is(err, ErrNilTask) {
			t.Errorf("TrySubmit of nil: %v", err)
		}
		stuck, release := block()
		mustSubmit(t, p, stuck)
		synctest.Wait()
		mustSubmit(t, p, stuck)
		for range 3 {
			if err := p.TrySubmit(stuck); !errors.Is(err, ErrPoolFull) {
				t.Errorf("TrySubmit of a full pool: %v", err)
			}
		}
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Submit(done, func() {}); !errors.Is(err, context.Canceled) {
			t.Errorf("Submit with a done ctx: %v", err)
		}
		if c := p.Stats(); c.Rejected != 3 || c.Busy != 1 || c.QueueDepth != 1 {
			t.Errorf("rejected %d, busy %d, queued %d", c.Rejected, c.Busy, c.QueueDepth)
		}
		release()
		mustShutdown(t, p)
	})
}

func TestPoolClamps(t *testing.T) {
	var log bytes.Buffer
	r := NewRegistry(WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	p := NewPool("clamped", -3, -1, nil, WithRegistry(r))
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "name=clamped") {
		t.Errorf("%d lines in the log: %s", n, log.String())
	}
	if c := p.Stats(); c.Workers != 1 || c.QueueCapacity != 0 {
		t.Errorf("%d workers, queue of %d", c.Workers, c.QueueCapacity)
	}
	p.Resize(-5)
	ran := make(chan bool, 1)
	mustSubmit(t, p, func() { ran <- true })
	<-ran
	mustShutdown(t, p)
	if c := p.Stats(); c.TasksOK != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("%d tasks ok; log: %s", c.TasksOK, log.String())
	}
}

func TestPoolResize(t *testing.T) {
	for _, queue := range []int{0, 4} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPool("resize", 8, queue, WithRegistry(NewRegistry()))
			for _, workers := range []int{8, 1, 6, 2, 2, 9, 3} {
				p.Resize(workers) // at once, also while the last change is under way
			}
			for _, workers := range []int{1, 5, 2} {
				p.Resize(workers)
				synctest.Wait()
				if c := p.Stats(); c.Workers != int64(workers) || c.Busy != 0 || c.QueueDepth != 0 {
					t.Errorf("queue %d: %d idle workers of %d, %d busy, %d queued", queue, c.Workers, workers, c.Busy, c.QueueDepth)
				}
			}
			mustShutdown(t, p)
		})
	}
}

// Resize may come when a worker counts as idle and does not receive yet. Either it
// has looked before and is woken when it receives, or it looks then, and leaves no
// wake-up behind.
func TestPoolResizeMeetsWorkerAboutToWait(t *testing.T) {
	for _, queue := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPool("about", 2, queue, WithRegistry(NewRegistry()))
			stuck, release := block()
			mustSubmit(t, p, stuck, stuck)
			synctest.Wait()
			for what, receive := range map[string]func() (poolTask, bool){
				"looked before": func() (task poolTask, ok bool) { task, ok = <-p.s.queue; p.s.idle.Add(-1); return task, ok },
				"looks then":    p.s.back,
			} {
				p.s.idle.Add(1) // one of the two, let us say
				p.Resize(1)
				synctest.Wait()
				if task, ok := receive(); !ok || task.at != wakeUp.at || len(p.s.queue) != 0 {
					t.Errorf("queue %d, %s: received %+v, %v, and %d are left", queue, what, task, ok, len(p.s.queue))
				}
				p.s.woken(0)
			}
			looked := make(chan bool, 1)
			go func() { (&poolWorker{s: p.s}).await(); looked <- true }() // another one, after the change
			synctest.Wait()
			if len(looked) != 1 || p.s.idle.Load() != 0 {
				t.Errorf("queue %d: the worker waits, though it is one too many", queue)
			}
			release()
			mustShutdown(t, p)
		})
	}
}

// What wakes workers takes no place in the queue, also where those who were idle
// have been given tasks and do not run yet.
func TestPoolResizeLeavesTheQueue(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or they would run at once
	for _, queue := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPool("leaves", 4, queue, WithRegistry(NewRegistry()))
			synctest.Wait()
			stuck, release := block()
			mustSubmit(t, p, stuck, stuck)
			p.Resize(1)
			p.Resize(1)
			synctest.Wait()
			for n := range queue {
				if err := p.TrySubmit(func() {}); err != nil {
					t.Errorf("task %d of %d that fit: %v", n, queue, err)
				}
			}
			if c := p.Stats(); c.Workers != 2 || c.QueueDepth != int64(queue) {
				t.Errorf("%d workers, %d queued, want the 2 in tasks and %d", c.Workers, c.QueueDepth, queue)
			}
			release()
			synctest.Wait()
			if c := p.Stats(); c.Workers != 1 || c.TasksOK != uint64(queue)+2 {
				t.Errorf("at the end %d workers, %d ok", c.Workers, c.TasksOK)
			}
			mustShutdown(t, p)
		})
	}
}

// Submissions under way keep Resize from waking who may be given their tasks. If no
// task comes, they do.
func TestPoolResizeAndTasksThatDoNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("withdrawn", 2, 1, WithRegistry(NewRegistry()))
		synctest.Wait()
		p.s.m.entered.Add(2)
		p.Resize(1)
		synctest.Wait()
		if c := p.Stats(); c.Workers != 2 {
			t.Errorf("%d workers: one was woken beside those that will get tasks", c.Workers)
		}
		p.s.withdraw()
		p.s.withdraw()
		synctest.Wait()
		if c := p.Stats(); c.Workers != 1 {
			t.Errorf("%d workers at the end", c.Workers)
		}
		mustShutdown(t, p)
	})
}

func TestPoolShutdownEndsWakeUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("wakes", 1, 0, WithRegistry(NewRegistry()))
		stuck, release := block()
		mustSubmit(t, p, stuck)
		synctest.Wait()
		ended := make(chan bool, 1)
		p.s.waking = true
		go func() { p.s.wakeLater(); ended <- true }()
		synctest.Wait()
		if len(ended) != 0 {
			t.Error("it wakes a worker that is in a task")
		}
		p.s.shut()
		synctest.Wait()
		if len(ended) != 1 {
			t.Error("it outlives the Shutdown")
		}
		release()
		mustShutdown(t, p)
	})
}

// A submission that saw the pool open may still send.
func TestPoolShutdownLetsSubmissionsEnd(t *testing.T) {
	p := NewPool("under way", 1, 1, WithRegistry(NewRegistry()))
	ran := false
	task, err := p.s.enter(func() { ran = true })
	other, other2 := p.s.enter(func() {})
	if err != nil || other2 != nil || other.run == nil {
		t.Fatal(err, other2)
	}
	p.s.shut()
	p.s.queue <- task
	p.s.withdraw() // the other one
	mustShutdown(t, p)
	if !ran {
		t.Error("a task was lost")
	}
}

// Workers that are too many and in a task must not cost places in the queue.
func TestPoolResizeWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("busy", 4, 4, WithRegistry(NewRegistry()))
		stuck, release := block()
		for range 4 {
			mustSubmit(t, p, stuck)
			synctest.Wait()
		}
		p.Resize(1)
		for i := range 4 {
			if err := p.TrySubmit(func() {}); err != nil {
				t.Errorf("task %d of 4 that fit: %v", i, err)
			}
		}
		if c := p.Stats(); c.QueueDepth != 4 || c.Workers != 4 || c.Busy != 4 {
			t.Errorf("queued %d, %d workers, %d busy", c.QueueDepth, c.Workers, c.Busy)
		}
		release()
		synctest.Wait()
		if c := p.Stats(); c.Workers != 1 || c.TasksOK != 8 {
			t.Errorf("%d workers, %d tasks ok", c.Workers, c.TasksOK)
		}
		mustShutdown(t, p)
	})
}

func TestPoolPanicHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []any
		var stack []byte
		p := NewPool("handler", 1, 4, WithRegistry(NewRegistry()), WithPanicHandler(func(v any, s []byte) {
			got, stack = append(got, v), s
		}))
		mustSubmit(t, p, poolTestBoom, runtime.Goexit, func() {}, poolTestBoom)
		mustShutdown(t, p)
		if len(got) != 2 || got[0] != "boom" || !bytes.Contains(stack, []byte("poolTestBoom")) {
			t.Errorf("handled %v, the stack is\n%s", got, stack)
		}
		if c := p.Stats(); c.TasksOK != 1 || c.TasksPanic != 3 || c.Busy != 0 {
			t.Errorf("%d ok, %d panics, %d busy", c.TasksOK, c.TasksPanic, c.Busy)
		}
	})
}

//go:noinline
func poolTestBoom() { panic("boom") }

func TestPoolGoexitReplacesWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		p := NewPool("goexit", 2, 4, WithRegistry(r))
		for range 10 {
			mustSubmit(t, p, func() { time.Sleep(time.Second); runtime.Goexit() })
		}
		synctest.Wait()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		c := poolNow(t, r, "goexit")
		if c.TasksPanic != 10 || c.Workers != 2 || c.Busy != 0 || c.BusyTime != 10*time.Second {
			t.Errorf("%d panics, %d workers, %d busy, busy for %v", c.TasksPanic, c.Workers, c.Busy, c.BusyTime)
		}
		mustSubmit(t, p, func() {})
		mustShutdown(t, p)
	})
}

// Without a handler a panic is counted and not recovered: what the program prints
// is its own panic, with the stack of the task. This test runs itself in a process
// of its own, to which the panic puts an end.
func TestPoolPanicIsThePrograms(t *testing.T) {
	const child = "WEIR_TEST_POOL_PANIC"
	if os.Getenv(child) != "" {
		p := NewPool("crash", 1, 0, WithRegistry(NewRegistry()))
		_ = p.Submit(context.Background(), poolTestBoom)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPoolPanicIsThePrograms$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("ended with %v:\n%s", err, out)
	}
	text := string(out)
	if !strings.Contains(text, "panic: boom\n") || strings.Contains(text, "recovered") || strings.Contains(text, "repanicked") {
		t.Errorf("not the program's own panic:\n%s", text)
	}
	_, crash, _ := strings.Cut(text, "\ngoroutine ")
	crash, _, _ = strings.Cut(crash, "\n\n")
	if !strings.Contains(crash, "[running") || !strings.Contains(crash, "poolTestBoom") {
		t.Errorf("not the task's stack:\n%s", crash)
	}
}

func TestPoolPanicIsCounted(t *testing.T) {
	p := NewPool("counted", 1, 0, WithRegistry(NewRegistry()))
	p.s.running.Add(1)
	w := &poolWorker{s: p.s, slot: p.s.m.addSlot(), quota: never}
	p.s.m.entered.Add(1)
	mustPanic(t, "a task that panics", func() {
		defer w.end()
		w.do(poolTask{run: poolTestBoom})
	})
	if c := p.Stats(); c.TasksPanic != 1 || c.TasksOK != 0 || c.Busy != 0 || c.Workers != 2 {
		t.Errorf("%d panics, %d ok, %d busy of %d", c.TasksPanic, c.TasksOK, c.Busy, c.Workers)
	}
	mustShutdown(t, p)
}

func TestPoolDropped(t *testing.T) {
	r := NewRegistry()
	before := runtime.NumGoroutine()
	var ran atomic.Int32
	gate := make(chan struct{})
	func() {
		p := NewPool("dropped", 4, 100, WithRegistry(r))
		for range 50 {
			mustSubmit(t, p, func() { <-gate; ran.Add(1) })
		}
		stuck, release := block()
		defer release()
		for p.TrySubmit(stuck) == nil { // to count rejects as well
		}
	}()
	total := ran.Load()
	close(gate)
	afterGC(t, "the pool is gone", func() bool { return poolNow(t, r, "dropped").Members == 0 })
	afterGC(t, "its workers are gone", func() bool { return runtime.NumGoroutine() <= before })
	c := poolNow(t, r, "dropped")
	if ran.Load() != 50 || total != 0 || c.TasksOK <= 50 || c.Rejected != 1 || c.Workers != 0 || c.QueueDepth != 0 || c.QueueCapacity != 0 {
		t.Errorf("%d tasks ran; %+v", ran.Load(), c)
	}
}

func TestPoolDroppedAfterShutdown(t *testing.T) {
	r := NewRegistry()
	func() {
		p := NewPool("shut", 2, 1, WithRegistry(r))
		mustSubmit(t, p, func() {})
		mustShutdown(t, p)
		if c := p.Stats(); c.Members != 1 || c.TasksOK != 1 {
			t.Errorf("%d members, %d ok", c.Members, c.TasksOK)
		}
	}()
	afterGC(t, "the pool is gone", func() bool { return poolNow(t, r, "shut").Members == 0 })
	if c := poolNow(t, r, "shut"); c.TasksOK != 1 {
		t.Errorf("%d tasks ok", c.TasksOK)
	}
}

// Inside a bubble a dropped pool must be left alone: cleanups run outside of it,
// where closing its channels is fatal.
func TestPoolDroppedInsideBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *poolState
		func() {
			p := NewPool("bubble", 1, 1, WithRegistry(NewRegistry()))
			s = p.s
		}()
		for range 20 {
			runtime.GC()
		}
		if s.m.entered.Load()&poolShut != 0 {
			t.Error("closed from outside")
		}
		mustShutdown(t, &Pool{s})
	})
}

func TestPoolBusyIsWhatRuns(t *testing.T) {
	r := NewRegistry()
	p := NewPool("barrier", 8, 8, WithRegistry(r))
	for n := range 9 {
		stuck, release := block()
		var started, ended sync.WaitGroup
		started.Add(n)
		for range n {
			ended.Add(1)
			mustSubmit(t, p, func() { started.Done(); stuck(); ended.Done() })
		}
		started.Wait()
		if c := poolNow(t, r, "barrier"); c.Busy != int64(n) || c.Workers != 8 || c.QueueDepth != 0 {
			t.Errorf("busy %d of %d, not %d; queued %d", c.Busy, c.Workers, n, c.QueueDepth)
		}
		release()
		ended.Wait()
		for poolNow(t, r, "barrier").Busy != 0 { // a task ends after its last line
			runtime.Gosched()
		}
	}
	mustShutdown(t, p)
}

func TestPoolTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		p := NewPool("times", 2, 10, WithRegistry(r))
		for range 6 {
			mustSubmit(t, p, func() { time.Sleep(2 * time.Second) })
		}
		time.Sleep(3 * time.Second)
		c := poolNow(t, r, "times")
		if c.Busy != 2 || c.QueueDepth != 2 || c.OldestTask != time.Second || c.BusyTime != 6*time.Second {
			t.Errorf("busy %d for %v, queued %d, oldest %v", c.Busy, c.BusyTime, c.QueueDepth, c.OldestTask)
		}
		time.Sleep(time.Hour)
		p.Resize(1) // wakes a worker after a long pause, which is not busy time
		synctest.Wait()
		p.Resize(2)
		mustSubmit(t, p, func() { time.Sleep(8 * time.Second) })
		mustShutdown(t, p)
		c = poolNow(t, r, "times")
		if c.BusyTime != 20*time.Second || c.TaskRun.Count != 7 || c.TaskRun.Sum != 20 || c.OldestTask != 0 {
			t.Errorf("busy for %v, %d tasks ran for %v s", c.BusyTime, c.TaskRun.Count, c.TaskRun.Sum)
		}
		if c.TaskWait.Count != 7 || c.TaskWait.Sum != 2*2+2*4 || c.TaskWait.Zero != 3 {
			t.Errorf("%d tasks waited for %v s, %d of them not at all", c.TaskWait.Count, c.TaskWait.Sum, c.TaskWait.Zero)
		}
	})
}

func TestPoolWakeUpIsNoTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("wake", 1, 4, WithRegistry(NewRegistry()))
		mustSubmit(t, p, func() {})
		synctest.Wait()
		time.Sleep(time.Hour)
		p.s.waking = true
		p.s.idle.Add(1)
		p.s.queue <- wakeUp // as Resize does; then a task that is there at once
		mustSubmit(t, p, func() { time.Sleep(time.Second) })
		mustShutdown(t, p)
		if c := p.Stats(); c.BusyTime != time.Second || c.TasksOK != 2 || c.TaskRun.Count != 2 {
			t.Errorf("busy for %v in %d tasks", c.BusyTime, c.TasksOK)
		}
	})
}

func TestPoolBusyTimeIsTheWorkDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		p := NewPool("work", 7, 100, WithRegistry(r), WithPanicHandler(func(any, []byte) {}))
		rnd := rand.New(rand.NewPCG(1, 2))
		var work time.Duration
		for i := range 2000 {
			d := time.Duration(rnd.Int64N(int64(time.Second)))
			work += d
			mustSubmit(t, p, func() {
				time.Sleep(d)
				if i%50 == 0 {
					panic("on purpose")
				}
			})
			if i%100 == 0 {
				p.Resize(1 + rnd.IntN(9))
			}
		}
		mustShutdown(t, p)
		c := poolNow(t, r, "work")
		if ratio := float64(c.BusyTime) / float64(work); math.Abs(ratio-1) > 0.01 {
			t.Errorf("busy for %v, worked for %v", c.BusyTime, work)
		}
		if math.Abs(c.TaskRun.Sum/work.Seconds()-1) > 0.01 {
			t.Errorf("ran for %v s, worked for %v", c.TaskRun.Sum, work)
		}
	})
}

func poolTestSleeper() { time.Sleep(5 * time.Minute) }

func TestPoolTaskLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		p := NewPool("limit", 3, 3, WithRegistry(r), WithTaskLimit(time.Minute))
		start := time.Now()
		mustSubmit(t, p, poolTestSleeper)
		time.Sleep(time.Second)
		mustSubmit(t, p, func() { time.Sleep(2 * time.Minute) })
		time.Sleep(59 * time.Second)
		if x := suspectIn(r.Snapshot(), "running_too_long"); x.Count != 0 {
			t.Errorf("a suspect at the limit: %+v", x)
		}
		time.Sleep(time.Nanosecond)
		x := suspectIn(r.Snapshot(), "running_too_long")
		if x.Kind != "pool" || x.Name != "limit" || x.Evidence != Heuristic || x.Count != 1 || !x.Since.Equal(start) ||
			!strings.HasPrefix(x.Site, "instrument.poolTestSleeper pool_test.go:") {
			t.Errorf("suspect %+v", x)
		}
		time.Sleep(time.Second)
		if c := poolNow(t, r, "limit"); c.TasksOverLimit != 2 || c.OldestTask <= time.Minute || c.TaskLimit != time.Minute {
			t.Errorf("%d over the limit, the oldest runs for %v", c.TasksOverLimit, c.OldestTask)
		}
		mustShutdown(t, p)
		if s := r.Snapshot(); len(s.Suspects) != 0 {
			t.Errorf("suspects at the end: %v", s.Suspects)
		}
	})
}

func TestPoolProfileLabel(t *testing.T) {
	r := NewRegistry()
	p := NewPool("labelled pool", 1, 0, WithRegistry(r))
	profile := make(chan string, 1)
	mustSubmit(t, p, func() {
		var out strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&out, 1)
		profile <- out.String()
	})
	if got := <-profile; !strings.Contains(got, `"weir_pool":"labelled pool"`) {
		t.Errorf("no label in the profile:\n%s", got)
	}
	mustShutdown(t, p)
}

func TestPoolGroupAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		a := NewPool("group", 2, 3, WithRegistry(r), WithOwner("team-a"))
		b := NewPool("group", 1, 4, WithRegistry(r), WithTaskLimit(time.Hour))
		mustSubmit(t, a, func() {})
		mustSubmit(t, b, func() {}, func() {})
		synctest.Wait()
		s := r.Snapshot()
		c := s.Pools[0]
		if len(s.Pools) != 1 || c.Members != 2 || c.Workers != 3 || c.QueueCapacity != 7 || c.TasksOK != 3 {
			t.Errorf("%+v", c)
		}
		if c.Owner != "team-a" || c.TaskLimit != 0 || s.Self.ConflictingOptions != 1 || len(c.Sites) != 2 {
			t.Errorf("owner %q, limit %v, %d conflicts, made at %q", c.Owner, c.TaskLimit, s.Self.ConflictingOptions, c.Sites)
		}
		if !strings.HasPrefix(c.Site, "instrument.TestPoolGroupAddsUp.func1 pool_test.go:") {
			t.Errorf("made at %q", c.Site)
		}
		if own := b.Stats(); own.Members != 1 || own.Workers != 1 || own.TasksOK != 2 {
			t.Errorf("Stats of one: %+v", own)
		}
		mustShutdown(t, a)
		mustShutdown(t, b)
	})
}

func TestPoolUnmeasured(t *testing.T) {
	check := func(r *Registry, p *Pool) {
		t.Helper()
		var ran atomic.Int32
		task := func() { ran.Add(1) }
		mustSubmit(t, p, task, runtime.Goexit, func() { panic("contained") }, task)
		_ = p.Submit(nil, task) //nolint:staticcheck // a nil ctx is never done
		p.Resize(3)
		p.Resize(1)
		for p.TrySubmit(task) != nil {
			runtime.Gosched()
		}
		mustShutdown(t, p)
		if c := p.Stats(); ran.Load() != 4 || c.Workers != 0 || c.TasksOK != 0 || len(r.Snapshot().Pools) != 0 {
			t.Errorf("%d tasks ran; %+v", ran.Load(), c)
		}
	}
	contain := WithPanicHandler(func(any, []byte) {})
	r := NewRegistry()
	check(r, NewPool("", 2, 1, WithRegistry(r), contain))
	check(r, NewPool("\x01\x02", 2, 0, WithRegistry(r), nil, contain))
	t.Setenv("WEIR_DISABLE", "1")
	r = NewRegistry()
	check(r, NewPool("disabled", 2, 1, WithRegistry(r), contain, WithTaskLimit(time.Second)))
}

func TestPoolSubmitAllocatesNothing(t *testing.T) {
	p := NewPool("allocs", 2, 16, WithRegistry(NewRegistry()))
	ctx, task := t.Context(), func() {}
	mustSubmit(t, p, task) // the first one makes the histograms
	if n := testing.AllocsPerRun(2000, func() {
		_ = p.Submit(ctx, task)
		_ = p.TrySubmit(task)
	}); n != 0 {
		t.Errorf("Submit allocates %v times", n)
	}
	mustShutdown(t, p)
}

// panicky is a log handler that panics.
type panicky struct{ slog.Handler }

func (panicky) Handle(context.Context, slog.Record) error { panic("handler") }

func TestPoolLogHandlerThatPanics(t *testing.T) {
	r := NewRegistry(WithLogger(slog.New(panicky{slog.NewTextHandler(io.Discard, nil)})))
	p := NewPool("p", 0, 0, WithRegistry(r))
	defer func() { _ = p.Shutdown(t.Context()) }()
	if n := r.Snapshot().Self.CollectFaults; n != 1 {
		t.Errorf("%d faults, want 1", n)
	}
}
