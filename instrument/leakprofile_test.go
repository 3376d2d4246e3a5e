package instrument_test

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

// These tests are not in package instrument: its own functions are not taken for
// places in the program.

func silent() instrument.RegistryOption {
	return instrument.WithLogger(slog.New(slog.DiscardHandler))
}

func suspected(s instrument.Snapshot, evidence instrument.Evidence, function string) (x instrument.Suspect, ok bool) {
	i := slices.IndexFunc(s.Suspects, func(x instrument.Suspect) bool {
		return x.Evidence == evidence && strings.HasPrefix(x.Site, "instrument_test."+function+" ")
	})
	if i < 0 {
		return x, false
	}
	return s.Suspects[i], true
}

func pileUpSend(ch chan int)    { ch <- 1 }
func pileUpReceive(ch chan int) { <-ch }
func pileUpSelect(a, b chan int) {
	select {
	case <-a:
	case <-b:
	}
}
func pileUpQueue(q *instrument.Queue[int]) { q.Recv() }
func idle(ch chan int)                     { <-ch }
func pileUpRange(q *instrument.Queue[int]) {
	for range q.All() { // which is inlined
	}
}

// TestGoroutinesPileUp leaks goroutines on channels that nobody wrapped, and on a
// Queue, and wants them named until they are let go.
func TestGoroutinesPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := instrument.NewRegistry(silent())
		sends, receives, idles := make(chan int), make(chan int), make(chan int)
		queue := instrument.NewQueue[int]("replies", instrument.WithRegistry(r))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { idle(idles) })
		}
		r.Snapshot()
		leaked := 0
		for range 150 { // twenty-five minutes
			leaked++
			all.Go(func() { pileUpSend(sends) })
			all.Go(func() { pileUpReceive(receives) })
			all.Go(func() { pileUpSelect(receives, idles) })
			all.Go(func() { pileUpQueue(queue) })
			all.Go(func() { pileUpRange(queue) })
			time.Sleep(10 * time.Second)
			r.Snapshot()
		}
		s := r.Snapshot()
		for function, reason := range map[string]string{
			"pileUpSend": "blocked_send", "pileUpReceive": "blocked_receive", "pileUpSelect": "blocked_select", "pileUpQueue": "blocked_receive",
			"pileUpRange": "blocked_receive",
		} {
			x, ok := suspected(s, instrument.Heuristic, function)
			if !ok || x.Kind != "goroutine" || x.Name != x.Site || x.Reason != reason ||
				x.Count < uint64(leaked)-5 || x.Count > uint64(leaked) ||
				!strings.Contains(x.Site, " leakprofile_test.go:") || !strings.Contains(x.Stack, "instrument_test."+function+" ") {
				t.Errorf("%s is not a suspect, or not as it should be: %+v of %+v", function, x, s.Suspects)
			}
		}
		if x, ok := suspected(s, instrument.Heuristic, "idle"); ok {
			t.Errorf("an idle pool is suspected: %+v", x)
		}
		for range leaked {
			<-sends
		}
		close(receives)
		close(idles)
		queue.Close()
		all.Wait()
		time.Sleep(time.Minute)
		if s := r.Snapshot(); len(s.Suspects) != 0 {
			t.Errorf("all were let go, and still: %+v", s.Suspects)
		}
	})
}

var leakedSends uint64 // none of them ever ends

func leakedSend() {
	leakedSends++
	ch := make(chan int)
	go func() { ch <- 1 }()
}

// TestLeakProfileProves: a suspicion has the runtime asked, and what it knows to be
// leaked is named; without a suspicion it is not asked.
func TestLeakProfileProves(t *testing.T) {
	if pprof.Lookup("goroutineleak") == nil {
		r := instrument.NewRegistry(silent(), instrument.WithLeakProof())
		if got := r.Snapshot().Self.LeakProof; got != "absent" {
			t.Errorf("the leak proof is said to be %q", got)
		}
		t.Skip("THE REST IS NOT TESTED: this runtime has no goroutineleak profile")
	}
	r := instrument.NewRegistry(silent(), instrument.WithLeakProof(), instrument.WithLeakInterval(time.Nanosecond))
	leakedSend()
	pool := instrument.NewPool("stuck-tasks", 1, 1, instrument.WithRegistry(r))
	_ = pool.Submit(context.Background(), stuckTask)
	for _, f := range []string{"leakedSend", "stuckTask"} {
		settle(t, func() bool { return stacks("goroutine", f) > 0 })
	}
	r.Sample()
	if s := r.Snapshot(); len(s.Suspects) != 0 || s.Self.LeakProof != "on" {
		t.Fatalf("nothing was suspected yet: %+v, leak proof %q", s.Suspects, s.Self.LeakProof)
	}
	stuck := instrument.NewChan[int]("stuck", 1, instrument.WithRegistry(r), instrument.WithStallAfter(time.Nanosecond))
	stuck.Send(1)
	for len(r.Snapshot().Suspects) == 0 {
		runtime.Gosched() // nothing is stalled when it is first seen
	}
	r.Sample()
	s := r.Snapshot()
	x, ok := suspected(s, instrument.Proven, "leakedSend.func1")
	if !ok || x.Kind != "goroutine" || x.Reason != "leaked" || x.Count == 0 || x.Count > leakedSends || x.Name != x.Site {
		t.Errorf("%+v of %+v", x, s.Suspects)
	}
	x, ok = suspected(s, instrument.Proven, "stuckTask")
	if !ok || x.Kind != "pool" || x.Name != "stuck-tasks" || x.Reason != "leaked" || !strings.Contains(x.Stack, "poolWorker") {
		t.Errorf("%+v of %+v", x, s.Suspects)
	}
	runtime.KeepAlive(stuck)
	runtime.KeepAlive(pool)
}

func stuckTask() { <-make(chan int) }

// settle waits until the goroutines have come to where they block.
func settle(t *testing.T, ok func() bool) {
	t.Helper()
	for range 1_000_000 {
		if ok() {
			return
		}
		runtime.Gosched()
	}
	t.Fatal("the goroutines do not block")
}

// stacks returns how many stacks of a profile have the function in them.
func stacks(profile, function string) int {
	var out strings.Builder
	if err := pprof.Lookup(profile).WriteTo(&out, 1); err != nil {
		return 0
	}
	return strings.Count(out.String(), "instrument_test."+function)
}

// plant leaks a goroutine on each kind of object, of which nothing is left but
// what weir itself holds.
func plant(r *instrument.Registry) {
	option := instrument.WithRegistry(r)
	channel := instrument.NewChan[int]("registered", 0, option)
	go plantedSend(channel)
	wrapped := instrument.WrapChan("wrapped", make(chan int), option)
	go plantedWrapped(wrapped.Raw())
	watched := instrument.Watch("watched", make(chan int), option)
	go plantedWatched(watched)
	queue := instrument.NewQueue[int]("queue", option)
	go plantedQueue(queue)
	semaphore := instrument.NewSemaphore("semaphore", 1, option)
	_ = semaphore.Acquire(context.Background(), 1)
	go plantedAcquire(semaphore)
	pool := instrument.NewPool("pool", 1, 1, option)
	_ = pool.Submit(context.Background(), plantedTask)
}

func plantedSend(c *instrument.Chan[int])    { c.Send(1) }
func plantedWrapped(c chan int)              { c <- 1 }
func plantedWatched(c chan int)              { <-c }
func plantedQueue(q *instrument.Queue[int])  { q.Recv() }
func plantedAcquire(s *instrument.Semaphore) { _ = s.Acquire(context.Background(), 1) }
func plantedTask()                           { <-make(chan int) }

var planted = []string{"plantedSend", "plantedWrapped", "plantedWatched", "plantedQueue", "plantedAcquire", "plantedTask"}

// TestLeakProfileSeesThrough plants leaks on each kind of object and wants the
// runtime's own profile to see them: nothing that weir holds may keep alive what
// it measures, alone and while it is read without pause.
func TestLeakProfileSeesThrough(t *testing.T) {
	if pprof.Lookup("goroutineleak") == nil {
		t.Skip("NOT TESTED: this runtime has no goroutineleak profile")
	}
	r := instrument.NewRegistry(silent())
	plant(r)
	for _, f := range planted {
		settle(t, func() bool { return stacks("goroutine", f) > 0 })
	}
	missing := func() (names []string) {
		var out strings.Builder
		if err := pprof.Lookup("goroutineleak").WriteTo(&out, 1); err != nil {
			t.Fatal(err)
		}
		for _, f := range planted {
			if !strings.Contains(out.String(), "instrument_test."+f) {
				names = append(names, f)
			}
		}
		return names
	}
	if names := missing(); len(names) != 0 {
		t.Errorf("alone, the profile misses %q", names)
	}
	r.Snapshot() // the sampler runs from now on
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				r.Snapshot()
			}
		}
	}()
	// A weak pointer that is dereferenced just then hides what it points to:
	// that may happen once a second, and not in one profile after the other.
	var names []string
	for range 5 {
		if names = missing(); len(names) == 0 {
			break
		}
	}
	close(stop)
	<-stopped
	if len(names) != 0 {
		t.Errorf("while weir is read, five profiles in a row miss %q", names)
	}
	runtime.KeepAlive(r)
}
