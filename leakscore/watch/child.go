package watch

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/weir-go/weir/leakscore/stuck"
)

// Main is the main of a rewritten program: it runs the case that the command line
// names, waits for suspects and reports.
func Main(cases map[string]func()) {
	f := cases[os.Args[len(os.Args)-1]]
	p, err := ReadPlan()
	if f == nil || err != nil {
		Write(Report{Problem: "no such case, or no plan"})
		return
	}
	Write(watchCase(p, f))
}

func watchCase(p Plan, f func()) Report {
	w := NewWatcher(registry)
	c := crowd{before: runtime.NumGoroutine()}
	for i := range p.Calling + p.Waiting {
		if i < p.Calling {
			c.next()
			go f() // it sleeps at its end, for the profile that is not taken here
		}
		time.Sleep(p.Interval) // a time between readings: nothing waits for it
		w.Look()
		if w.complete() {
			break
		}
	}
	r := w.Report()
	for g, n := range stuck.Parse(dump()) {
		r.Stuck = append(r.Stuck, Count{g, n})
	}
	return r
}

// complete reports whether every tier has named somebody: to wait for more would
// not change the score.
func (w *Watcher) complete() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found [Tiers]bool
	for x := range w.seen {
		found[x.Tier()] = true
	}
	return found == [Tiers]bool{true, true, true}
}

// dump asks the runtime, past weir, what leaked. It runs when all is over: nothing
// is measured after it.
func dump() string {
	var out strings.Builder
	if p := pprof.Lookup("goroutineleak"); p != nil {
		_ = p.WriteTo(&out, 2) // a Builder does not fail
	}
	return out.String()
}

// ReadPlan reads the Plan that the parent set.
func ReadPlan() (p Plan, err error) {
	err = json.Unmarshal([]byte(os.Getenv(PlanVariable)), &p)
	return p, err
}

// Write hands the report to the parent.
func Write(r Report) {
	out := os.NewFile(3, "report")
	if err := json.NewEncoder(out).Encode(r); err != nil {
		panic(err) // the child fails, and the parent shows its output
	}
	_ = out.Close()
}

// Unused takes the place of the profile that a case would write: the judge looks
// when all is over.
func Unused(...any) {}
