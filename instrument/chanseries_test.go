package instrument

import (
	"runtime"
	"sync"
	"testing"
)

// TestGroupOfTenThousand makes and drops channels under one name: some drained,
// some with messages left, some of which a native receiver may have taken.
func TestGroupOfTenThousand(t *testing.T) {
	const n = 10_000
	r := NewRegistry()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range n / 4 {
				c := NewChan[int]("c", 4, WithRegistry(r))
				c.Send(1)
				c.Send(2)
				c.Recv()
				if i%2 == 0 {
					c.Recv() // drained
				} else if g%2 == 0 {
					c.C() // a native receiver may take it
				}
				c.TrySend(3)
				c.TryRecv()
				c.Close()
			}
		})
	}
	all.Wait()
	afterGC(t, "all are retired", func() bool { return chanNow(t, r, "c").Members == 0 })
	s := r.Snapshot()
	if len(s.Channels) != 1 {
		t.Fatalf("%d series", len(s.Channels))
	}
	c := s.Channels[0]
	balance(t, c)
	if c.Created != n || c.Closed != n || c.Sent != 3*n {
		t.Errorf("created %d, closed %d, sent %d", c.Created, c.Closed, c.Sent)
	}
	if c.Abandoned != n/4 || c.Unverified != n/4 || c.Depth != 0 || c.Capacity != 0 {
		t.Errorf("abandoned %d, unverified %d, depth %d, capacity %d", c.Abandoned, c.Unverified, c.Depth, c.Capacity)
	}
}

// TestCountersSurviveChurn reads while members come and go: no total goes back
// when one retires.
func TestCountersSurviveChurn(t *testing.T) {
	r := NewRegistry()
	var workers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		workers.Go(func() {
			for range 3000 {
				c := NewChan[int]("c", 4, WithRegistry(r))
				c.Send(1)
				c.Send(2)
				<-c.C()
			}
		})
	}
	go func() { workers.Wait(); close(done) }()
	before := map[string]float64{}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			runtime.GC()
		}
		s := r.Snapshot()
		if len(s.Channels) == 0 {
			continue
		}
		for what, v := range counters(s.Channels[0]) {
			if v < before[what] {
				t.Fatalf("%s goes back from %v to %v", what, before[what], v)
			}
			before[what] = v
		}
	}
	afterGC(t, "all are retired", func() bool { return chanNow(t, r, "c").Members == 0 })
	got := chanNow(t, r, "c")
	balance(t, got)
	if got.Sent != 12_000 || got.Received+got.Unverified != 12_000 || got.Abandoned != 0 {
		t.Errorf("sent %d, received %d, unverified %d, abandoned %d", got.Sent, got.Received, got.Unverified, got.Abandoned)
	}
}

func TestGroupAddsUp(t *testing.T) {
	r := NewRegistry()
	a := NewChan[int]("c", 2, WithRegistry(r))
	b := NewChan[int]("c", 8, WithRegistry(r))
	NewChan[int]("c", 0, WithRegistry(r))
	a.Send(1)
	a.Send(1)
	b.Send(1)
	got := chanNow(t, r, "c")
	if got.Depth != 3 || got.Capacity != 10 || got.DepthPeak != 3 || got.FillRatioMax != 1 || !got.HasRatio {
		t.Errorf("depth %d, capacity %d, peak %d, fill %v", got.Depth, got.Capacity, got.DepthPeak, got.FillRatioMax)
	}
	one := b.Stats()
	if one.Depth != 1 || one.Capacity != 8 || one.Created != 1 || one.Members != 1 || one.FillRatioMax != 1.0/8 {
		t.Errorf("one member: %+v", one)
	}
	unbuffered := NewChan[int]("unbuffered", 0, WithRegistry(r))
	if got := chanNow(t, r, "unbuffered"); got.HasRatio || !got.Bounded {
		t.Errorf("cap 0: ratio %v, bounded %v", got.HasRatio, got.Bounded)
	}
	runtime.KeepAlive(unbuffered)
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
}

// TestMessagesAreAbandonedOnlyWhereThatIsKnown collects channels with a message
// inside.
func TestMessagesAreAbandonedOnlyWhereThatIsKnown(t *testing.T) {
	for _, way := range []struct {
		name                  string
		make                  func(r *Registry)
		abandoned, unverified uint64
	}{
		{"NewChan", func(r *Registry) { NewChan[int]("c", 1, WithRegistry(r)).Send(1) }, 1, 0},
		{"Queue", func(r *Registry) { NewQueue[int]("c", WithRegistry(r)).Send(1) }, 1, 0},
		{"C was handed out", func(r *Registry) {
			c := NewChan[int]("c", 1, WithRegistry(r))
			c.Send(1)
			c.C()
		}, 0, 1},
		{"WrapChan", func(r *Registry) { WrapChan("c", make(chan int, 1), WithRegistry(r)).Send(1) }, 0, 1},
		{"Watch", func(r *Registry) { Watch("c", make(chan int, 1), WithRegistry(r)) <- 1 }, 0, 0},
		{"drained natively, and seen to be", func(r *Registry) {
			c := NewChan[int]("c", 1, WithRegistry(r))
			c.Send(1)
			<-c.C()
			c.Stats()
		}, 0, 0},
	} {
		t.Run(way.name, func(t *testing.T) {
			r := NewRegistry()
			way.make(r)
			afterGC(t, "it is retired", func() bool { return chanNow(t, r, "c").Members == 0 })
			got := chanNow(t, r, "c")
			balance(t, got)
			if got.Abandoned != way.abandoned || got.Unverified != way.unverified {
				t.Errorf("abandoned %d, unverified %d, want %d and %d", got.Abandoned, got.Unverified, way.abandoned, way.unverified)
			}
		})
	}
}
