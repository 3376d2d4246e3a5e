package instrument

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWindow(t *testing.T) {
	const l = int64(windowLength)
	start := int64(1000) * l
	type step struct {
		at            int64 // in tenths of a window
		before, after int64 // observed, unless both are negative
		level         int64 // at the reading
		peak, floor   int64 // wanted
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"the reading counts", []step{{0, -1, -1, 5, 5, 0}, {1, -1, -1, 2, 5, 0}}},
		{"a burst is kept for one to two buckets", []step{
			{0, 0, 90, 3, 90, 0}, {9, -1, -1, 3, 90, 0}, {15, -1, -1, 3, 90, 0}, {25, -1, -1, 3, 3, 3},
		}},
		{"younger than a window: floor 0", []step{{0, 5, 6, 5, 6, 0}, {9, 5, 6, 5, 6, 0}}},
		{"a standing queue", []step{{0, 0, 7, 7, 7, 0}, {10, -1, -1, 7, 7, 0}, {20, -1, -1, 7, 7, 7}, {21, 4, 5, 7, 7, 4}, {35, -1, -1, 7, 7, 4}, {45, -1, -1, 7, 7, 7}}},
		{"a gap in which nobody wrote", []step{{0, 0, 90, 50, 90, 0}, {100, -1, -1, 50, 50, 50}}},
		{"reading does not reset", []step{{20, 0, 9, 4, 9, 0}, {20, -1, -1, 4, 9, 0}, {21, -1, -1, 4, 9, 0}, {21, -1, -1, 4, 9, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w window
			w.bucket.Store(start / l)
			for i, s := range c.steps {
				at := start + s.at*l/10
				if s.before >= 0 {
					w.rotate(at, s.level)
					w.observe(s.before, s.after)
				}
				if peak, floor := w.read(at, s.level, start); peak != s.peak || floor != s.floor {
					t.Errorf("step %d: peak %d, floor %d, want %d and %d", i, peak, floor, s.peak, s.floor)
				}
			}
		})
	}
}

// TestWindowRotatesWithoutLoss lets observers race the rotation: an extreme that
// was seen stands in the window of whoever reads next.
func TestWindowRotatesWithoutLoss(t *testing.T) {
	const l = int64(windowLength)
	for round := range int64(2000) {
		var w window
		at := (round + 10) * l
		w.bucket.Store(at/l - 1)
		w.observe(0, 70)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { w.rotate(at, 40) })
		}
		all.Go(func() {
			if peak, floor := w.read(at, 40, 0); peak < 70 || floor != 0 {
				t.Errorf("while rotating: peak %d, floor %d, want at least 70, and 0", peak, floor)
			}
		})
		all.Go(func() { w.observe(40, 90) })
		all.Wait()
		if peak, _ := w.read(at, 40, 0); peak != 90 {
			t.Fatalf("peak %d, want 90", peak)
		}
	}
}

func TestChannelWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 100, WithRegistry(r))
		for range 80 {
			c.Send(1)
		}
		for range 70 {
			c.Recv()
		}
		check := func(what string, peak, floor int64, ratio float64) {
			t.Helper()
			for range 3 { // reading never resets
				got := chanNow(t, r, "c")
				if got.DepthPeak != peak || got.DepthFloor != floor || got.FloorRatioMax != ratio {
					t.Errorf("%s: peak %d, floor %d, floor ratio %v, want %d, %d, %v", what, got.DepthPeak, got.DepthFloor, got.FloorRatioMax, peak, floor, ratio)
				}
			}
		}
		check("a burst", 80, 0, 0)
		time.Sleep(windowLength / 2)
		check("younger than a window", 80, 0, 0)
		time.Sleep(2 * windowLength)
		check("what stands", 10, 10, 0.1)
		c.Recv()
		c.Send(1) // sees a depth of 9 before it
		check("a dip that no reading sees", 10, 9, 0.09)
		time.Sleep(10 * time.Minute)
		check("a long pause", 10, 10, 0.1)
		runtime.KeepAlive(c)
	})
}
