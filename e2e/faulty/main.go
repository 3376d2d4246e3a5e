// Command faulty does on purpose what programs do by accident and the game server
// does not, each fault with an object of its own, so that the alerts have a cause
// that is real. With -mended it does the same things right.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

// often is how often the objects are used.
const often = 100 * time.Millisecond

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "where /metrics is")
	mended := flag.Bool("mended", false, "do it right")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	r := instrument.NewRegistry()
	p := program{instrument.WithRegistry(r), *mended}
	go p.run(ctx)
	err := exporter.Serve(ctx, *addr, exporter.WithRegistry(r))
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

type program struct {
	with   instrument.Option
	mended bool
}

// run uses all objects until ctx is done.
func (p program) run(ctx context.Context) {
	steps := []func(){p.stalled(), p.filling(), p.held(), p.dropped}
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		for _, step := range steps {
			step()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// stalled is a channel whose receiver has gone.
func (p program) stalled() func() {
	c := instrument.NewChan[int]("stalled", 8, p.with, instrument.WithStallAfter(2*time.Second), instrument.WithOwner("realtime"))
	c.Send(1)
	return func() {
		if p.mended {
			c.TryRecv()
			c.Send(1)
		}
	}
}

// filling is a channel whose receiver keeps up, behind a queue that stands.
func (p program) filling() func() {
	c := instrument.NewChan[int]("filling", 100, p.with)
	for !p.mended && c.Len() < 90 {
		c.Send(1)
	}
	return func() {
		c.Send(1)
		c.Recv()
	}
}

// held is a semaphore of which nobody gives a permit back.
func (p program) held() func() {
	s := instrument.NewSemaphore("held", 1000, p.with, instrument.WithHoldLimit(2*time.Second))
	if !p.mended {
		s.TryAcquire(1)
	}
	return func() {
		if p.mended && s.TryAcquire(1) {
			s.Release(1)
		}
	}
}

// dropped sends an answer that nobody waits for.
func (p program) dropped() {
	c := instrument.NewChan[int]("dropped", 1, p.with)
	c.Send(42)
	if p.mended {
		c.Recv()
	}
	runtime.GC() // which finds what was dropped
}
