package instrument

import (
	"io"
	"math"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
)

// play feeds counts to a group, one a look, with those of the goroutines that wait
// for the network, and returns at which look the suspicion began and at which it
// ended; -1 is never.
func (x *goroutineGroup) play(n int, count, connected func(i int) int) (began, ended int) {
	began, ended = -1, -1
	network := new(goroutineGroup)
	for i := range n {
		x.look(count(i), i%scansPerWindow == 0)
		network.look(connected(i), i%scansPerWindow == 0)
		if i%scansPerWindow == scansPerWindow-1 {
			x.closeWindow(int64(i)+1, network)
			network.before = network.low
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
		{"a ramp of sixteen minutes, up and down", func(i int) int { return max(100-3*max(i-32, 32-i), 2) }, -1, -1},
		{"a pool that grows to its size", func(i int) int { return min(2*i, 60) }, -1, -1},
		{"bursts over a floor", func(i int) int { return 10 + 500*(i%3) }, -1, -1},
		{"one more, now and then", func(i int) int { return 10 + i/30 }, -1, -1},
		{"one more every six minutes", func(i int) int { return 10 + i/12 }, -1, -1},
		{"one more every four minutes", func(i int) int { return 10 + i/8 }, 2 * enough, -1},
		{"a fall between", func(i int) int { return 10 + 2*i - 60*(i/32) }, -1, -1},
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
		began, ended := new(goroutineGroup).play(400, c.count, func(int) int { return 7 })
		if (c.began < 0) != (began < 0) || began > c.began || ended != c.ended {
			t.Errorf("%s: suspected at look %d, ended at %d; want by %d, and %d", c.name, began, ended, c.began, c.ended)
		}
	}
}

// TestUsersAreNoLeak plays counts that grow for hours, with those of the goroutines
// that wait for the network.
func TestUsersAreNoLeak(t *testing.T) {
	users := func(i int) int { return 100 + 3*i }
	for _, c := range []struct {
		name             string
		count, connected func(i int) int
		want             bool
	}{
		{"a writer for each connection", users, users, false},
		{"a writer for each, seen between two looks", func(i int) int { return users(i) + i%3 }, func(i int) int { return users(i) - i%2 }, false},
		{"a writer for each, and readers that are busy", users, func(i int) int { return 50 + 2*i }, false},
		{"no connections", users, func(int) int { return 0 }, true},
		{"connections that come and go", users, func(i int) int { return 500 + i%40 }, true},
		{"three left over for each connection", users, func(i int) int { return 20 + i }, true},
		{"left over when their users are gone", users, func(i int) int { return max(users(i)-6*max(0, i-100), 5) }, true},
	} {
		began, _ := new(goroutineGroup).play(400, c.count, c.connected)
		if (began >= 0) != c.want {
			t.Errorf("%s: suspected at look %d", c.name, began)
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
	if g.gap() != time.Duration(g.next-g.last) {
		t.Errorf("the interval is said to be %v, and is %v", g.gap(), time.Duration(g.next-g.last))
	}
	never := goroutineScan{every: -1}
	if never.due(now()) || never.gap() != 0 {
		t.Error("looks that were turned off are due")
	}
	if g := new(goroutineScan); g.gap() != scanEvery {
		t.Errorf("unless told there is a look every %v", g.gap())
	}
}

// TestSlowLooksRemember: where a look takes so long that the next ones come late,
// what the last one saw still counts; where nobody read for long, it does not.
func TestSlowLooksRemember(t *testing.T) {
	for _, c := range []struct {
		late time.Duration
		want int
	}{{time.Minute, 3}, {2*scansPerWindow*time.Minute + time.Second, 1}} {
		g := goroutineScan{}
		g.scan()
		g.scans, g.pause, g.last = 2, time.Minute, now()-int64(c.late)
		g.scan()
		if g.scans != c.want {
			t.Errorf("%v after a look that was followed by a minute's pause: %d looks in the window, want %d", c.late, g.scans, c.want)
		}
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

// TestNetworkIsKnown counts goroutines that wait for the network.
func TestNetworkIsKnown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	var all sync.WaitGroup
	all.Go(func() { _, _ = l.Accept() })
	for _, c := range []net.Conn{conn, ours} {
		all.Go(func() { _, _ = c.Read(make([]byte, 1)) })
	}
	seen := func() int {
		g := new(goroutineScan)
		g.scan()
		return g.network.now
	}
	for seen() < 3 {
		runtime.Gosched()
	}
	for _, c := range []io.Closer{conn, accepted, ours, theirs, l} {
		_ = c.Close()
	}
	all.Wait()
}
