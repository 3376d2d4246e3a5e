package healthy

import "github.com/weir-go/weir/instrument"

var queues = []Program{
	{"start-up fill that is worked off", startUpFill},
	{"queue that bursts and drains", burstQueue},
	{"queue with a day and a night", dayAndNight},
	{"consumer that pauses for less than the threshold", pausedConsumer},
	{"channel that is full all the time, and moves", backPressure},
	{"deep queue that stands, and moves", deepQueue},
}

// startUpFill has everything to do at once, and works it off in 30 intervals.
func startUpFill(w *World) {
	const messages = 6000
	backlog := instrument.NewQueue[int]("backlog", w.on())
	for i := range messages {
		backlog.Send(i)
	}
	w.every(30.0/messages*10, func(int) {
		for range 10 {
			backlog.TryRecv()
		}
	})
}

// burstQueue has a thousand messages at once every three intervals, which take two.
func burstQueue(w *World) {
	q := instrument.NewQueue[int]("bursts", w.on())
	w.Go(func() {
		for range q.All() {
			w.sleep(0.002)
		}
	})
	w.every(3, func(int) {
		for i := range 1000 {
			q.Send(i)
		}
	})
	q.Close()
}

// dayAndNight gets more than it can do for six intervals and less for nine.
func dayAndNight(w *World) {
	q := instrument.NewQueue[int]("orders", w.on())
	w.Go(func() {
		for range q.All() {
			w.sleep(0.01)
		}
	})
	w.every(0.1, func(i int) {
		n := 4
		if i/10%15 < 6 {
			n = 18
		}
		for range n {
			q.Send(i)
		}
	})
	q.Close()
}

// pausedConsumer stops for eight intervals, four minutes by default, while a sender
// waits for it.
func pausedConsumer(w *World) {
	events := instrument.NewChan[int]("events", 10, w.on())
	w.Go(func() {
		for i := range events.All() {
			if i%50 == 49 {
				w.sleep(8)
			}
		}
	})
	for i := 0; w.sleep(0.1); i++ {
		if events.SendContext(w.ctx, i) != nil {
			break
		}
	}
	events.Close()
}

// backPressure has senders that always wait: that is what the bound is for.
func backPressure(w *World) {
	lines := instrument.NewChan[int]("lines", 20, w.on())
	for range 10 {
		w.Go(func() {
			for i := 0; lines.SendContext(w.ctx, i) == nil; i++ {
			}
		})
	}
	w.every(0.02, func(int) { lines.Recv() })
}

// deepQueue holds two hundred messages all the time, each for four intervals.
func deepQueue(w *World) {
	q := instrument.NewQueue[int]("delayed", w.on())
	w.every(0.02, func(i int) {
		q.Send(i)
		if i >= 200 {
			q.Recv()
		}
	})
	q.Close()
	for range q.All() {
	}
}
