package instrument

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errGroupTest = errors.New("on purpose")

// errgroup's own tests run on Group in bench; these are of what is measured, and of
// what errgroup has no test for.

func TestGroupCountsOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		g := NewGroup("outcomes", WithRegistry(r), WithPanicHandler(func(any, []byte) {}))
		for i := range 12 {
			g.Go(func() error {
				time.Sleep(time.Second)
				switch i % 4 {
				case 0:
					return errGroupTest
				case 1:
					panic("on purpose")
				case 2:
					runtime.Goexit()
				}
				return nil
			})
		}
		synctest.Wait()
		c := poolNow(t, r, "outcomes")
		if c.Busy != 12 || c.BusyTime != 0 || c.HasWorkers || c.HasQueue || !c.HasTasks || c.Members != 1 {
			t.Errorf("at the start: %+v", c)
		}
		time.Sleep(time.Second / 2)
		if c := poolNow(t, r, "outcomes"); c.BusyTime != 6*time.Second || c.OldestTask != time.Second/2 {
			t.Errorf("half way: busy for %v, the oldest for %v", c.BusyTime, c.OldestTask)
		}
		if err := g.Wait(); !errors.Is(err, errGroupTest) && !errors.Is(err, ErrTaskPanic) {
			t.Errorf("Wait returns %v", err)
		}
		c = poolNow(t, r, "outcomes")
		if c.TasksOK != 3 || c.TasksError != 3 || c.TasksPanic != 6 || c.Busy != 0 || c.BusyTime != 12*time.Second {
			t.Errorf("%d ok, %d errors, %d panics, %d busy, for %v", c.TasksOK, c.TasksError, c.TasksPanic, c.Busy, c.BusyTime)
		}
		if c.TaskRun.Count != 12 || c.TaskRun.Sum != 12 || c.TaskWait.Count != 12 || c.TaskWait.Zero != 12 {
			t.Errorf("%d ran for %v s, %d waited", c.TaskRun.Count, c.TaskRun.Sum, c.TaskWait.Count)
		}
	})
}

func TestGroupPanicEndsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got any
		g, ctx := GroupWithContext(t.Context(), "panics", WithRegistry(NewRegistry()), WithPanicHandler(func(v any, _ []byte) { got = v }))
		g.Go(func() error { panic("boom") })
		<-ctx.Done()
		err := g.Wait()
		if !errors.Is(err, ErrTaskPanic) || !strings.Contains(err.Error(), "boom") || !errors.Is(context.Cause(ctx), err) || got != "boom" {
			t.Errorf("Wait: %v, cause: %v, handled: %v", err, context.Cause(ctx), got)
		}
	})
}

// Without a handler the panic is the program's own; see TestPoolPanicIsThePrograms.
func TestGroupPanicIsThePrograms(t *testing.T) {
	const child = "WEIR_TEST_GROUP_PANIC"
	if os.Getenv(child) != "" {
		g := NewGroup("crash", WithRegistry(NewRegistry()))
		g.Go(func() error { poolTestBoom(); return nil })
		_ = g.Wait()
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestGroupPanicIsThePrograms$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err == nil || !strings.Contains(text, "panic: boom\n") || !strings.Contains(text, "poolTestBoom") || strings.Contains(text, "recovered") {
		t.Errorf("not the program's own panic (%v):\n%s", err, text)
	}
}

func TestGroupWaitsForPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		g := NewGroup("places", WithRegistry(r))
		g.SetLimit(2)
		for i := range 6 {
			g.Go(func() error { time.Sleep(2 * time.Second); return nil })
			if i == 1 {
				if g.TryGo(func() error { return nil }) {
					t.Error("TryGo starts a third")
				}
				synctest.Wait()
				if c := poolNow(t, r, "places"); c.Workers != 2 || c.Busy != 2 || c.Rejected != 1 {
					t.Errorf("%d workers, %d busy, %d rejected", c.Workers, c.Busy, c.Rejected)
				}
			}
		}
		mustPanic(t, "SetLimit while goroutines run", func() { g.SetLimit(3) })
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		g.SetLimit(-1)
		c := poolNow(t, r, "places")
		if c.TasksOK != 6 || c.TaskWait.Count != 6 || c.TaskWait.Sum != 2*2 {
			t.Errorf("%d ok, %d waited for %v s", c.TasksOK, c.TaskWait.Count, c.TaskWait.Sum)
		}
		if c.HasWorkers || c.Workers != 0 || c.BusyTime != 12*time.Second {
			t.Errorf("%d workers at the end, busy for %v", c.Workers, c.BusyTime)
		}
	})
}

// Many wait for few places: each gets one, and never more run than may.
func TestGroupSlots(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		for _, limit := range []int{1, 3, maxFreed + 6} {
			s := newGroupSlots(limit)
			var running, ran, tried atomic.Int64
			var all sync.WaitGroup
			for n := range 2 * maxFreed {
				all.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(n), 1))
					for range 200 {
						if rnd.IntN(4) > 0 {
							s.take()
						} else if tried.Add(1); !s.try() {
							continue
						}
						if n := running.Add(1); n > int64(limit) {
							t.Errorf("%d run, %d may", n, limit)
						}
						if rnd.IntN(8) == 0 {
							runtime.Gosched()
						}
						ran.Add(1)
						running.Add(-1)
						s.give(1)
					}
				})
			}
			all.Wait()
			if s.active() != 0 || len(s.freed) != 0 || ran.Load() < 200*2*maxFreed-tried.Load() {
				t.Errorf("limit %d: %d active at the end, %d on their way, %d ran", limit, s.active(), len(s.freed), ran.Load())
			}
		}
	})
}

func TestGroupLimitZeroStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(Group)
		g.SetLimit(0)
		if g.TryGo(func() error { return nil }) {
			t.Error("TryGo starts something")
		}
		g.SetLimit(1) // nothing runs
		if !g.TryGo(func() error { return errGroupTest }) {
			t.Error("TryGo starts nothing")
		}
		if err := g.Wait(); !errors.Is(err, errGroupTest) {
			t.Errorf("Wait: %v", err)
		}
	})
}

// All Groups of a name are one series, and what is gone stays counted.
func TestGroupsComeAndGo(t *testing.T) {
	r := NewRegistry()
	const groups, each = 500, 6
	for range groups {
		g, _ := GroupWithContext(t.Context(), "requests", WithRegistry(r), WithOwner("team"))
		g.SetLimit(3)
		for range each {
			g.Go(func() error { return nil })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	c := poolNow(t, r, "requests")
	if c.TasksOK != groups*each || c.TaskRun.Count != groups*each || c.TaskWait.Count > groups*each || c.TaskWait.Count < groups*each*9/10 {
		t.Errorf("%d ok, %d run times, %d waits", c.TasksOK, c.TaskRun.Count, c.TaskWait.Count)
	}
	if c.Owner != "team" || !strings.HasPrefix(c.Site, "instrument.TestGroupsComeAndGo group_test.go:") || c.Workers != 0 {
		t.Errorf("owner %q, made at %q, %d workers", c.Owner, c.Site, c.Workers)
	}
	afterGC(t, "the groups are gone", func() bool { return poolNow(t, r, "requests").Members == 0 })
	if c := poolNow(t, r, "requests"); c.TasksOK != groups*each {
		t.Errorf("%d ok after the collection", c.TasksOK)
	}
}

//go:noinline
func groupTestStuck(gate chan struct{}) func() error { return func() error { <-gate; return nil } }

func TestGroupTaskLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		g := NewGroup("limit", WithRegistry(r), WithTaskLimit(time.Minute))
		gate := make(chan struct{})
		const stuck = 3*agedAtOnce + 5 // one look does not find them all
		for range stuck {
			g.Go(groupTestStuck(gate))
		}
		time.Sleep(time.Minute)
		g.Go(groupTestStuck(gate))
		if x := suspectIn(r.Snapshot(), "running_too_long"); x.Count != 0 {
			t.Errorf("at the limit: %+v", x)
		}
		time.Sleep(time.Second)
		x := suspectIn(r.Snapshot(), "running_too_long")
		if x.Count != stuck || x.Kind != "pool" || !strings.HasPrefix(x.Site, "instrument.groupTestStuck.func1 group_test.go:") {
			t.Errorf("suspect %+v", x)
		}
		close(gate)
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if s := r.Snapshot(); len(s.Suspects) != 0 {
			t.Errorf("suspects at the end: %v", s.Suspects)
		}
	})
}

func TestGroupUnmeasured(t *testing.T) {
	check := func(r *Registry, g *Group) {
		t.Helper()
		g.SetLimit(2)
		var ran atomic.Int32
		for range 10 {
			g.Go(func() error { ran.Add(1); return nil })
		}
		for !g.TryGo(func() error { return errGroupTest }) {
			runtime.Gosched()
		}
		if err := g.Wait(); !errors.Is(err, errGroupTest) || ran.Load() != 10 || len(r.Snapshot().Pools) != 0 {
			t.Errorf("Wait: %v, %d ran", err, ran.Load())
		}
	}
	r := NewRegistry()
	check(r, new(Group))
	check(r, NewGroup("", WithRegistry(r)))
	g, ctx := GroupWithContext(nil, "\x01", nil, WithRegistry(r)) //nolint:staticcheck // a nil ctx is never done
	check(r, g)
	if ctx.Err() == nil {
		t.Error("Wait does not cancel the context")
	}
	t.Setenv("WEIR_DISABLE", "1")
	r = NewRegistry()
	check(r, NewGroup("disabled", WithRegistry(r)))
}

// A goroutine that is stuck in a Group must stay garbage for the leak profile.
func TestGroupKeepsNothingAlive(t *testing.T) {
	r := NewRegistry()
	collected := make(chan struct{})
	func() {
		big := new([1 << 16]byte)
		runtime.AddCleanup(big, func(c chan struct{}) { close(c) }, collected)
		g := NewGroup("keeps", WithRegistry(r), WithTaskLimit(time.Hour))
		g.Go(func() error { big[0] = 1; return nil })
		_ = g.Wait()
	}()
	afterGC(t, "what the task captured is collected", func() bool {
		select {
		case <-collected:
			return true
		default:
			return false
		}
	})
	if c := poolNow(t, r, "keeps"); c.TasksOK != 1 {
		t.Errorf("%d ok", c.TasksOK)
	}
}

func TestGroupAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	g := NewGroup("allocs", WithRegistry(NewRegistry()))
	g.SetLimit(2)
	f := func() error { return nil }
	if n := testing.AllocsPerRun(2000, func() { g.Go(f) }); n != 0 {
		t.Errorf("Go allocates %v times", n)
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
