package instrument

import (
	"math"
	"testing"
	"time"
)

// play feeds counts to a group, one a look, and returns at which look the
// suspicion began and at which it ended; -1 is never.
func (x *goroutineGroup) play(n int, count func(i int) int) (began, ended int) {
	began, ended = -1, -1
	for i := range n {
		x.look(count(i), i%scansPerWindow == 0)
		if i%scansPerWindow == scansPerWindow-1 {
			x.closeWindow(int64(i) + 1)
		}
		switch {
		case x.since != 0 && began < 0:
			began = i
		case x.since == 0 && began >= 0 && ended < 0:
			ended = i
		}
	}
	return began, ended
}

// TestRisingCounts plays what healthy and leaking programs show, one count every
// thirty seconds.
func TestRisingCounts(t *testing.T) {
	const enough = scansPerWindow * (risingWindows + 2) // looks until a steady leak must be seen
	for _, c := range []struct {
		name  string
		count func(i int) int
		began int // by which look; -1 is never
		ended int
	}{
		{"an idle pool", func(int) int { return 1000 }, -1, -1},
		{"a start", func(i int) int { return min(100*i, 800) }, -1, -1},
		{"load that comes and goes", func(i int) int { return 100 + int(90*math.Sin(float64(i)/6)) }, -1, -1},
		{"a ramp of eight minutes, up and down", func(i int) int { return max(50-3*max(i-16, 16-i), 2) }, -1, -1},
		{"bursts over a floor", func(i int) int { return 10 + 500*(i%3) }, -1, -1},
		{"one more, now and then", func(i int) int { return 10 + i/30 }, -1, -1},
		{"a leak", func(i int) int { return i / 2 }, enough, -1},
		{"a leak beside load", func(i int) int { return 3*i + 40*(i%4) }, enough, -1},
		{"a leak in a large pool", func(i int) int { return 1000 + i }, enough, -1},
		{"a leak that stops", func(i int) int { return min(i, enough) }, enough, -1},
		{"a leak that is let go", func(i int) int {
			if i >= 100 {
				return 3
			}
			return 3 + i
		}, enough, 100},
	} {
		began, ended := new(goroutineGroup).play(400, c.count)
		if (c.began < 0) != (began < 0) || began > c.began || ended != c.ended {
			t.Errorf("%s: suspected at look %d, ended at %d; want by %d, and %d", c.name, began, ended, c.began, c.ended)
		}
	}
}

func TestIsLibrary(t *testing.T) {
	for function, want := range map[string]bool{
		"runtime.gopark":                             true,
		"net/http.(*conn).serve":                     true,
		"net.(*Resolver).lookup":                     true,
		"sync.(*WaitGroup).Wait":                     true,
		"main.main.func1":                            false,
		"example.com/shop/cart.(*T).Add":             false,
		"shop/cart.Add":                              false,
		"network.Dial":                               false,
		"golang.org/x/sync/errgroup.f":               false,
		modulePath + "/instrument.(*Chan[...]).Recv": true,
		modulePath + "/instrument_test.leak":         false,
		modulePath + "/examples/gameserver.main":     false,
	} {
		if got := isLibrary(function); got != want {
			t.Errorf("%s: library %v, want %v", function, got, want)
		}
	}
}

// TestLooksKeepTheirBudget: the next look comes no sooner than a thousand times
// what the last one took, and a registry that nobody read for a while starts
// counting anew.
func TestLooksKeepTheirBudget(t *testing.T) {
	g := goroutineScan{every: time.Nanosecond}
	if !g.due(now()) {
		t.Fatal("the first look is not due")
	}
	before := now()
	g.scan()
	took := now() - before
	if wait := g.next - before; wait < scanShare*1000 || wait > scanShare*took+took {
		t.Errorf("a look of at most %d ns, and the next one is due after %d", took, wait)
	}
	never := goroutineScan{every: -1}
	if never.due(now()) {
		t.Error("looks that were turned off are due")
	}
}

func TestTopSites(t *testing.T) {
	at := time.Unix(1000, 0)
	var found []Suspect
	for i := range 7 {
		found = append(found, Suspect{Kind: "goroutine", Name: string(rune('a' + i)), Reason: "blocked_send", Count: uint64(i + 1), Since: at.Add(-time.Duration(i) * time.Second), Stack: "x"})
	}
	got := topSites(found, 4)
	if len(got) != 5 || got[0].Name != "g" || got[3].Name != "d" {
		t.Fatalf("kept %+v", got)
	}
	if rest := got[4]; rest.Name != otherSite || rest.Count != 1+2+3 || !rest.Since.Equal(at.Add(-2*time.Second)) || rest.Stack != "" {
		t.Errorf("the rest is %+v", rest)
	}
}
