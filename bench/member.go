package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/weir-go/weir/instrument"
)

// measurement is of something that has nothing native beside it, in its unit.
type measurement struct {
	what, shape, unit string
	must, aim         float64
	measure           func(rounds int) ([]float64, error)
}

const (
	manyMembers = 100_000
	manyNames   = 1000
	// memberCapacity is that of a connection's outbox.
	memberCapacity = 16
)

func memberMeasurements() []measurement {
	return []measurement{
		// First: it counts memory that the runtime takes once and then reuses.
		{"member: memory beyond the native channel", "idle", "B", 512, 0,
			func(int) ([]float64, error) { return memberBytes(manyMembers) }},
		{"member: make, drop and collect", "one name", "µs", 2, 1.3,
			func(rounds int) ([]float64, error) { return makeAndDrop(rounds, manyMembers) }},
		{"snapshot: 100,000 members", "counted", "ms", 20, 0,
			func(rounds int) ([]float64, error) { return snapshotMembers(rounds, manyMembers, false) }},
		{"snapshot: 100,000 members", "looked at, longest", "ms", 20, 0,
			func(rounds int) ([]float64, error) { return snapshotMembers(rounds, manyMembers, true) }},
		{"snapshot: 1,000 names", "mixed kinds", "ms", 2, 0,
			func(rounds int) ([]float64, error) { return snapshotNames(rounds, manyNames) }},
	}
}

// quietRegistry returns one that does not log the members it loses, which are lost
// on purpose here.
func quietRegistry() *instrument.Registry {
	return instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
}

// makeMembers makes n channels under one name.
func makeMembers(r *instrument.Registry, n int) []*instrument.Chan[int] {
	members, option := make([]*instrument.Chan[int], n), []instrument.ChanOption{instrument.WithRegistry(r)}
	for i := range members {
		members[i] = instrument.NewChan[int]("member", memberCapacity, option...)
	}
	return members
}

// memberBytes compares the memory of n members with that of n native channels.
// It needs no second round: nothing here depends on time.
func memberBytes(n int) (values []float64, err error) {
	before := usedBytes()
	bare := make([]chan int, n)
	for i := range bare {
		bare[i] = make(chan int, memberCapacity)
	}
	between := usedBytes()
	r := quietRegistry()
	members := makeMembers(r, n) // a slice as long as that of the bare ones
	after := usedBytes()
	err = checkMembers(r, n)
	runtime.KeepAlive(members)
	runtime.KeepAlive(bare)
	return []float64{((after - between) - (between - before)) / float64(n)}, err
}

// usedBytes returns the heap in use after a collection, and what the runtime
// keeps beside it: its records of weak pointers and cleanups.
func usedBytes() float64 {
	runtime.GC()
	runtime.GC() // what the first one's cleanups let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.OtherSys)
}

func checkMembers(r *instrument.Registry, n int) error {
	wrong := expect{}
	stats := r.Snapshot().Channels
	wrong.equal("names", uint64(len(stats)), 1)
	for _, c := range stats {
		wrong.equal("members", uint64(c.Members), uint64(n))
	}
	return named("member", wrong.err())
}

// awaitCollected waits until no member is left.
func awaitCollected(r *instrument.Registry) error {
	for range 100 {
		runtime.GC()
		if r.Snapshot().Channels[0].Members == 0 {
			return nil
		}
	}
	return fmt.Errorf("member: %d were never collected", r.Snapshot().Channels[0].Members)
}

// makeAndDrop makes n members that nobody keeps, and waits until all are
// collected and counted.
func makeAndDrop(rounds, n int) (values []float64, err error) {
	for range rounds {
		r := quietRegistry()
		option := []instrument.ChanOption{instrument.WithRegistry(r)}
		start := time.Now()
		for range n {
			instrument.NewChan[int]("member", memberCapacity, option...)
		}
		if err = awaitCollected(r); err != nil {
			return nil, err
		}
		values = append(values, float64(time.Since(start))/float64(n)/1e3)
		wrong := expect{}
		wrong.equal("created", r.Snapshot().Channels[0].Created, uint64(n))
		if err = wrong.err(); err != nil {
			return nil, named("member", err)
		}
	}
	return values, nil
}

// snapshotMembers reads one name of n members with a message each. Where native
// receivers may have been, reading means to look at each channel, which a registry
// does once a second: the readings of a bit more than that take part, and the
// longest counts.
func snapshotMembers(rounds, n int, native bool) (values []float64, err error) {
	r := quietRegistry()
	members := makeMembers(r, n)
	for _, c := range members {
		c.Send(1)
		if native {
			c.C()
		}
	}
	r.Snapshot()
	for range rounds {
		s := r.Snapshot()
		took := s.Self.SnapshotDuration
		for end := time.Now().Add(1500 * time.Millisecond); native && time.Now().Before(end); {
			s = r.Snapshot()
			took = max(took, s.Self.SnapshotDuration)
		}
		values = append(values, float64(took)/1e6)
		wrong := expect{}
		wrong.equal("depth", uint64(s.Channels[0].Depth), uint64(n))
		wrong.equal("sends", s.Channels[0].Sent, uint64(n))
		if err = wrong.err(); err != nil {
			return nil, named("snapshot", err)
		}
	}
	runtime.KeepAlive(members)
	return values, nil
}

// makeNames makes n used channels, semaphores and pools with a name each. What it
// returns keeps them.
func makeNames(r *instrument.Registry, n int) (kept []any) {
	for i := range n {
		name := fmt.Sprintf("name %d", i)
		switch option := instrument.WithRegistry(r); i % 3 {
		case 0:
			c := instrument.NewChan[int](name, capacity, option)
			for range capacity {
				c.Send(i)
			}
			for range capacity / 2 {
				c.Recv()
			}
			kept = append(kept, c)
		case 1:
			s := instrument.NewSemaphore(name, permits, option)
			p, _ := s.TryAcquirePermit(1)
			p.Release()
			_ = s.Acquire(context.Background(), permits/2)
			kept = append(kept, s)
		case 2:
			p := instrument.NewPool(name, 1, permits, option)
			for range permits {
				_ = p.Submit(context.Background(), func() {})
			}
			kept = append(kept, p)
		}
	}
	return kept
}

func snapshotNames(rounds, n int) (values []float64, err error) {
	r := quietRegistry()
	kept := makeNames(r, n)
	for range rounds {
		start := time.Now()
		s := r.Snapshot()
		values = append(values, milliseconds(start))
		wrong := expect{}
		wrong.equal("names", uint64(len(s.Channels)+len(s.Semaphores)+len(s.Pools)), uint64(n))
		if err = wrong.err(); err != nil {
			return nil, named("snapshot", err)
		}
	}
	runtime.KeepAlive(kept)
	return values, nil
}

func milliseconds(start time.Time) float64 { return float64(time.Since(start)) / 1e6 }
