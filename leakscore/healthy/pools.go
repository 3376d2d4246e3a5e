package healthy

import (
	"context"
	"sync"

	"github.com/weir-go/weir/instrument"
)

var pools = []Program{
	{"idle pool of 1,000", idlePool},
	{"1,000 workers on a channel", idleWorkers},
	{"pool resized up and down", resizedPool},
	{"pool of long tasks within their limit", longTasks},
	{"pool that is busy all the time", busyPool},
	{"groups that wait for their members", groups},
	{"cron-like bursts on a pool", cronBursts},
	{"graceful shutdowns of pools", shutdowns},
}

// shutdown ends a pool: its tasks end by themselves, so it cannot fail.
func shutdown(p *instrument.Pool) { _ = p.Shutdown(context.Background()) }

// idlePool has a thousand workers and next to no work.
func idlePool(w *World) {
	p := instrument.NewPool("idle", 1000, 16, w.on())
	defer shutdown(p)
	w.every(2, func(int) { _ = p.TrySubmit(func() {}) }) // has room
}

// idleWorkers is the same by hand.
func idleWorkers(w *World) {
	jobs := instrument.NewChan[int]("jobs", 8, w.on())
	for range 1000 {
		w.Go(func() {
			for range jobs.All() {
			}
		})
	}
	w.every(1, func(i int) { jobs.Send(i) })
	jobs.Close()
}

// resizedPool follows the load of a day: up for ten intervals, down for ten.
func resizedPool(w *World) {
	p := instrument.NewPool("autoscaled", 10, 100, w.on())
	defer shutdown(p)
	w.Go(func() {
		w.every(0.1, func(int) { _ = p.TrySubmit(func() { w.sleep(0.05) }) }) // refused is refused
	})
	w.every(1, func(i int) {
		step := i % 20
		p.Resize(10 + 20*min(step, 20-step))
	})
}

func longTasks(w *World) {
	limit := 20 * w.Interval
	p := instrument.NewPool("reports", 4, 8, w.on(), instrument.WithTaskLimit(limit))
	defer shutdown(p)
	w.every(3, func(int) { _ = p.TrySubmit(func() { w.sleep(10) }) }) // refused is refused
}

// busyPool has always more to do than workers, and a caller that waits.
func busyPool(w *World) {
	p := instrument.NewPool("busy", 4, 4, w.on())
	defer shutdown(p)
	for !w.over() {
		_ = p.Submit(w.ctx, func() { w.sleep(0.2) }) // fails at the end only
	}
}

// groups starts ten goroutines for a request, which wait for one another.
func groups(w *World) {
	errs := instrument.NewChan[error]("group-errors", 10, w.on())
	w.every(0.5, func(int) {
		var group sync.WaitGroup
		start := make(chan struct{})
		for i := range 10 {
			group.Go(func() {
				<-start
				w.sleep(float64(i) / 50)
				errs.Send(nil)
			})
		}
		close(start)
		group.Wait()
		for range 10 {
			_, _ = errs.Recv()
		}
	})
}

// cronBursts has 200 jobs at once every five intervals, and nothing between.
func cronBursts(w *World) {
	p := instrument.NewPool("cron", 16, 200, w.on())
	defer shutdown(p)
	w.every(5, func(int) {
		for range 200 {
			_ = p.TrySubmit(func() { w.sleep(0.1) }) // has room
		}
	})
}

// shutdowns makes a pool for each batch, and shuts it down with work in its queue.
func shutdowns(w *World) {
	w.every(2, func(int) {
		p := instrument.NewPool("batch", 3, 30, w.on())
		for range 30 {
			_ = p.TrySubmit(func() { w.sleep(0.05) }) // has room
		}
		shutdown(p)
	})
}
