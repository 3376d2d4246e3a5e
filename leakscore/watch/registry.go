package watch

import (
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

// registry is that of the channels of a rewritten program. All of detection is on.
var registry = instrument.NewRegistry(instrument.WithLeakProof())

// Options are those of every channel of a rewritten program.
func Options() []instrument.ChanOption {
	return []instrument.ChanOption{instrument.WithRegistry(registry)}
}

// Watcher reads a registry and remembers who was ever a suspect.
type Watcher struct {
	registry *instrument.Registry

	mu   sync.Mutex
	seen map[Suspect]bool
	last instrument.Snapshot
	gap  time.Duration
}

// NewWatcher returns a Watcher that has read r once: detection is on.
func NewWatcher(r *instrument.Registry) *Watcher {
	w := &Watcher{registry: r, seen: make(map[Suspect]bool)}
	w.Look()
	return w
}

// Look reads the registry.
func (w *Watcher) Look() {
	s := w.registry.Snapshot()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = s
	for _, x := range s.Suspects {
		w.seen[Suspect{x.Kind, x.Name, x.Reason, string(x.Evidence), x.Site}] = true
	}
}

// LookEvery looks every d until quit is closed, and notes the longest time between
// two looks.
func (w *Watcher) LookEvery(d time.Duration, quit <-chan struct{}) {
	ticks := time.NewTicker(d)
	defer ticks.Stop()
	last := time.Now()
	for {
		select {
		case <-ticks.C:
			now := time.Now()
			w.gap, last = max(w.gap, now.Sub(last)), now
			w.Look()
		case <-quit:
			return
		}
	}
}

// Report returns what was seen so far.
func (w *Watcher) Report() Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := Report{LeakProof: w.last.Self.LeakProof, Gap: w.gap}
	for x := range w.seen {
		r.Suspects = append(r.Suspects, x)
	}
	for _, c := range w.last.Channels {
		r.Members += c.Created
	}
	r.Members += uint64(len(w.last.Semaphores) + len(w.last.Pools))
	return r
}
