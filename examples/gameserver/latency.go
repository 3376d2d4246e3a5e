package main

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latency is the time from when a move was to be sent to when it was handled,
// measured by the game itself, so that it is there with WEIR_DISABLE=1 too. A move
// that was sent late, because server or machine stalled, has waited since it was
// due. The zero latency is empty.
type latency struct {
	mu   sync.Mutex
	hist *hdrhistogram.Histogram // in microseconds
}

func (l *latency) record(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hist == nil {
		l.hist = hdrhistogram.New(1, time.Hour.Microseconds(), 3)
	}
	_ = l.hist.RecordValue(min(max(d, 0), time.Hour).Microseconds()) // fails outside these bounds
}

// quantile is 0 where nothing was recorded.
func (l *latency) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hist == nil {
		return 0
	}
	return time.Duration(l.hist.ValueAtQuantile(100*q)) * time.Microsecond
}

// reset forgets what was recorded so far.
func (l *latency) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hist != nil {
		l.hist.Reset()
	}
}
