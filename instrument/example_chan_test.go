package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/instrument"
)

// show prints what a registry knows of the channels of one name.
func show(r *instrument.Registry, name string) {
	for _, c := range r.Snapshot().Channels {
		if c.Name == name {
			fmt.Printf("%s: depth %d of %d, sent %d, received %d\n", name, c.Depth, c.Capacity, c.Sent, c.Received)
		}
	}
}

// A channel that was made with make(chan string, 128).
func ExampleNewChan() {
	r := instrument.NewRegistry()
	moves := instrument.NewChan[string]("moves", 128, instrument.WithRegistry(r))

	moves.Send("e4")
	moves.Send("e5")
	first, _ := moves.Recv()

	fmt.Println(first)
	show(r, "moves")
	// Output:
	// e4
	// moves: depth 1 of 128, sent 2, received 1
}

// Senders go through the wrapper; the rest of the program keeps the channel.
func ExampleWrapChan() {
	r := instrument.NewRegistry()
	events := make(chan int, 16)
	measured := instrument.WrapChan("events", events, instrument.WithRegistry(r))

	measured.Send(1)
	measured.Send(2)
	fmt.Println(<-events)

	show(r, "events")
	// Output:
	// 1
	// events: depth 1 of 16, sent 2, received 1
}

// One line more, and nothing else in the program changes.
func ExampleWatch() {
	r := instrument.NewRegistry()
	jobs := make(chan int, 8)
	jobs = instrument.Watch("jobs", jobs, instrument.WithRegistry(r))

	jobs <- 1
	jobs <- 2

	c := r.Snapshot().Channels[0]
	fmt.Printf("%s: depth %d of %d\n", c.Name, c.Depth, c.Capacity)
	<-jobs
	// Output: jobs: depth 2 of 8
}

// A queue has no bound of its own, so a semaphore is put in front of it, whose
// permit travels in the message.
func ExampleNewQueue() {
	type move struct {
		text   string
		permit *instrument.Permit
	}
	r := instrument.NewRegistry()
	permits := instrument.NewSemaphore("moves", 2, instrument.WithRegistry(r))
	moves := instrument.NewQueue[move]("moves", instrument.WithRegistry(r))

	for _, text := range []string{"e4", "e5", "Nf3"} {
		permit, ok := permits.TryAcquirePermit(1)
		if !ok {
			fmt.Println("refused:", text)
			continue
		}
		moves.Send(move{text, permit})
	}
	moves.Close()
	for m := range moves.All() {
		fmt.Println("handled:", m.text)
		m.permit.Release()
	}
	// Output:
	// refused: Nf3
	// handled: e4
	// handled: e5
}

func ExampleChan_Send() {
	c := instrument.NewChan[int]("results", 1, instrument.WithRegistry(instrument.NewRegistry()))
	go func() {
		defer c.Close()
		for i := range 3 {
			c.Send(i) // waits while the channel is full
		}
	}()
	for v := range c.All() {
		fmt.Println(v)
	}
	// Output:
	// 0
	// 1
	// 2
}

func ExampleChan_SendContext() {
	c := instrument.NewChan[int]("slow", 1, instrument.WithRegistry(instrument.NewRegistry()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()

	fmt.Println(c.SendContext(ctx, 1))
	fmt.Println(c.SendContext(ctx, 2))
	// Output:
	// <nil>
	// context deadline exceeded
}

// What TrySend refuses is counted, as outcome "full".
func ExampleChan_TrySend() {
	c := instrument.NewChan[int]("requests", 1, instrument.WithRegistry(instrument.NewRegistry()))
	for i := range 3 {
		if !c.TrySend(i) {
			fmt.Println("503 Service Unavailable")
		}
	}
	fmt.Println("refused:", c.Stats().SendsFull)
	// Output:
	// 503 Service Unavailable
	// 503 Service Unavailable
	// refused: 2
}

func ExampleChan_Recv() {
	c := instrument.NewChan[string]("lines", 2, instrument.WithRegistry(instrument.NewRegistry()))
	c.Send("a")
	c.Close()
	fmt.Println(c.Recv())
	fmt.Println(c.Recv())
	// Output:
	// a true
	//  false
}

func ExampleChan_RecvContext() {
	c := instrument.NewChan[int]("lines", 2, instrument.WithRegistry(instrument.NewRegistry()))
	c.Send(1)
	c.Close()
	v, err := c.RecvContext(context.Background())
	fmt.Println(v, err)
	_, err = c.RecvContext(context.Background())
	fmt.Println(errors.Is(err, instrument.ErrClosed))
	// Output:
	// 1 <nil>
	// true
}

func ExampleChan_TryRecv() {
	c := instrument.NewChan[int]("lines", 2, instrument.WithRegistry(instrument.NewRegistry()))
	c.Send(1)
	fmt.Println(c.TryRecv())
	fmt.Println(c.TryRecv())
	// Output:
	// 1 true
	// 0 false
}

// The receiving side of a select stays as it is.
func ExampleChan_C() {
	c := instrument.NewChan[int]("ticks", 4, instrument.WithRegistry(instrument.NewRegistry()))
	quit := make(chan struct{})
	c.Send(7)
	select {
	case v := <-c.C():
		fmt.Println("tick", v)
	case <-quit:
	}
	fmt.Println("received:", c.Stats().Received)
	// Output:
	// tick 7
	// received: 1
}

// The sending side of a select goes through Raw, and tells of it.
func ExampleChan_Sent() {
	c := instrument.NewChan[int]("ticks", 4, instrument.WithRegistry(instrument.NewRegistry()))
	quit := make(chan struct{})
	select {
	case c.Raw() <- 7:
		c.Sent()
	case <-quit:
	}
	fmt.Println("sent:", c.Stats().Sent)
	// Output: sent: 1
}

func ExampleQueue_Recv() {
	q := instrument.NewQueue[string]("mail", instrument.WithRegistry(instrument.NewRegistry()))
	q.Send("first")
	q.Send("second")
	q.Close()
	for v, ok := q.Recv(); ok; v, ok = q.Recv() {
		fmt.Println(v)
	}
	// Output:
	// first
	// second
}

// The size is asked for a sample of the messages.
func ExampleWithBytes() {
	c := instrument.NewChan[[]byte]("uploads", 8,
		instrument.WithRegistry(instrument.NewRegistry()),
		instrument.WithBytes(func(b []byte) int { return len(b) }))
	c.Send(make([]byte, 1000))
	c.Send(make([]byte, 1000))
	fmt.Println(c.Stats().BufferedBytes, "bytes")
	// Output: 2000 bytes
}

// A queue that is drained once an hour is not stalled after five minutes.
func ExampleWithStallAfter() {
	c := instrument.NewChan[int]("hourly", 1000,
		instrument.WithRegistry(instrument.NewRegistry()),
		instrument.WithStallAfter(2*time.Hour))
	fmt.Println(c.Stats().StallAfter)
	// Output: 2h0m0s
}

// The share of messages that wait for longer than promised is what an error
// budget is made of.
func ExampleWithWaitTarget() {
	c := instrument.NewChan[int]("orders", 8,
		instrument.WithRegistry(instrument.NewRegistry()),
		instrument.WithWaitTarget(time.Hour))
	c.Send(1)
	c.Recv()
	s := c.Stats()
	fmt.Printf("%d of %d waited for more than %v\n", s.WaitsOverTarget, s.Waits, s.WaitTarget)
	// Output: 0 of 1 waited for more than 1h0m0s
}

// Len and Cap are those of the native channel.
func ExampleChan_Len() {
	orders := instrument.NewChan[string]("orders", 8, instrument.WithRegistry(instrument.NewRegistry()))
	orders.Send("tea")
	fmt.Println(orders.Len(), "of", orders.Cap())
	// Output: 1 of 8
}

func ExampleQueue_Len() {
	mail := instrument.NewQueue[string]("mail", instrument.WithRegistry(instrument.NewRegistry()))
	mail.Send("first")
	mail.Send("second")
	mail.Recv()
	fmt.Println(mail.Len(), "left")
	// Output: 1 left
}
