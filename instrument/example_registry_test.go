package instrument_test

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/weir-go/weir/instrument"
)

// Many channels under one name are one series.
func ExampleRegistry_Snapshot() {
	r := instrument.NewRegistry()
	var outboxes []*instrument.Chan[string]
	for range 3 {
		c := instrument.NewChan[string]("outbox", 16, instrument.WithRegistry(r))
		c.Send("hello")
		outboxes = append(outboxes, c)
	}
	s := r.Snapshot()
	fmt.Println(s.Channels[0].Name, s.Channels[0].Members, "members, depth", s.Channels[0].Depth)
	outboxes[0].Recv()
	fmt.Println("depth then", s.Channels[0].Depth, "and now", r.Snapshot().Channels[0].Depth)
	fmt.Println(len(outboxes), "still in use")
	// Output:
	// outbox 3 members, depth 3
	// depth then 3 and now 2
	// 3 still in use
}

// A registry of one's own keeps a test, or a part of a program, apart.
func ExampleNewRegistry() {
	r := instrument.NewRegistry(
		instrument.WithMaxNames(100),
		instrument.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	instrument.NewQueue[int]("mine", instrument.WithRegistry(r)).Send(1)
	fmt.Println(len(r.Snapshot().Channels), r.Snapshot().Self.Identity)
	// Output: 1 channel
}

func ExampleDefault() {
	c := instrument.NewChan[int]("example of the default registry", 4)
	c.Send(1)
	show(instrument.Default(), "example of the default registry")
	c.Recv()
	// Output: example of the default registry: depth 1 of 4, sent 1, received 0
}

func ExampleWithRegistry() {
	r := instrument.NewRegistry()
	c := instrument.NewChan[int]("c", 4, instrument.WithRegistry(r))
	c.Send(1)
	show(r, "c")
	c.Recv()
	// Output: c: depth 1 of 4, sent 1, received 0
}

// The owner is who is woken.
func ExampleWithOwner() {
	r := instrument.NewRegistry()
	instrument.NewQueue[int]("billing", instrument.WithRegistry(r), instrument.WithOwner("payments")).Send(1)
	fmt.Println(r.Snapshot().Channels[0].Owner)
	// Output: payments
}

// What comes after the cap shares one name, and is counted.
func ExampleWithMaxNames() {
	r := instrument.NewRegistry(instrument.WithMaxNames(2))
	for player := range 5 {
		name := fmt.Sprintf("outbox of player %d", player) // a name that should have been "outbox"
		instrument.NewQueue[string](name, instrument.WithRegistry(r)).Send("hello")
	}
	s := r.Snapshot()
	for _, c := range s.Channels {
		fmt.Println(c.Name)
	}
	fmt.Println(s.Self.SeriesOverflow, "over the cap")
	// Output:
	// _overflow
	// outbox of player 0
	// outbox of player 1
	// 3 over the cap
}

// Exporters walk the table; so can a program that has its own way of reporting.
func ExampleMetrics() {
	r := instrument.NewRegistry()
	c := instrument.NewChan[int]("c", 4, instrument.WithRegistry(r))
	c.Send(1)
	s := r.Snapshot()
	for _, d := range instrument.Metrics() {
		if d.Name != "weir.channel.depth" {
			continue
		}
		for x := range d.Samples(&s) {
			fmt.Println(d.PrometheusName(), d.Labels, x.Labels, x.Value)
		}
	}
	c.Recv()
	// Output: weir_channel_depth [name] [c] 1
}

// The quantile of a histogram is within 4.5% of the truth.
func ExampleHistogram_Quantile() {
	h := instrument.Histogram{Count: 4, Start: 0, Buckets: []uint64{3, 0, 0, 0, 0, 0, 0, 0, 1}}
	fmt.Printf("median %.2f s, longest %.2f s\n", h.Quantile(0.5), h.Quantile(1))
	// Output: median 0.96 s, longest 1.92 s
}

// A classic histogram is cumulative: how many were at most so long. The count is
// exact at every bound of a bucket, so at every power of two.
func ExampleHistogram_CountAtMost() {
	waits := instrument.Histogram{Count: 6, Zero: 1, Start: 0, Buckets: []uint64{2, 0, 3}}
	for k, n := range waits.Buckets {
		fmt.Printf("up to %.3f s: %d\n", waits.UpperBound(k), n)
	}
	fmt.Println("up to 1 s in all:", waits.CountAtMost(1))
	// Output:
	// up to 1.000 s: 2
	// up to 1.091 s: 0
	// up to 1.189 s: 3
	// up to 1 s in all: 3
}

// In production, on a runtime that has the leak profile, suspicions are proven or
// not.
func ExampleWithLeakProof() {
	r := instrument.NewRegistry(instrument.WithLeakProof())
	switch r.Snapshot().Self.LeakProof {
	case "on", "absent": // absent: this Go has no goroutineleak profile
		fmt.Println("asked for")
	}
	// Output: asked for
}

// A program with very many goroutines, or with none worth a look, can have them
// looked at less often, or never.
func ExampleWithLeakInterval() {
	rarely := instrument.NewRegistry(instrument.WithLeakInterval(5 * time.Minute))
	never := instrument.NewRegistry(instrument.WithLeakInterval(-1))
	fmt.Println(len(rarely.Snapshot().Suspects), len(never.Snapshot().Suspects), "suspects")
	// Output: 0 0 suspects
}

// A name that many connections share adds up; Members tells which of them it is.
func ExampleRegistry_Members() {
	r := instrument.NewRegistry()
	for waiting := range 3 {
		outbox := instrument.NewChan[string]("outbox", 8, instrument.WithRegistry(r))
		for range waiting {
			outbox.Send("news")
		}
		defer outbox.Close()
	}
	fmt.Println("together", r.Snapshot().Channels[0].Depth)
	for _, c := range r.Members("outbox", 2).Channels {
		fmt.Println("one of the worst has", c.Depth)
	}
	// Output:
	// together 3
	// one of the worst has 2
	// one of the worst has 1
}
