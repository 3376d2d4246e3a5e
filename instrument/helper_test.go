package instrument

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
)

// Tests plant many suspects, whose log lines would hide what failed. Those that want
// to see them have a logger of their own.
func init() { slog.SetDefault(slog.New(slog.DiscardHandler)) }

// chanNow takes a snapshot and returns what stands under a name.
func chanNow(t testing.TB, r *Registry, name string) ChanStats {
	t.Helper()
	return chanIn(t, r.Snapshot(), name)
}

func chanIn(t testing.TB, s Snapshot, name string) ChanStats {
	t.Helper()
	i := slices.IndexFunc(s.Channels, func(c ChanStats) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no channel %q in the snapshot", name)
	}
	return s.Channels[i]
}

// lookNow is chanNow that makes the registry look at native channels also where
// it did less than a second ago.
func lookNow(t testing.TB, r *Registry, name string) ChanStats {
	t.Helper()
	r.reading.Lock()
	r.lookedAt = 0
	r.reading.Unlock()
	return chanNow(t, r, name)
}

// afterGC collects garbage until ok, which a cleanup or a weak pointer brings
// about, holds. It counts rather than reads the clock, which stands still in a
// bubble.
func afterGC(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		runtime.GC()
		if ok() {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("not so after many collections: %s", what)
}

// balance checks the law of conservation.
func balance(t testing.TB, c ChanStats) {
	t.Helper()
	if got := c.Received + c.Abandoned + c.Unverified + uint64(c.Depth); c.Sent != got {
		t.Errorf("%q: sent %d != received %d + abandoned %d + unverified %d + depth %d",
			c.Name, c.Sent, c.Received, c.Abandoned, c.Unverified, c.Depth)
	}
}

// panicText runs f and returns the text of its panic, which must be one of the
// runtime's own, or "".
func panicText(t testing.TB, f func()) (text string) {
	t.Helper()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case runtime.Error:
			text = v.Error()
		default:
			t.Errorf("panic with a %T, want a runtime.Error: %v", v, v)
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

// within reports whether got is within the share tolerance of want.
func within(got, want, tolerance float64) bool {
	return got >= want*(1-tolerance) && got <= want*(1+tolerance)
}

// atProcs runs a test on one processor and on eight.
func atProcs(t *testing.T, f func(t *testing.T)) {
	for _, n := range []int{1, 8} {
		t.Run(fmt.Sprintf("procs=%d", n), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			f(t)
		})
	}
}
