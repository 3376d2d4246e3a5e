package instrument

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// scanEvery is the least time between two looks at the goroutines.
	scanEvery = 30 * time.Second
	// scanShare bounds what the looks cost: the next one comes no sooner than
	// so many times what the last one took.
	scanShare = 1000
	// maxScanned is how many goroutines are looked at: the runtime copies 256
	// bytes of each.
	maxScanned = 200_000
	// scansPerWindow looks make a window, whose lowest count is compared with
	// that of the window before: what comes and goes does not count.
	scansPerWindow = 4
	// risingWindows is how often the lowest count has to rise, with no fall between
	// and no more than one window in which it rests. Twenty minutes of nothing but
	// growth is what leaks have; long ramps have it too, so this is a heuristic.
	risingWindows = 10
	// networkShare tells users from leaks: where for more than so many of the
	// goroutines that came to a place another one came that waits for the network,
	// they belong to connections, and go with them. Those that stay are left over.
	networkShare = 0.5
)

// goroutineScan looks for places in the program where ever more goroutines are
// blocked on channels. That many are blocked says nothing, since an idle pool is;
// that their lowest number only rises does.
type goroutineScan struct {
	every time.Duration // negative: never

	mu      sync.Mutex
	next    int64         // not before
	pause   time.Duration // until then, after the last look
	last    int64
	scans   int // in this window
	groups  map[blockedAt]*goroutineGroup
	network goroutineGroup         // those that wait for the network, wherever
	calls   map[uintptr]calledFrom // what return addresses are, once somebody asked
}

// blockedAt is a place in the program and what goroutines do there.
type blockedAt struct {
	operation string // "send", "receive" or "select"
	site      string
}

// calledFrom is what is known of a return address.
type calledFrom struct {
	blockedAt
	network bool // in the standard library's package net, or below it
}

// goroutineGroup is the goroutines that are blocked at one place.
type goroutineGroup struct {
	stack   string
	now     int
	low     int // of this window
	before  int // lowest of the window before
	windows int
	rises   int   // without a fall, or two rests in a row
	rested  bool  // in the last window
	base    int   // the lowest count before the first of them
	network int   // and that of those that waited for the network
	began   int64 // and when that was
	since   int64 // of the suspicion; 0 where there is none
}

// gap returns the time between two looks, or 0 where there are none.
func (g *goroutineScan) gap() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.off() {
		return 0
	}
	return max(g.interval(), g.pause)
}

func (g *goroutineScan) off() bool { return g.every < 0 || runtime.NumGoroutine() > maxScanned }

// due reports whether it is time to look. Readings and looks may come from
// several goroutines.
func (g *goroutineScan) due(t int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t < g.next || g.off() {
		return false
	}
	g.next = t + int64(g.interval())
	return true
}

func (g *goroutineScan) interval() time.Duration {
	if g.every > 0 {
		return g.every
	}
	return scanEvery
}

// scan looks at all goroutines. The runtime stops the program for some tens of
// microseconds, whatever their number, and takes about a microsecond for each.
func (g *goroutineScan) scan() {
	began := time.Now()
	records := blockedGoroutines()
	g.mu.Lock()
	defer g.mu.Unlock()
	t := now()
	if g.last != 0 && t-g.last > int64(max(2*scansPerWindow*g.pause, sampleFor)) {
		g.forget() // nobody read for a while: what was low then says nothing
	}
	g.last = t
	g.count(*records)
	scanned.Put(records)
	g.pause = max(g.interval(), scanShare*time.Since(began))
	g.next = t + int64(g.pause)
}

// forget begins anew.
func (g *goroutineScan) forget() { g.groups, g.network, g.scans = nil, goroutineGroup{}, 0 }

// scanned keeps the memory of one look for the next, until the garbage collector
// comes: in a program that allocates little, that many bytes would call it each time,
// for more than the look itself takes.
var scanned sync.Pool

// blockedGoroutines returns the stacks of all goroutines. Another one may start
// between the counting and the copying, so there is some room.
func blockedGoroutines() *[]runtime.StackRecord {
	for {
		n := runtime.NumGoroutine()
		records, _ := scanned.Get().(*[]runtime.StackRecord)
		if records == nil || cap(*records) < n {
			records = new(make([]runtime.StackRecord, n+n/8+16))
		}
		*records = (*records)[:cap(*records)]
		if n, ok := runtime.GoroutineProfile(*records); ok {
			*records = (*records)[:n]
			return records
		}
	}
}

// count sorts the goroutines by the place where they are blocked.
func (g *goroutineScan) count(records []runtime.StackRecord) {
	if g.groups == nil {
		g.groups = make(map[blockedAt]*goroutineGroup)
		g.calls = make(map[uintptr]calledFrom)
	}
	counts, network := make(map[blockedAt]int), 0
	for i := range records {
		stack := records[i].Stack()
		place, connected, ok := g.placeOf(stack)
		if connected {
			network++
		}
		if !ok {
			continue
		}
		counts[place]++
		if g.groups[place] == nil {
			g.groups[place] = &goroutineGroup{stack: renderStack(stack)}
		}
	}
	for place, x := range g.groups {
		x.look(counts[place], g.scans == 0)
		if x.now == 0 && x.before == 0 {
			delete(g.groups, place)
		}
	}
	g.network.look(network, g.scans == 0)
	if g.scans++; g.scans < scansPerWindow {
		return
	}
	g.scans = 0
	for _, x := range g.groups {
		x.closeWindow(g.last, &g.network)
	}
	g.network.before = g.network.low
}

// look takes a count into account, the first of a window or another one.
func (x *goroutineGroup) look(n int, first bool) {
	x.now = n
	if first {
		x.low = n
	}
	x.low = min(x.low, n)
	if x.since != 0 && n <= x.base { // back to where it began
		*x = goroutineGroup{stack: x.stack, now: n, low: n}
	}
}

// closeWindow compares the lowest counts of two windows.
func (x *goroutineGroup) closeWindow(t int64, network *goroutineGroup) {
	switch {
	case x.windows == 0: // nothing to compare with
	case x.low > x.before:
		if x.rises == 0 {
			x.base, x.network, x.began = x.before, network.before, t
		}
		x.rises++
		x.rested = false
	case x.since != 0: // until it is back at the base
	case x.low == x.before && !x.rested:
		x.rested = true
	default:
		x.rises = 0
	}
	x.windows++
	x.before = x.low
	if x.since == 0 && x.rises >= risingWindows && !x.connected(network) {
		x.since = x.began
	}
}

// connected reports whether about as many more goroutines wait for the network as
// there are more at this place, since their number began to rise.
func (x *goroutineGroup) connected(network *goroutineGroup) bool {
	return float64(network.low-x.network) > networkShare*float64(x.low-x.base)
}

// suspects returns the places where the number of blocked goroutines rose and has
// not gone back.
func (g *goroutineScan) suspects(t int64, wall time.Time) (found []Suspect) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for place, x := range g.groups {
		if x.since != 0 {
			found = append(found, Suspect{Kind: "goroutine", Name: place.site, Reason: "blocked_" + place.operation, Evidence: Heuristic,
				Since: wallTime(x.since, t, wall), Count: uint64(x.now), Site: place.site, Stack: x.stack})
		}
	}
	return topSites(found, maxSuspectSites)
}

// placeOf returns where a goroutine is blocked on a channel, if it is, and whether
// it waits for the network.
func (g *goroutineScan) placeOf(stack []uintptr) (place blockedAt, network, ok bool) {
	for _, pc := range stack {
		call, known := g.calls[pc]
		if !known {
			call = describeCall(pc)
			g.calls[pc] = call
		}
		if call.network {
			return place, true, false
		}
		if call.operation != "" {
			place.operation = call.operation
		}
		if call.site != "" {
			place.site = call.site
			return place, false, place.operation != ""
		}
	}
	return place, false, false // all of it is the standard library's
}

// describeCall says what a return address is: a channel operation of the runtime,
// a wait for the network, a place in the program, or neither.
func describeCall(pc uintptr) (call calledFrom) {
	frames := runtime.CallersFrames([]uintptr{pc})
	for {
		f, more := frames.Next() // several where calls were inlined
		switch f.Function {
		case "runtime.chansend", "runtime.chansend1":
			call.operation = "send"
		case "runtime.chanrecv", "runtime.chanrecv1", "runtime.chanrecv2":
			call.operation = "receive"
		case "runtime.selectgo":
			call.operation = "select"
		}
		// net.Pipe is a network to those who wait for it.
		call.network = strings.HasPrefix(f.Function, "internal/poll.") || strings.HasPrefix(f.Function, "net.")
		if !isLibrary(f.Function) {
			call.site = siteOfFrame(f)
		}
		if call != (calledFrom{}) || !more {
			return call
		}
	}
}

// isLibrary reports whether a function belongs to the standard library or to this
// one: not where somebody would look for a leak.
func isLibrary(function string) bool {
	if strings.HasPrefix(function, modulePath+"/instrument.") {
		return true
	}
	root, _, _ := strings.Cut(function, "/")
	if !strings.Contains(function, "/") {
		root, _, _ = strings.Cut(function, ".")
	}
	_, ok := slices.BinarySearch(standardRoots, root)
	return ok
}

// standardRoots are the first elements of the standard library's import paths. A
// path tells no more: a module of one's own may lack a dot as well.
var standardRoots = []string{
	"archive", "bufio", "bytes", "cmp", "compress", "container", "context", "crypto", "database", "debug", "embed",
	"encoding", "errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index", "internal", "io", "iter",
	"log", "maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp", "runtime", "slices", "sort",
	"strconv", "strings", "structs", "sync", "syscall", "testing", "text", "time", "unicode", "unique", "unsafe",
	"vendor", "weak",
}

// renderStack renders the frames of a stack, one a line, without those of the
// runtime on top.
func renderStack(pcs []uintptr) string {
	var lines []string
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if len(lines) > 0 || !strings.HasPrefix(f.Function, "runtime.") {
			if site := siteOfFrame(f); site != "" {
				lines = append(lines, site)
			}
		}
		if !more {
			return strings.Join(lines, "\n")
		}
	}
}
