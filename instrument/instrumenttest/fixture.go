package instrumenttest

import (
	"context"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

// fixture is one used object of each kind, with every option, in fake time: a
// reading of it has a sample of every metric in the table.
type fixture struct {
	moves *instrument.Chan[string]
	inbox *instrument.Queue[int]
	slots *instrument.Semaphore
	pool  *instrument.Pool
	end   chan struct{} // ends the pool's last task
}

func newFixture(t *testing.T, r *instrument.Registry) *fixture {
	t.Helper()
	with := instrument.WithRegistry(r)
	f := &fixture{
		moves: instrument.NewChan[string]("moves", 4, with, instrument.WithOwner("game"),
			instrument.WithWaitTarget(time.Second), instrument.WithStallAfter(time.Minute),
			instrument.WithBytes(func(s string) int { return len(s) })),
		inbox: instrument.NewQueue[int]("inbox", with, instrument.WithStallAfter(time.Minute)),
		slots: instrument.NewSemaphore("slots", 8, with, instrument.WithHoldLimit(time.Minute)),
		pool:  instrument.NewPool("workers", 2, 4, with, instrument.WithTaskLimit(time.Minute), instrument.WithPanicHandler(func(any, []byte) {})),
		end:   make(chan struct{}),
	}
	wrapped := instrument.WrapSemaphore("wrapped", instrument.NewSemaphore("", 2), 2, with)
	forever = append(forever, f, wrapped, instrument.Watch("watched", make(chan int, 3), with))
	t.Cleanup(func() {
		close(f.end)
		if err := f.pool.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	f.use(t)
	submit(t, f.pool, func() { <-f.end })
	time.Sleep(5 * time.Minute) // what is held and not drained becomes a suspect
	return f
}

// use moves every counter there is; what it leaves behind is the same each time.
func (f *fixture) use(t *testing.T) {
	t.Helper()
	for f.moves.TrySend("north-west") {
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_ = f.moves.SendContext(canceled, "lost")
	blocked := make(chan struct{})
	go func() { f.moves.Send("late"); close(blocked) }()
	time.Sleep(2 * time.Second)
	f.moves.Recv()
	<-blocked
	f.inbox.Send(1)

	held, ok := f.slots.TryAcquirePermit(1)
	if !ok {
		t.Error("no permit is free")
	}
	forever = append(forever, held)
	if p, ok := f.slots.TryAcquirePermit(1); ok {
		time.Sleep(300 * time.Millisecond)
		p.Release()
	}
	f.slots.TryAcquire(9)

	for _, d := range []time.Duration{time.Millisecond, time.Second} {
		submit(t, f.pool, func() { time.Sleep(d) })
	}
	submit(t, f.pool, func() { panic("contained") })
	time.Sleep(10 * time.Second)
}

func submit(t *testing.T, p *instrument.Pool, task func()) {
	t.Helper()
	if err := p.Submit(t.Context(), task); err != nil {
		t.Error(err)
	}
}
