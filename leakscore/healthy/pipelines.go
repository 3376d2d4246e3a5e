package healthy

import (
	"context"
	"sync"

	"github.com/weir-go/weir/instrument"
)

var pipelines = []Program{
	{"daisy chain", daisyChain},
	{"fan-out and fan-in", fanOutFanIn},
	{"pipelines that are cancelled", cancelledPipelines},
	{"graceful shutdown of a pipeline, drained", drained},
	{"batches that wait for their slowest", batches},
}

// daisyChain has 500 goroutines, each waiting for its neighbour, for five intervals.
func daisyChain(w *World) {
	for !w.over() {
		first := instrument.NewChan[int]("chain", 0, w.on())
		last := first
		for range 500 {
			left, right := last, instrument.NewChan[int]("chain", 0, w.on())
			w.Go(func() {
				v, _ := left.Recv()
				right.Send(v + 1)
			})
			last = right
		}
		w.sleep(5)
		w.Go(func() { first.Send(0) })
		last.Recv()
	}
}

func fanOutFanIn(w *World) {
	in := instrument.NewChan[int]("in", 0, w.on())
	out := instrument.NewChan[int]("out", 10, w.on())
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			for v := range in.All() {
				w.sleep(0.1)
				out.Send(v)
			}
		})
	}
	w.Go(func() {
		for range out.All() {
		}
	})
	w.every(0.02, func(i int) { in.Send(i) })
	in.Close()
	workers.Wait()
	out.Close()
}

// cancelledPipelines gives up half way through, again and again, and every stage
// sees to it.
func cancelledPipelines(w *World) {
	w.every(0.5, func(int) {
		ctx, cancel := context.WithCancel(w.ctx)
		numbers := instrument.NewChan[int]("numbers", 0, w.on())
		squares := instrument.NewChan[int]("squares", 0, w.on())
		w.Go(func() {
			for i := 0; numbers.SendContext(ctx, i) == nil; i++ {
			}
		})
		w.Go(func() {
			for {
				v, err := numbers.RecvContext(ctx)
				if err != nil || squares.SendContext(ctx, v*v) != nil {
					return
				}
			}
		})
		for range 20 {
			if _, err := squares.RecvContext(ctx); err != nil {
				break
			}
		}
		cancel()
	})
}

// drained closes a channel with messages in it, which are then received.
func drained(w *World) {
	w.every(3, func(int) {
		jobs := instrument.NewChan[int]("to-drain", 100, w.on())
		for i := range 100 {
			jobs.Send(i)
		}
		jobs.Close()
		for range jobs.All() {
			w.sleep(0.01)
		}
	})
}

// batches starts forty jobs, of which one takes long; the others' results wait.
func batches(w *World) {
	for !w.over() {
		results := instrument.NewChan[int]("results", 40, w.on())
		for i := range 40 {
			w.Go(func() {
				if i == 0 {
					w.sleep(6)
				}
				results.Send(i)
			})
		}
		w.sleep(6)
		for range 40 {
			results.Recv()
		}
	}
}
