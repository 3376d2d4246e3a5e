package healthy

import (
	"context"
	"errors"

	"github.com/weir-go/weir/instrument"
)

var fans = []Program{
	{"fan of goroutines that hand their results to one", resultFan},
	{"fan of goroutines behind a semaphore", semaphoreFan},
	{"long jobs behind a semaphore, one at a time", oneAtATime},
	{"the first of three answers wins", firstAnswer},
	{"the first error ends the rest", firstError},
	{"answers nobody waits for any more", unwantedAnswers},
}

// resultFan starts 300 goroutines, whose results one goroutine takes in fifteen
// intervals: the last of them waits for that long, and all is well.
func resultFan(w *World) {
	for !w.over() {
		results := instrument.NewChan[int]("fan-results", 0, w.on())
		for i := range 300 {
			w.Go(func() { results.Send(i) })
		}
		for range 300 {
			w.sleep(0.05)
			results.Recv()
		}
		w.sleep(5)
	}
}

// semaphoreFan starts 300 goroutines at once, of which three may work at a time.
func semaphoreFan(w *World) {
	for !w.over() {
		s := instrument.NewSemaphore("fan-slots", 3, w.on())
		fan := instrument.NewGroup("fan", w.on())
		for range 300 {
			fan.Go(func() error {
				if err := s.Acquire(w.ctx, 1); err != nil {
					return err
				}
				defer s.Release(1)
				w.sleep(0.2)
				return nil
			})
		}
		_ = fan.Wait() // fails at the end only
		w.sleep(5)
	}
}

// oneAtATime has ten exports wait for one another. Each takes eight intervals.
func oneAtATime(w *World) {
	s := instrument.NewSemaphore("exports-one-by-one", 1, w.on())
	for range 10 {
		w.Go(func() {
			for !w.over() {
				if s.Acquire(w.ctx, 1) != nil {
					return
				}
				w.sleep(8)
				s.Release(1)
				w.sleep(20)
			}
		})
	}
}

// firstAnswer asks three replicas. What comes later has room, and is garbage.
func firstAnswer(w *World) {
	w.every(0.2, func(int) {
		answers := instrument.NewChan[int]("answers", 3, w.on())
		for i := range 3 {
			w.Go(func() {
				w.sleep(0.01 + float64(i)/50)
				answers.Send(i)
			})
		}
		answers.Recv()
	})
}

// firstError waits for no more than the first error of a few goroutines.
func firstError(w *World) {
	w.every(0.2, func(int) {
		errs := instrument.NewChan[error]("errors", 10, w.on())
		for i := range 10 {
			w.Go(func() {
				if i == 5 {
					errs.Send(errors.New("no"))
					return
				}
				errs.Send(nil)
			})
		}
		for range 10 {
			if err, _ := errs.Recv(); err != nil {
				return
			}
		}
	})
}

// unwantedAnswers gives up on some answers, which then come all the same. The
// channel has room for one, as it should, so that nobody is stuck.
func unwantedAnswers(w *World) {
	w.every(0.2, func(i int) {
		answer := instrument.NewChan[int]("unwanted-answers", 1, w.on())
		w.Go(func() {
			w.sleep(0.05 * float64(i%3))
			answer.Send(1)
		})
		ctx, cancel := context.WithTimeout(w.ctx, w.Interval/20)
		defer cancel()
		_, _ = answer.RecvContext(ctx) // late is late
	})
}
