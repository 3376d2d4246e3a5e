package healthy

import (
	"context"
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

var waiters = []Program{
	{"goroutines parked on a global channel", parkedOnGlobal},
	{"goroutines that wait for the end of the program", untilTheEnd},
	{"ticker consumers", tickers},
	{"subscribers that come over an hour, one at a time", slowArrivals},
	{"requests that wait for one answer (single flight)", singleFlight},
	{"retries with growing pauses", retries},
}

// global is known to everybody: whoever waits there may be woken.
var global chan int

func parkedOnGlobal(w *World) {
	global = make(chan int)
	for range 100 {
		w.Go(func() { <-global })
	}
	<-w.Done()
	close(global)
}

func untilTheEnd(w *World) {
	stop := instrument.NewChan[struct{}]("stop", 0, w.on())
	for range 500 {
		w.Go(func() { stop.Recv() })
	}
	<-w.Done()
	stop.Close()
}

func tickers(w *World) {
	for range 100 {
		ticks := time.NewTicker(w.Interval / 2)
		w.Go(func() {
			defer ticks.Stop()
			for {
				select {
				case <-ticks.C:
				case <-w.Done():
					return
				}
			}
		})
	}
	w.Go(func() {
		for !w.over() {
			select {
			case <-time.After(3 * w.Interval):
			case <-w.Done():
			}
		}
	})
}

// slowArrivals has one subscriber more every ten intervals, for as long as it lives.
func slowArrivals(w *World) {
	feed := make(chan struct{})
	w.every(10, func(int) {
		w.Go(func() { <-feed })
	})
	close(feed)
}

// singleFlight has a hundred goroutines wait for one that works four intervals.
func singleFlight(w *World) {
	w.every(5, func(int) {
		done := instrument.NewChan[struct{}]("flight", 0, w.on())
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { done.Recv() })
		}
		w.sleep(4)
		done.Close()
		all.Wait()
	})
}

// retries waits twice as long each time, and begins anew after a success.
func retries(w *World) {
	for range 50 {
		w.Go(func() {
			for pause := 0.1; w.sleep(pause); pause *= 2 {
				if pause > 6 {
					pause = 0.05
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w.Go(func() { <-ctx.Done() })
	w.sleep(40)
	cancel()
}
