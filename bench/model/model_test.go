package model

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

var (
	runFor  = flag.Duration("model.for", 3*time.Second, "how long TestModel runs random programs")
	oneSeed = flag.Uint64("model.seed", 0, "run the program of this `seed` alone, again and again")
)

// next returns the program of the next seed, or the one that is asked for.
func next(seed *uint64, of *kind) program {
	*seed++
	return newProgram(cmp.Or(*oneSeed, *seed), of)
}

// TestModel runs random programs on weir's channels and queues. To have one that
// failed again, give -model.seed what the failure names: how its goroutines meet
// is not in the seed, so it runs until -model.for is over.
func TestModel(t *testing.T) {
	r := newRegistry()
	stayAwake(t)
	seed := rand.Uint64()
	var all tally
	begun := time.Now()
	for n := 0; n == 0 || time.Since(begun) < *runFor; n++ {
		if err := run(t, next(&seed, nil), madeWith(r), true, &all); err != nil {
			t.Fatal(err)
		}
		if n%500 == 0 {
			all.retired(t, r)
		}
	}
	all.retired(t, r)
	t.Logf("%d programs, %d operations, of which %d began while another ran; %d times one waited when everybody did; %d facts checked",
		all.programs, all.ops, all.together, all.waits, all.facts)
	all.sawEverything(t)
}

// TestModelDisabled: what WEIR_DISABLE=1 leaves of a channel or queue is one still.
func TestModelDisabled(t *testing.T) {
	t.Setenv("WEIR_DISABLE", "1")
	r := newRegistry()
	stayAwake(t)
	seed := rand.Uint64()
	var all tally
	for range 3000 {
		if err := run(t, next(&seed, nil), madeWith(r), false, &all); err != nil {
			t.Fatal(err)
		}
	}
	all.sawEverything(t)
	if s := r.Snapshot(); !s.Self.Disabled || len(s.Channels) > 0 {
		t.Errorf("disabled: %t, and %d names are measured", s.Self.Disabled, len(s.Channels))
	}
}

func newRegistry() *instrument.Registry {
	return instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
}

// madeWith makes the objects of programs.
func madeWith(r *instrument.Registry) func(program, int) object {
	return func(p program, i int) object { return p.kind.make(r, p.kind.name, filled(p, i)) }
}

func filled(p program, i int) chan int {
	ch := make(chan int, p.caps[i])
	for _, v := range p.found[i] {
		ch <- v
	}
	return ch
}

// TestNativeChannelsPass is the test of the model: what it refuses here is no
// fault of weir's.
func TestNativeChannelsPass(t *testing.T) {
	stayAwake(t)
	seed := rand.Uint64()
	bare := func(p program, i int) object { return native(filled(p, i)) }
	var all tally
	for range 3000 {
		if err := run(t, next(&seed, nil), bare, false, &all); err != nil {
			t.Fatal(err)
		}
	}
	all.sawEverything(t)
}

// tally adds up what was run.
type tally struct {
	programs, ops, together, waits, facts int
	names                                 map[string]*sum
	seen                                  map[string]int // how often an operation told a fact
}

// sum is what all objects of one name must have counted in the end.
type sum struct {
	counts
	objects int
}

func (a *tally) add(m *machine) {
	if a.names == nil {
		a.names, a.seen = make(map[string]*sum), make(map[string]int)
	}
	a.programs++
	a.waits += m.waits
	var running int64 // until when another runs that does not wait
	for _, e := range m.entries() {
		a.ops++
		if e.call < running {
			a.together++
		}
		if e.ret-e.call < 2*maxRoutines {
			running = max(running, e.ret)
		}
		if e.canceled {
			a.seen[fmt.Sprintf("%v canceled", e.kind)]++
		}
		for i, is := range e.about {
			if is {
				a.facts++
				a.seen[fmt.Sprintf("%v %s", e.kind, factNames[e.facts[i].kind])]++
			}
		}
	}
	if a.names[m.kind.name] == nil {
		a.names[m.kind.name] = new(sum)
	}
	s := a.names[m.kind.name]
	for i := range m.objects {
		c := m.countsOf(i)
		s.sent += c.sent
		s.received += c.received
		s.full += c.full
		s.canceled += c.canceled
		s.closedSends += c.closedSends
		s.closed += c.closed
		s.objects++
	}
}

// retired has all objects collected, and compares what the names have with the
// histories.
func (a *tally) retired(t *testing.T, r *instrument.Registry) {
	t.Helper()
	var channels []instrument.ChanStats
	gone := func() bool {
		channels = r.Snapshot().Channels
		return !slices.ContainsFunc(channels, func(c instrument.ChanStats) bool { return c.Members > 0 })
	}
	for n := 0; !gone(); n++ {
		if n == 1000 {
			t.Fatal("objects of programs that have ended are not collected")
		}
		runtime.GC()
		runtime.Gosched()
	}
	for _, c := range channels {
		want := a.names[c.Name]
		got := sum{counts{c.Sent, c.Received, c.SendsFull, c.SendsCanceled, c.SendsClosed, c.Closed}, int(c.Created)}
		if got != *want {
			t.Errorf("%s: all in all %+v, want %+v", c.Name, got, *want)
		}
		left := want.sent - want.received
		unverified := left
		switch c.Name {
		case "NewChan", "Queue": // never reached from outside
			unverified = 0
		case "WrapChan":
		default: // by those whose native side was used
			unverified = c.Unverified
		}
		if c.Unverified != unverified || c.Abandoned+c.Unverified != left || c.Depth != 0 {
			t.Errorf("%s: abandoned %d, unverified %d, depth %d, want %d left and %d of them unverified",
				c.Name, c.Abandoned, c.Unverified, c.Depth, left, unverified)
		}
	}
}

// everything is what the operations can tell.
var everything = []string{
	"Send sent", "Send send panics", "TrySend sent", "TrySend full", "TrySend send panics",
	"SendContext sent", "SendContext send panics", "SendContext canceled", "native send sent", "native send send panics",
	"Recv received", "Recv drained", "TryRecv received", "TryRecv nothing", "RecvContext received", "RecvContext drained",
	"RecvContext canceled", "All received", "All drained", "native receive received", "native receive drained",
	"select sent", "select send panics", "select received", "select drained", "select canceled",
	"select with default sent", "select with default send panics", "select with default received", "select with default drained",
	"select with default full", "select with default empty", "select with default neither", "Len length", "Close closed", "Close close panics",
}

// sawEverything fails where the programs never came to something that they are to
// test. One program alone need not.
func (a *tally) sawEverything(t *testing.T) {
	t.Helper()
	if *oneSeed != 0 || a.programs < 1000 {
		return
	}
	for _, what := range everything {
		if a.seen[what] == 0 {
			t.Errorf("%d programs, and none saw: %s", a.programs, what)
		}
	}
	for what := range a.seen {
		if !slices.Contains(everything, what) {
			t.Errorf("%s is not in the list", what)
		}
	}
	if a.waits == 0 {
		t.Errorf("%d programs, and nobody ever waited", a.programs)
	}
}
