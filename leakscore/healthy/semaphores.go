package healthy

import (
	"github.com/weir-go/weir/instrument"
)

var semaphores = []Program{
	{"semaphore under a steady load", steadySemaphore},
	{"rate limiter with a semaphore", rateLimiter},
	{"permits held for long, within their limit", longPermits},
	{"semaphore whose load grows and falls", risingPermits},
	{"a lock that is held for the whole life (leader election)", leader},
	{"channel as a semaphore", channelSemaphore},
}

// steadySemaphore is full for most of the time, and callers wait.
func steadySemaphore(w *World) {
	s := instrument.NewSemaphore("steady", 10, w.on())
	for range 15 {
		w.Go(func() {
			for !w.over() {
				p, err := s.AcquirePermit(w.ctx, 1)
				if err != nil {
					return
				}
				w.sleep(0.2)
				p.Release()
			}
		})
	}
}

// rateLimiter lets go of what it admitted only when time has passed.
func rateLimiter(w *World) {
	s := instrument.NewSemaphore("rate", 20, w.on())
	w.every(0.02, func(int) {
		p, ok := s.TryAcquirePermit(1)
		if !ok {
			return
		}
		w.Go(func() {
			w.sleep(1)
			p.Release()
		})
	})
}

func longPermits(w *World) {
	s := instrument.NewSemaphore("exports", 8, w.on(), instrument.WithHoldLimit(20*w.Interval))
	w.every(2, func(int) {
		w.Go(func() {
			p, err := s.AcquirePermit(w.ctx, 1)
			if err != nil {
				return
			}
			defer p.Release()
			w.sleep(12)
		})
	})
}

// risingPermits holds ever more for six intervals, then ever fewer.
func risingPermits(w *World) {
	s := instrument.NewSemaphore("rising", 1000, w.on(), instrument.WithHoldLimit(20*w.Interval))
	w.every(0.1, func(i int) {
		n := 2
		if i/10%12 < 6 {
			n = 12
		}
		for range n {
			p, ok := s.TryAcquirePermit(1)
			if !ok {
				return
			}
			w.Go(func() {
				w.sleep(3)
				p.Release()
			})
		}
	})
}

func leader(w *World) {
	s := instrument.NewSemaphore("leader", 1, w.on())
	p, err := s.AcquirePermit(w.ctx, 1)
	if err != nil {
		return
	}
	<-w.Done()
	p.Release()
}

// channelSemaphore is the idiom of a buffered channel, watched.
func channelSemaphore(w *World) {
	slots := instrument.WatchSemaphore("slots", make(chan struct{}, 8), w.on())
	for range 12 {
		w.Go(func() {
			for !w.over() {
				slots <- struct{}{}
				w.sleep(0.3)
				<-slots
			}
		})
	}
}
