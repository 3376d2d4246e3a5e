package healthy

import (
	"net"
	"net/http"
	"time"

	"github.com/weir-go/weir/instrument"
)

var growth = []Program{
	{"night batch that fills a queue for eight minutes", nightBatch},
	{"wake-ups that coalesce, on connections that come and go", wakeUps},
	{"connections that break with messages in their outbox", brokenConnections},
	{"ever more users on network connections, all hour", evermoreUsers},
	{"HTTP load that grows all hour", growingLoad},
	{"worker pool that grows to its size", growingPool},
	{"slow start, requests wait for it", slowStart},
	{"batches that are flushed every four intervals", flushed},
	{"free list in a channel, idle at night", freeList},
}

// nightBatch fills a queue faster than it is worked off, for sixteen intervals,
// twice in its life.
func nightBatch(w *World) {
	q := instrument.NewQueue[int]("night-batch", w.on())
	w.Go(func() {
		for range q.All() {
			w.sleep(0.02)
		}
	})
	w.every(0.1, func(i int) {
		if i/10%60 < 16 {
			for range 12 {
				q.Send(i)
			}
		}
	})
	q.Close()
}

// wakeUps has a goroutine for each connection, which is woken when there is
// something to do; often enough it is woken for the last time when it has left.
func wakeUps(w *World) {
	w.every(0.05, func(int) {
		wake := instrument.NewChan[struct{}]("wake", 1, w.on())
		left := make(chan struct{})
		w.Go(func() {
			defer close(left)
			for range 5 {
				wake.Recv()
			}
		})
		w.Go(func() {
			for {
				wake.TrySend(struct{}{})
				select {
				case <-left:
					wake.TrySend(struct{}{})
					return
				case <-time.After(w.Interval / 50):
				}
			}
		})
	})
}

// brokenConnections have messages in their outbox when writing fails.
func brokenConnections(w *World) {
	w.every(0.1, func(i int) {
		outbox := instrument.NewChan[int]("broken-outbox", 16, w.on())
		w.Go(func() {
			for m := range outbox.All() {
				if w.sleep(0.02); m > 10 {
					return // the connection broke
				}
			}
		})
		for m := range 25 {
			outbox.TrySend(m)
			w.sleep(0.01)
		}
	})
}

// evermoreUsers has a connection more every half interval, each with a goroutine
// that reads and one that writes, and few of them leave.
func evermoreUsers(w *World) {
	w.every(0.5, func(i int) {
		ours, theirs := net.Pipe()
		outbox := make(chan []byte, 16)
		w.Go(func() { // of the server
			defer close(outbox)
			buf := make([]byte, 16)
			for {
				if _, err := ours.Read(buf); err != nil {
					return
				}
			}
		})
		w.Go(func() {
			for m := range outbox {
				_, _ = ours.Write(m) // a broken one is closed by the reader
			}
		})
		w.Go(func() { // the user
			if i%10 == 0 {
				w.sleep(3)
			} else {
				<-w.Done()
			}
			_ = theirs.Close()
		})
	})
}

// growingLoad has one more request at a time every interval. Each waits for an
// answer from elsewhere.
func growingLoad(w *World) {
	client := w.serve(func(_ http.ResponseWriter, r *http.Request) {
		answer := make(chan struct{}, 1)
		w.Go(func() {
			w.sleep(3)
			answer <- struct{}{}
		})
		select {
		case <-answer:
		case <-r.Context().Done():
		}
	})
	w.every(1, func(int) {
		w.Go(func() {
			for !w.over() {
				w.get(client)
			}
		})
	})
}

// growingPool starts a worker every half interval until there are fifty.
func growingPool(w *World) {
	jobs := make(chan int)
	w.every(0.5, func(i int) {
		if i < 50 {
			w.Go(func() {
				for range jobs {
					w.sleep(0.1)
				}
			})
		}
		select {
		case jobs <- i:
		default:
		}
	})
	close(jobs)
}

// slowStart lets requests wait for nine intervals, until it is ready.
func slowStart(w *World) {
	ready := instrument.NewChan[struct{}]("ready", 0, w.on())
	w.Go(func() {
		w.sleep(9)
		ready.Close()
	})
	w.every(0.2, func(int) {
		w.Go(func() { ready.Recv() })
	})
}

// flushed collects what comes and hands it on every four intervals.
func flushed(w *World) {
	in := instrument.NewChan[int]("lines-in", 10_000, w.on())
	w.Go(func() {
		w.every(0.05, func(i int) {
			in.TrySend(i)
			in.TrySend(i)
		})
	})
	w.every(4, func(int) {
		for {
			if _, ok := in.TryRecv(); !ok {
				return
			}
		}
	})
}

// freeList keeps buffers in a channel, as a stock: it is full when nothing is to be
// done, which is why it is only watched.
func freeList(w *World) {
	list := instrument.Watch("free-list", make(chan []byte, 20), w.on())
	for range 20 {
		list <- make([]byte, 64)
	}
	w.every(30, func(int) {
		for range 100 {
			list <- <-list
		}
	})
}
