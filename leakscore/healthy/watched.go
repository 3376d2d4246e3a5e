package healthy

import (
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/instrument"
	"github.com/weir-go/weir/leakscore/watch"
)

// Watch has a program live with all of detection on, and reports whom it named.
func Watch(p Program, interval time.Duration) watch.Report {
	r := instrument.NewRegistry(instrument.WithLeakProof(), instrument.WithLogger(slog.New(slog.DiscardHandler)))
	w := watch.NewWatcher(r)
	quit := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() { w.LookEvery(interval/4, quit) })
	beside.Go(func() { collectEvery(collectAfter*interval, quit) })
	Live(p, r, interval)
	close(quit)
	beside.Wait()
	return w.Report()
}

// collectAfter is the two minutes after which the runtime collects in any case, in
// intervals: it does not know of compressed or fake time.
const collectAfter = 4

func collectEvery(d time.Duration, quit <-chan struct{}) {
	ticks := time.NewTicker(d)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			collect()
		case <-quit:
			return
		}
	}
}

// collect collects what is garbage, and returns when the cleanups have run: fake time
// does not wait for them, and would make minutes of the moment that they take. It
// does not block, for which fake time would not wait either.
func collect() {
	for range 2 { // they run side by side, and in no order
		var cleaned atomic.Bool
		runtime.AddCleanup(new([16]byte), func(b *atomic.Bool) { b.Store(true) }, &cleaned)
		for !cleaned.Load() {
			runtime.GC()
			runtime.Gosched()
		}
	}
}

// Judge parts the suspects of a healthy program: what was found of the decoys, and
// those that are false.
func Judge(r watch.Report) (decoys [watch.Tiers]bool, wrong []watch.Suspect) {
	for _, x := range r.Suspects {
		if x.In(DecoyFile) {
			decoys[x.Tier()] = true
		} else {
			wrong = append(wrong, x)
		}
	}
	return decoys, wrong
}
