package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-go/weir/instrument"
)

// A pool of one worker runs its tasks in order, and Shutdown waits for them.
func ExampleNewPool() {
	pool := instrument.NewPool("thumbnails", 1, 16)
	for _, file := range []string{"a.png", "b.png", "c.png"} {
		if err := pool.Submit(context.Background(), func() { fmt.Println("scaled", file) }); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(pool.Shutdown(context.Background()))
	// Output:
	// scaled a.png
	// scaled b.png
	// scaled c.png
	// <nil>
}

// Submit waits while the queue is full, but no longer than its ctx.
func ExamplePool_Submit() {
	pool := instrument.NewPool("invoices", 1, 0)
	gate := make(chan struct{})
	_ = pool.Submit(context.Background(), func() { <-gate })

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	fmt.Println(pool.Submit(ctx, func() {}))
	close(gate)
	_ = pool.Shutdown(context.Background())
	// Output: context deadline exceeded
}

// TrySubmit refuses instead of waiting, which is counted.
func ExamplePool_TrySubmit() {
	pool := instrument.NewPool("webhooks", 1, 1)
	gate := make(chan struct{})
	running := make(chan struct{})
	_ = pool.Submit(context.Background(), func() { close(running); <-gate })
	<-running

	fmt.Println(pool.TrySubmit(func() {}))
	err := pool.TrySubmit(func() {})
	fmt.Println(errors.Is(err, instrument.ErrPoolFull), pool.Stats().Rejected)
	close(gate)
	_ = pool.Shutdown(context.Background())
	// Output:
	// <nil>
	// true 1
}

func ExamplePool_Resize() {
	pool := instrument.NewPool("crawlers", 2, 8)
	pool.Resize(5)
	fmt.Println(pool.Stats().Workers)
	_ = pool.Shutdown(context.Background())
	// Output: 5
}

// Shutdown gives up when its ctx is done, and says what was left.
func ExamplePool_Shutdown() {
	pool := instrument.NewPool("reports", 1, 4)
	gate := make(chan struct{})
	running := make(chan struct{})
	_ = pool.Submit(context.Background(), func() { close(running); <-gate })
	_ = pool.Submit(context.Background(), func() {})
	<-running

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	fmt.Println(pool.Shutdown(ctx))
	fmt.Println(pool.Submit(context.Background(), func() {}))
	close(gate)
	fmt.Println(pool.Shutdown(context.Background()))
	// Output:
	// weir: pool "reports" not drained (workers running: 1, tasks queued: 1): context deadline exceeded
	// weir: pool is shut down
	// <nil>
}

func ExamplePool_Stats() {
	pool := instrument.NewPool("emails", 3, 100)
	var sent sync.WaitGroup
	sent.Add(2)
	for range 2 {
		_ = pool.Submit(context.Background(), sent.Done)
	}
	sent.Wait()
	_ = pool.Shutdown(context.Background())

	s := pool.Stats()
	fmt.Printf("%d ok, %d panics, %d rejected, queue of %d\n", s.TasksOK, s.TasksPanic, s.Rejected, s.QueueCapacity)
	// Output: 2 ok, 0 panics, 0 rejected, queue of 100
}

// The numbers of all pools stand in the registry's snapshot.
func ExamplePoolStats() {
	r := instrument.NewRegistry()
	pool := instrument.NewPool("resizer", 4, 32, instrument.WithRegistry(r), instrument.WithOwner("media"))
	for _, p := range r.Snapshot().Pools {
		fmt.Println(p.Name, p.Owner, p.Workers, p.Busy, p.QueueCapacity)
	}
	_ = pool.Shutdown(context.Background())
	// Output: resizer media 4 0 32
}

func ExampleErrPoolClosed() {
	pool := instrument.NewPool("closed", 1, 1)
	_ = pool.Shutdown(context.Background())
	err := pool.Submit(context.Background(), func() {})
	fmt.Println(errors.Is(err, instrument.ErrPoolClosed))
	// Output: true
}

func ExampleErrPoolFull() {
	pool := instrument.NewPool("full", 1, 0)
	gate := make(chan struct{})
	_ = pool.Submit(context.Background(), func() { <-gate })
	if errors.Is(pool.TrySubmit(func() {}), instrument.ErrPoolFull) {
		fmt.Println("busy, try again")
	}
	close(gate)
	_ = pool.Shutdown(context.Background())
	// Output: busy, try again
}

func ExampleErrNilTask() {
	pool := instrument.NewPool("nil", 1, 1)
	fmt.Println(errors.Is(pool.TrySubmit(nil), instrument.ErrNilTask))
	_ = pool.Shutdown(context.Background())
	// Output: true
}

// A handler contains panics: the worker lives on.
func ExampleWithPanicHandler() {
	pool := instrument.NewPool("plugins", 1, 4, instrument.WithPanicHandler(func(v any, stack []byte) {
		fmt.Println("contained:", v, len(stack) > 0)
	}))
	_ = pool.Submit(context.Background(), func() { panic("bad plugin") })
	_ = pool.Submit(context.Background(), func() { fmt.Println("next task") })
	_ = pool.Shutdown(context.Background())
	fmt.Println(pool.Stats().TasksPanic)
	// Output:
	// contained: bad plugin true
	// next task
	// 1
}

// A task that runs for longer than its limit is a suspect, with the function
// that it is.
func ExampleWithTaskLimit() {
	r := instrument.NewRegistry(instrument.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	pool := instrument.NewPool("backups", 1, 4, instrument.WithRegistry(r), instrument.WithTaskLimit(time.Nanosecond))
	gate := make(chan struct{})
	running := make(chan struct{})
	_ = pool.Submit(context.Background(), func() { close(running); <-gate })
	<-running
	for len(r.Snapshot().Suspects) == 0 {
	}
	for _, s := range r.Snapshot().Suspects {
		fmt.Println(s.Kind, s.Name, s.Reason, s.Evidence, s.Count)
	}
	close(gate)
	_ = pool.Shutdown(context.Background())
	// Output: pool backups running_too_long heuristic 1
}
