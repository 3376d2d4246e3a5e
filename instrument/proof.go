package instrument

import (
	"bytes"
	"runtime"
	runtimemetrics "runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The runtime's goroutineleak profile finds goroutines that nothing can ever wake:
// what they wait for is reachable from no other goroutine and no global. It costs
// about a collection, and stops the program while it follows chains of blocked
// goroutines, so nothing here runs unless it was asked for and something is
// suspected already.

const (
	// proveEvery is the least time between two proofs, counted in looks at the
	// goroutines: ten minutes.
	proveEvery = 20
	// proofShare bounds what proofs cost, as scanShare does.
	proofShare = 1000
	// Before the first proof nobody knows what it costs. A chain of 5,000
	// blocked goroutines was measured to stop the program for 0.4 s, and a heap
	// of 1 GB takes 0.3 s.
	maxProofGoroutines = 20_000
	maxProofHeap       = 4 << 30
)

// looking is held, shared, while weak pointers are dereferenced, and by a proof
// alone: what is dereferenced meanwhile would be taken for reachable. It is one
// for all registries, as the profile is one for the process.
var looking sync.RWMutex

// leakProof is what the runtime's profile last told.
type leakProof struct {
	wanted bool

	mu    sync.Mutex
	next  int64
	runs  int // with the first one it is known what they cost
	found []Suspect
}

// state is what weir_build_info says.
func (p *leakProof) state() string {
	switch {
	case !p.wanted:
		return "off"
	case pprof.Lookup("goroutineleak") == nil:
		return "absent"
	}
	return "on"
}

// due reports whether a proof is to be run: there are suspects, and the last one
// was long enough ago. Nobody else runs one then.
func (p *leakProof) due(t int64, suspected bool, every time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !suspected || t < p.next || p.state() != "on" || p.runs == 0 && !affordable() {
		return false
	}
	p.next = t + int64(every)*proveEvery
	return true
}

// affordable guesses whether a first proof can be afforded.
func affordable() bool {
	heap := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	runtimemetrics.Read(heap)
	return runtime.NumGoroutine() <= maxProofGoroutines && heap[0].Value.Uint64() <= maxProofHeap
}

// run takes the profile.
func (p *leakProof) run(wall time.Time) {
	began := time.Now()
	var text bytes.Buffer
	looking.Lock()
	err := pprof.Lookup("goroutineleak").WriteTo(&text, 1)
	looking.Unlock()
	took := time.Since(began)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs++
	p.next = max(p.next, now()+proofShare*int64(took))
	if err == nil {
		p.found = parseLeaks(text.String(), wall)
	}
}

func (p *leakProof) suspects() []Suspect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found
}

// parseLeaks reads a profile in its text form. A stack is a line with the count
// and the addresses, and one with the labels where there are any; what follows
// repeats the addresses as names.
func parseLeaks(text string, wall time.Time) []Suspect {
	var found []Suspect
	var pool string
	var leaked runtime.StackRecord
	var count uint64
	end := func() {
		if count > 0 {
			found = addLeak(found, leaked.Stack(), count, pool, wall)
		}
		pool, count = "", 0
	}
	for line := range strings.Lines(text) {
		if n, addresses, ok := strings.Cut(line, " @ "); ok {
			end()
			count, _ = strconv.ParseUint(n, 10, 64)
			leaked = recordOf(addresses)
		} else if labels, ok := strings.CutPrefix(line, "# labels: "); ok {
			pool = poolIn(labels)
		}
	}
	end()
	return topSites(found, maxSuspectSites)
}

func recordOf(addresses string) (x runtime.StackRecord) {
	for i, a := range strings.Fields(addresses) {
		if i == len(x.Stack0) {
			break
		}
		pc, _ := strconv.ParseUint(a, 0, 64)
		x.Stack0[i] = uintptr(pc)
	}
	return x
}

// poolLabel is set on a Pool's workers, and inherited by what their tasks start.
const poolLabel = "weir_pool"

// poolIn returns the pool's name in the labels of a stack, which look like
// {"weir_pool":"resizers"}.
func poolIn(labels string) string {
	_, value, ok := strings.Cut(labels, strconv.Quote(poolLabel)+":")
	if !ok {
		return ""
	}
	quoted, err := strconv.QuotedPrefix(value)
	if err != nil {
		return ""
	}
	name, _ := strconv.Unquote(quoted)
	return name
}

// addLeak adds goroutines that leaked at one stack to those at the same site.
func addLeak(found []Suspect, stack []uintptr, count uint64, pool string, wall time.Time) []Suspect {
	site, main := leakSite(stack)
	if main {
		return found // select {} in main is how programs wait for their end
	}
	x := Suspect{Kind: "goroutine", Name: site, Reason: "leaked", Evidence: Proven,
		Since: wall, Count: count, Site: site, Stack: renderStack(stack)}
	if pool != "" {
		x.Kind, x.Name = "pool", pool
	}
	for i := range found {
		if found[i].Kind == x.Kind && found[i].Name == x.Name {
			found[i].Count += count
			return found
		}
	}
	return append(found, x)
}

// leakSite returns the first frame of a stack that is in the program, or the
// outermost where none is, and whether the stack is that of the main goroutine.
func leakSite(stack []uintptr) (site string, main bool) {
	frames := runtime.CallersFrames(stack)
	program := false
	for {
		f, more := frames.Next()
		main = main || f.Function == "runtime.main"
		if !program && f.Function != "runtime.goexit" {
			program = !isLibrary(f.Function)
			site = siteOfFrame(f)
		}
		if !more {
			return site, main
		}
	}
}
