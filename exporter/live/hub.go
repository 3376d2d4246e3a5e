package live

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

const (
	// interval is the least time between two readings, whoever asks.
	interval = time.Second
	// remember is how long the past is kept when nobody looks any more.
	remember = SlotCount * SlotLength
	// worst is how many members a detail has.
	worst = 10
)

// hub reads a registry for everybody who looks, at most once a second, and
// remembers five minutes. It has no goroutine: whoever wants to know more when a
// reading is a second old makes the next one, and the others take it.
type hub struct {
	registry *instrument.Registry

	mu      sync.Mutex
	started time.Time // slots count from here
	frame   *frame
	last    instrument.Snapshot
	entries map[key]*entry
	sorted  []*entry
	top     Snapshot // all but objects
	room    int      // what the last document took
	forget  *time.Timer
	details map[key][]byte // of the latest reading
}

// frame is one reading, for those who wait for the next.
type frame struct {
	n        uint64
	at       time.Time
	replaced chan struct{} // closed when there is a newer one
	gone     bool          // an object of the one before is not there any more

	full, update []byte // as JSON, when somebody has asked for it
}

func newHub(r *instrument.Registry) *hub { return &hub{registry: r} }

// latest returns the latest reading, which is less than a second old, and its
// document: what changed for those who have the reading before, else all.
func (h *hub) latest(had uint64) (f *frame, update bool, body []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f = h.fresh()
	if had != 0 && had+1 == f.n && !f.gone {
		if f.update == nil {
			f.update = h.encode(true)
		}
		return f, true, f.update
	}
	if f.full == nil {
		f.full = h.encode(false)
	}
	return f, false, f.full
}

// fresh reads again if it is time. The caller holds h.mu.
func (h *hub) fresh() *frame {
	now := time.Now()
	if h.frame == nil || now.Sub(h.frame.at) >= interval {
		h.read(now)
	}
	return h.frame
}

// read makes a reading. The caller holds h.mu.
func (h *hub) read(now time.Time) {
	next := &frame{n: 1, at: now, replaced: make(chan struct{})}
	if h.frame == nil {
		h.started, h.entries, h.details = now, make(map[key]*entry), make(map[key][]byte)
		h.forget = time.AfterFunc(remember, h.drop)
	} else {
		next.n = h.frame.n + 1
		close(h.frame.replaced)
		h.forget.Reset(remember)
		clear(h.details)
	}
	h.last = h.registry.Snapshot()
	h.take(moment{now, 1 + int64(now.Sub(h.started)/SlotLength)}, next)
	h.frame = next
}

// drop forgets everything, so that nothing is held for nobody.
func (h *hub) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.frame == nil || time.Since(h.frame.at) < remember {
		return
	}
	close(h.frame.replaced)
	h.frame, h.entries, h.sorted, h.details = nil, nil, nil, nil
	h.last, h.top = instrument.Snapshot{}, Snapshot{}
}

// take works out what the last snapshot means. The caller holds h.mu.
func (h *hub) take(m moment, f *frame) {
	s := &h.last
	suspects := h.suspects()
	h.sorted = h.sorted[:0]
	for i := range s.Channels {
		c := &s.Channels[i]
		e := h.entry("channel", &c.Info)
		if e.moved(&c.Info) {
			e.made = channelMade(c)
		}
		r := e.see(m, channelSeen(c), suspects)
		channelRemarks(&r, c)
		e.conclude(r)
	}
	for i := range s.Semaphores {
		c := &s.Semaphores[i]
		e := h.entry("semaphore", &c.Info)
		if e.moved(&c.Info) {
			e.made = semaphoreMade(c)
		}
		r := e.see(m, semaphoreSeen(c), suspects)
		semaphoreRemarks(&r, c)
		e.conclude(r)
	}
	for i := range s.Pools {
		p := &s.Pools[i]
		e := h.entry("pool", &p.Info)
		if e.moved(&p.Info) {
			e.made = poolMade(p)
		}
		r := e.see(m, poolSeen(p), suspects)
		poolRemarks(&r, p)
		e.conclude(r)
	}
	if f.gone = len(h.entries) > len(h.sorted); f.gone {
		h.bury()
	}
	h.top = Snapshot{Version: Version, Time: s.Time, Slot: m.slot, Notes: notes(&s.Self), Suspects: h.top.Suspects, Totals: totals(h.sorted)}
}

// entry returns the object of a kind and name, which is in the reading.
func (h *hub) entry(kind string, i *instrument.Info) *entry {
	k := key{kind, i.Name}
	e := h.entries[k]
	if e == nil {
		e = &entry{key: k}
		h.entries[k] = e
	}
	h.sorted = append(h.sorted, e)
	return e
}

// bury takes out what was not in the reading.
func (h *hub) bury() {
	live := make(map[key]*entry, len(h.sorted))
	for _, e := range h.sorted {
		live[e.key] = e
	}
	h.entries = live
}

// suspects puts them in order, and returns those of each object in words.
func (h *hub) suspects() map[key][]string {
	all := make([]Suspect, len(h.last.Suspects))
	of := make(map[key][]string)
	for i := range h.last.Suspects {
		x := suspectOf(&h.last.Suspects[i])
		all[i] = x
		of[key{x.Kind, x.Name}] = append(of[key{x.Kind, x.Name}], x.What)
	}
	slices.SortStableFunc(all, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(sureness(b.Evidence), sureness(a.Evidence)), a.Since.Compare(b.Since))
	})
	h.top.Suspects = all
	return of
}

// sureness orders the kinds of evidence.
func sureness(evidence string) int {
	return slices.Index([]string{string(instrument.Heuristic), string(instrument.Collected), string(instrument.Proven)}, evidence)
}

// notes is what a registry says of itself, where that matters to who looks.
func notes(s *instrument.SelfStats) []string {
	all := []string{}
	note := func(given bool, format string, args ...any) {
		if given {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	note(s.Disabled, "Nothing is measured: the environment has WEIR_DISABLE=1.")
	note(s.SeriesOverflow > 0, "%s no name of their own and share _overflow: see WithMaxNames.", plural(s.SeriesOverflow, "object got", "objects got"))
	note(s.ConflictingOptions > 0, "%s from what the name already had, and did not count.", plural(s.ConflictingOptions, "option differed", "options differed"))
	note(s.CollectFaults > 0, "%s while it was asked: see weir_collect_faults_total.", plural(s.CollectFaults, "callback failed", "callbacks failed"))
	note(s.Identity == "wrapper", "Channels that are only watched are not measured: this runtime's channels cannot be tracked.")
	return all
}

func totals(all []*entry) Totals {
	t := Totals{Bytes: None, Sent: None, Received: None, Refused: None}
	sum := func(to *Number, n Number) {
		if n.Known() {
			*to = max(*to, 0) + n
		}
	}
	for _, e := range all {
		t.Members += e.now.Members
		sum(&t.Refused, e.now.Refused)
		t.Waiting += int64(max(e.now.Waiting, 0))
		switch e.kind {
		case "channel":
			t.Channels++
			t.Messages += int64(e.now.Level)
			sum(&t.Bytes, e.now.Bytes)
			sum(&t.Sent, e.now.In)
			sum(&t.Received, e.now.Out)
		case "semaphore":
			t.Semaphores++
		case "pool":
			t.Pools++
		}
	}
	process := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(process)
	t.Goroutines, t.HeapBytes = int64(process[0].Value.Uint64()), int64(process[1].Value.Uint64())
	return t
}

// program says which process this is.
func (h *hub) program() *Program {
	name, err := os.Executable()
	if err != nil {
		name = os.Args[0]
	}
	self := &h.last.Self
	return &Program{Name: filepath.Base(name), PID: os.Getpid(), Go: runtime.Version(), Weir: self.Version, Started: self.Start, LeakProof: self.LeakProof}
}

func (e *entry) object() Object {
	return Object{Kind: e.kind, Name: e.name, Made: &e.made, Now: e.now, Trouble: e.trouble, Warnings: e.warnings}
}

// detail returns the document of one object, with all there is to say about it; ok
// is false where there is none.
func (h *hub) detail(kind, name string) (body []byte, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fresh()
	k := key{kind, name}
	if body, ok = h.details[k]; ok {
		return body, true
	}
	e := h.entries[k]
	if e == nil {
		return nil, false
	}
	s := h.top
	s.Program = h.program()
	s.Suspects = slices.DeleteFunc(slices.Clone(s.Suspects), func(x Suspect) bool { return key{x.Kind, x.Name} != k })
	o := e.object()
	o.History, o.Detail = e.past.history(true), h.about(e)
	s.Objects = []Object{o}
	h.details[k] = marshal(s)
	return h.details[k], true
}

// about has the members of an object read.
func (h *hub) about(e *entry) *Detail {
	members, s := h.registry.Members(e.name, worst), &h.last
	switch e.kind {
	case "channel":
		i := slices.IndexFunc(s.Channels, func(c instrument.ChanStats) bool { return c.Name == e.name })
		return channelDetail(&s.Channels[i], members.Channels, members.Time, &e.past)
	case "semaphore":
		i := slices.IndexFunc(s.Semaphores, func(c instrument.SemaphoreStats) bool { return c.Name == e.name })
		return semaphoreDetail(&s.Semaphores[i], members.Semaphores, members.Time, &e.past)
	}
	i := slices.IndexFunc(s.Pools, func(p instrument.PoolStats) bool { return p.Name == e.name })
	return poolDetail(&s.Pools[i], members.Pools, &e.past)
}
