package instrument

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestUndrained follows a suspect from its beginning to its end.
func TestUndrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var lines []string
		r := NewRegistry(WithLogger(slog.New(handler(func(l slog.Record) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, l.Level.String()+" "+l.Message)
		}))))
		stuck := NewChan[int]("stuck", 4, WithRegistry(r), WithStallAfter(time.Minute))
		slow := NewChan[int]("stuck", 4, WithRegistry(r))
		blocked := NewChan[int]("blocked", 0, WithRegistry(r), WithStallAfter(time.Minute))
		idle := NewChan[int]("idle", 4, WithRegistry(r), WithStallAfter(time.Minute))
		forever = append(forever, stuck, slow, blocked, idle)
		r.Snapshot()
		time.Sleep(10 * time.Second)
		began := time.Now()
		stuck.Send(1)
		slow.Send(1)
		slow.Send(1)
		go blocked.Send(1)
		time.Sleep(50 * time.Second)
		slow.Recv()
		time.Sleep(9 * time.Second)
		if s := r.Snapshot(); len(s.Suspects) != 0 {
			t.Fatalf("too early: %+v", s.Suspects)
		}
		time.Sleep(2 * time.Second)
		s := r.Snapshot()
		if len(s.Suspects) != 2 {
			t.Fatalf("%d suspects, want two: %+v", len(s.Suspects), s.Suspects)
		}
		for i, name := range []string{"blocked", "stuck"} {
			x := s.Suspects[i]
			if x.Name != name || x.Kind != "channel" || x.Reason != "undrained" || x.Evidence != Heuristic || x.Count != 1 ||
				x.Since.Before(began.Add(-time.Second)) || x.Since.After(began.Add(time.Second)) ||
				!strings.HasPrefix(x.Site, "instrument.TestUndrained") {
				t.Errorf("%+v, want %s since %v", x, name, began)
			}
		}
		if c := chanIn(t, s, "stuck"); c.Stalled != 1 || c.Members != 2 {
			t.Errorf("%d of %d stalled, want 1 of 2", c.Stalled, c.Members)
		}
		since := s.Suspects[1].Since
		time.Sleep(time.Minute)
		if s = r.Snapshot(); len(s.Suspects) != 2 || !s.Suspects[1].Since.Equal(since) || s.Suspects[1].Count != 2 {
			t.Errorf("a minute later: %+v", s.Suspects)
		}
		stuck.Recv()
		slow.Recv()
		blocked.Recv()
		if s = r.Snapshot(); len(s.Suspects) != 0 {
			t.Errorf("drained, and still: %+v", s.Suspects)
		}
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(lines)
		want := []string{"INFO weir: leak suspect ended", "INFO weir: leak suspect ended", "WARN weir: leak suspect", "WARN weir: leak suspect"}
		if !slices.Equal(lines, want) {
			t.Errorf("logged %q", lines)
		}
		if n := numberOf(t, s, "weir.leak.suspects.seen", "channel", "undrained", "heuristic"); n != 2 {
			t.Errorf("seen %v, want 2", n)
		}
	})
}

// TestNativeStall sees the stall of channels that it can only look at.
func TestNativeStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := WrapChan("c", make(chan int, 4), WithRegistry(r), WithStallAfter(time.Minute))
		r.Snapshot()
		c.Send(1)
		c.Send(2)
		for range 3 {
			time.Sleep(50 * time.Second)
			if got := chanNow(t, r, "c"); got.Stalled != 0 {
				t.Errorf("stalled after 50 s")
			}
			c.Send(3)
			<-c.C()
		}
		time.Sleep(62 * time.Second)
		if got := chanNow(t, r, "c"); got.Stalled != 1 {
			t.Error("not stalled after a minute")
		}
	})
}

func TestAbandonedIsASuspectForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 4, WithRegistry(r))
		other := NewChan[int]("c", 4, WithRegistry(r)) // keeps the name
		forever = append(forever, c, other)
		c.Send(1)
		c.Send(2)
		c.m.retire() // as the cleanup does
		s := r.Snapshot()
		if len(s.Suspects) != 1 || s.Suspects[0].Reason != "abandoned" || s.Suspects[0].Evidence != Collected || s.Suspects[0].Count != 2 {
			t.Fatalf("%+v", s.Suspects)
		}
		time.Sleep(time.Hour - time.Second)
		if len(r.Snapshot().Suspects) != 1 {
			t.Error("forgotten within the hour")
		}
		time.Sleep(time.Second)
		if s := r.Snapshot(); len(s.Suspects) != 0 || chanIn(t, s, "c").Abandoned != 2 {
			t.Errorf("after the hour: %+v", s.Suspects)
		}
	})
}

// TestFirstMessageAfterALongTimeIsNoStall reads after an hour in which nobody
// read and nothing was sent.
func TestFirstMessageAfterALongTimeIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 4, WithRegistry(r))
		w := WrapChan("w", make(chan int, 4), WithRegistry(r))
		u := NewChan[int]("u", 0, WithRegistry(r))
		r.Snapshot()
		time.Sleep(time.Hour)
		c.Send(1)
		w.Send(1)
		go u.Send(1)
		synctest.Wait()
		if s := r.Snapshot(); len(s.Suspects) != 0 {
			t.Errorf("%+v", s.Suspects)
		}
		u.Recv()
		forever = append(forever, c, w, u)
	})
}

// numberOf returns the value of a metric with exactly these labels.
func numberOf(t *testing.T, s Snapshot, metric string, labels ...string) float64 {
	t.Helper()
	for _, d := range Metrics() {
		if d.Name != metric {
			continue
		}
		for x := range d.Samples(&s) {
			if slices.Equal(x.Labels, labels) {
				return x.Value
			}
		}
	}
	t.Fatalf("no sample of %s%q", metric, labels)
	return 0
}
