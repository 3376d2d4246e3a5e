package instrument

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestDisabled(t *testing.T) {
	t.Setenv("WEIR_DISABLE", "1")
	r := NewRegistry()
	with := WithRegistry(r)
	c := NewChan[int]("c", 2, with, WithBytes(func(int) int { panic("asked") }))
	ch := make(chan int, 2)
	w := WrapChan("w", ch, with)
	q := NewQueue[int]("q", with)
	if Watch("v", ch, with) != ch || c.m != nil || w.m != nil || q.m != nil {
		t.Error("something is measured")
	}
	c.Send(1)
	w.Send(2)
	q.Send(3)
	c.Raw() <- 4
	c.Sent()
	a, _ := c.Recv()
	b, _ := w.RecvContext(t.Context())
	d, _ := q.TryRecv()
	if a != 1 || b != 2 || d != 3 || c.Len() != 1 || c.Stats().Sent != 0 {
		t.Errorf("received %d, %d, %d; %d left", a, b, d, c.Len())
	}
	s := r.Snapshot()
	if len(s.Channels) != 0 || !s.Self.Disabled || r.sampler.running {
		t.Errorf("%d channels, disabled %v, sampling %v", len(s.Channels), s.Self.Disabled, r.sampler.running)
	}
	t.Setenv("WEIR_DISABLE", "0")
	if NewRegistry().Snapshot().Self.Disabled {
		t.Error("WEIR_DISABLE=0 disables")
	}
}

// TestConstructorsStartNothing also holds for the import: the program that
// counts is this test, started anew.
func TestConstructorsStartNothing(t *testing.T) {
	if os.Getenv("WEIR_TEST_COUNT") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestConstructorsStartNothing$")
		cmd.Env = append(os.Environ(), "WEIR_TEST_COUNT=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	r := NewRegistry()
	Default()
	c := NewChan[int]("c", 1, WithRegistry(r))
	q := NewQueue[int]("q")
	WrapChan("w", Watch("v", c.Raw()), WithWaitTarget(time.Second))
	c.Send(1)
	q.Send(1)
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
		t.Fatal(err)
	}
	// The runtime's own goroutines do not show; this one shows once.
	if n := strings.Count(stacks.String(), "weir-go/weir/instrument."); n > strings.Count(stacks.String(), "TestConstructorsStartNothing") {
		t.Errorf("goroutines of ours:\n%s", &stacks)
	}
	runtime.KeepAlive(c)
}

func TestRegistryInABubble(t *testing.T) {
	c := NewChan[int]("registry_test bubble", 5)
	WrapChan("registry_test wrapped", c.Raw())
	Default().Snapshot() // of the outside, by another clock
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			r := NewRegistry()
			in := NewChan[int]("c", 1, WithRegistry(r))
			in.Send(1)
			time.Sleep(10 * time.Second)
			if got := chanNow(t, r, "c"); got.OldestMessage != 10*time.Second {
				t.Errorf("age %v", got.OldestMessage)
			}
			before := lookedAtDepth(t)
			c.Send(1)
			Default().Snapshot()
			time.Sleep(2 * time.Second)
			if got := lookedAtDepth(t); got != before+1 {
				t.Errorf("depth %d inside, want %d", got, before+1)
			}
			forever = append(forever, in) // its cleanup would have another clock
		})
	}
	c.Send(1)
	if got := lookedAtDepth(t); got != 3 {
		t.Errorf("depth %d outside again, want 3", got)
	}
	runtime.KeepAlive(c)
}

func lookedAtDepth(t *testing.T) int64 {
	t.Helper()
	got := chanNow(t, nil, "registry_test wrapped")
	if got.OldestMessage < 0 || got.OldestBlockedSender < 0 || got.FullTime < 0 {
		t.Errorf("negative time: %+v", got)
	}
	return got.Depth
}

// TestManySnapshots reads from many goroutines while members come and go.
func TestManySnapshots(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		r := NewRegistry()
		q := NewQueue[int]("q", WithRegistry(r))
		var readers, writer sync.WaitGroup
		writer.Go(func() {
			for range 3000 {
				NewChan[int]("c", 1, WithRegistry(r)).Send(1)
				q.Send(1)
				q.Recv()
			}
		})
		for range 8 {
			readers.Go(func() {
				for range 20 {
					s := r.Snapshot()
					for d := range numbersOf(s) {
						if d < 0 {
							t.Errorf("negative value %v", d)
						}
					}
				}
			})
		}
		readers.Wait()
		writer.Wait()
	})
}

// numbersOf yields every number a snapshot has.
func numbersOf(s Snapshot) func(func(float64) bool) {
	return func(yield func(float64) bool) {
		for _, d := range Metrics() {
			for x := range d.Samples(&s) {
				if !yield(x.Value) {
					return
				}
			}
		}
	}
}

// handler is a user's log handler, which does what it likes.
type handler func(slog.Record)

func (h handler) Enabled(context.Context, slog.Level) bool { return true }
func (h handler) Handle(_ context.Context, r slog.Record) error {
	h(r)
	return nil
}
func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h handler) WithGroup(string) slog.Handler      { return h }

// stall makes two stalled channels.
func stall(r *Registry) {
	for _, name := range []string{"a", "b"} {
		c := NewChan[int](name, 1, WithRegistry(r), WithStallAfter(time.Minute))
		c.Send(1)
		forever = append(forever, c)
	}
	r.Snapshot()
	time.Sleep(2 * time.Minute)
}

func TestLoggerThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		r := NewRegistry(WithLogger(slog.New(handler(func(slog.Record) { n.Add(1); panic("no") }))))
		stall(r)
		r.Snapshot() // counts the faults of the one before
		if s := r.Snapshot(); s.Self.CollectFaults != 2 || len(s.Suspects) != 2 || n.Load() != 2 {
			t.Errorf("%d faults, %d suspects, %d lines; want two of each", s.Self.CollectFaults, len(s.Suspects), n.Load())
		}
	})
}

func TestLoggerThatReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		var r atomic.Pointer[Registry]
		r.Store(NewRegistry(WithLogger(slog.New(handler(func(slog.Record) {
			n.Add(1)
			r.Load().Snapshot()
		})))))
		stall(r.Load())
		if r.Load().Snapshot(); n.Load() != 2 {
			t.Errorf("%d lines, want 2", n.Load())
		}
	})
}
