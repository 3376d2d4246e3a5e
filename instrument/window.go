package instrument

import (
	"sync/atomic"
	"time"
)

// windowLength is one bucket of a window; a window is the current bucket and
// the one before.
const windowLength = 30 * time.Second

// window holds the highest and the lowest level of the last 30 to 60 seconds.
// Observing takes no clock: somebody who knows the time calls rotate (sampled
// stamps, slow paths, readers), and reading never resets.
type window struct {
	bucket      atomic.Int64 // number of the current bucket: stamp / windowLength
	peak, floor atomic.Int64
	prevPeak    atomic.Int64
	prevFloor   atomic.Int64
}

// observe folds in a level before and a level after an operation.
func (w *window) observe(before, after int64) {
	if after > w.peak.Load() {
		raise(&w.peak, after)
	}
	if before < w.floor.Load() {
		lower(&w.floor, before)
	}
}

// rotate starts a new bucket if t has left the current one. A bucket that
// nobody wrote to says nothing, so after a gap both start at level. It reports
// whether it did: extremes that stood may be passed again then.
func (w *window) rotate(t, level int64) bool {
	bucket := t / int64(windowLength)
	last := w.bucket.Load()
	if bucket <= last || !w.bucket.CompareAndSwap(last, bucket) {
		return false
	}
	if bucket > last+1 {
		w.peak.Store(level)
		w.floor.Store(level)
	}
	// The old extremes stand in both buckets for a moment, so that neither a
	// reader nor an observer that comes between misses one.
	w.prevPeak.Store(w.peak.Load())
	w.prevFloor.Store(w.floor.Load())
	raise(&w.prevPeak, w.peak.Swap(level))
	lower(&w.prevFloor, w.floor.Swap(level))
	return true
}

// read returns the extremes at t, the level at the reading included. The floor
// of what was made less than a window ago is 0: it had no time to stand.
func (w *window) read(t, level, created int64) (peak, floor int64) {
	w.rotate(t, level)
	w.observe(level, level)
	peak = max(w.peak.Load(), w.prevPeak.Load())
	floor = min(w.floor.Load(), w.prevFloor.Load())
	if t-created < int64(windowLength) {
		floor = 0
	}
	return peak, floor
}

func raise(a *atomic.Int64, v int64) {
	for old := a.Load(); v > old; old = a.Load() {
		if a.CompareAndSwap(old, v) {
			return
		}
	}
}

func lower(a *atomic.Int64, v int64) {
	for old := a.Load(); v < old; old = a.Load() {
		if a.CompareAndSwap(old, v) {
			return
		}
	}
}
