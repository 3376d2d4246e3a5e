package instrument

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
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
		for _, metric := range []string{"weir.leak.suspects.seen", "weir.leak.suspects.ended"} {
			if n := numberOf(t, s, metric, "channel", "undrained", "heuristic"); n != 2 {
				t.Errorf("%s %v, want 2", metric, n)
			}
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

// TestGrowing replays the incident: a queue that everybody believes bounded, filled
// a little faster than it is drained. It is never stalled. The windows begin at any
// time of its life.
func TestGrowing(t *testing.T) {
	for name, c := range map[string]struct {
		surplus int // messages a second that nobody receives
		limit   int // permits that bound them; 0 is no limit
		want    bool
	}{
		"leaky":               {surplus: 30, want: true},
		"fixed":               {surplus: 150, limit: 1024},
		"as fast as received": {},
	} {
		t.Run(name, func(t *testing.T) {
			for phase := range 10 {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Duration(phase) * windowLength / 10)
					x, after := playIncident(c.surplus, c.limit)
					switch {
					case (x.Count > 0) != c.want || after > 2*time.Minute+2*time.Second:
						t.Errorf("phase %d: after %v %+v", phase, after, x)
					case c.want && (x.Name != "player-moves" || x.Reason != "growing" || x.Evidence != Heuristic || !strings.HasPrefix(x.Site, "instrument.playIncident ")):
						t.Errorf("suspected: %+v", x)
					}
				})
			}
		})
	}
}

// playIncident plays until there is a suspect, or for ten minutes without.
func playIncident(surplus, limit int) (x Suspect, after time.Duration) {
	r := NewRegistry()
	q := NewQueue[int]("player-moves", WithRegistry(r), WithStallAfter(15*time.Second))
	began := time.Now()
	for second := range 600 {
		for range 100 + surplus {
			if limit == 0 || q.Len() < limit {
				q.Send(second)
			}
		}
		for range 100 {
			q.TryRecv()
		}
		time.Sleep(time.Second)
		if s := r.Snapshot(); len(s.Suspects) > 0 {
			return s.Suspects[0], time.Since(began)
		}
	}
	return x, 0
}

// TestStranded leaves messages in a closed channel.
func TestStranded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietRegistry()
		c := NewChan[int]("stranded", 4, WithRegistry(r), WithStallAfter(time.Minute))
		r.Snapshot()
		c.Send(1)
		c.Close()
		time.Sleep(62 * time.Second)
		s := r.Snapshot()
		if len(s.Suspects) != 1 || s.Suspects[0].Reason != "stranded" || s.Suspects[0].Count != 1 || s.Channels[0].Stalled != 1 {
			t.Errorf("%+v, %d stalled", s.Suspects, s.Channels[0].Stalled)
		}
		c.Recv()
		if s := r.Snapshot(); len(s.Suspects) != 0 {
			t.Errorf("drained, and still %+v", s.Suspects)
		}
	})
}

// TestSenderBlocked has senders come faster than a channel takes their messages. The
// same number of them at once, as of goroutines that hand their results to one, is
// worked off, however long the last of them waits.
func TestSenderBlocked(t *testing.T) {
	for name, c := range map[string]struct {
		atOnce, after int
		want          []string
	}{
		"ever more":                        {2, 2, []string{"sender_blocked"}},
		"at once":                          {40, 0, nil},
		"one more for each that is let in": {20, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRegistry()
				ch := NewChan[int]("slow", 0, WithRegistry(r), WithStallAfter(time.Minute))
				come := func(n int) {
					for range n {
						go ch.Send(1)
					}
				}
				r.Snapshot()
				come(c.atOnce)
				seen := make(map[string]bool)
				for range 20 {
					time.Sleep(20 * time.Second)
					for _, x := range r.Snapshot().Suspects {
						seen[x.Reason] = true
						if x.Kind != "channel" || x.Count != 1 || time.Since(x.Since) < time.Minute || !strings.HasPrefix(x.Site, "instrument.TestSenderBlocked") {
							t.Errorf("%+v", x)
						}
					}
					ch.Recv()
					come(c.after)
				}
				if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, c.want) {
					t.Errorf("suspected: %q, want %q", got, c.want)
				}
				for r.Snapshot().Channels[0].BlockedSenders > 0 {
					ch.Recv()
					synctest.Wait()
				}
				if s := r.Snapshot(); len(s.Suspects) != 0 {
					t.Errorf("all were let in, and still %+v", s.Suspects)
				}
			})
		})
	}
}

// TestAbandonedIsWhatNobodyCameFor: messages whose receiver came, and left for a
// reason, are counted but no suspect.
func TestAbandonedIsWhatNobodyCameFor(t *testing.T) {
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		leave func(r *Registry) (any, *chanMember)
		want  uint64 // suspected
	}{
		"nobody came": {func(r *Registry) (any, *chanMember) {
			c := NewChan[int]("c", 4, WithRegistry(r))
			c.Send(1)
			c.Send(2)
			return c, c.m
		}, 2},
		"nobody came to a queue": {func(r *Registry) (any, *chanMember) {
			q := NewQueue[int]("c", WithRegistry(r))
			q.Send(1)
			return q, q.m
		}, 1},
		"the first answer was enough": {func(r *Registry) (any, *chanMember) {
			c := NewChan[int]("c", 3, WithRegistry(r))
			for range 3 {
				c.Send(1)
			}
			c.Recv()
			return c, c.m
		}, 0},
		"a reply that came too late": {func(r *Registry) (any, *chanMember) {
			c := NewChan[int]("c", 1, WithRegistry(r))
			_, _ = c.RecvContext(late)
			c.Send(1)
			return c, c.m
		}, 0},
		"one asked for before it came": {func(r *Registry) (any, *chanMember) {
			c := NewChan[int]("c", 1, WithRegistry(r))
			c.TryRecv()
			c.Send(1)
			return c, c.m
		}, 0},
		"a queue asked before it came": {func(r *Registry) (any, *chanMember) {
			q := NewQueue[int]("c", WithRegistry(r))
			_, _ = q.RecvContext(late)
			q.Send(1)
			return q, q.m
		}, 0},
		"a wake-up": {func(r *Registry) (any, *chanMember) {
			c := NewChan[struct{}]("c", 1, WithRegistry(r))
			c.TrySend(struct{}{})
			return c, c.m
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewRegistry()
			keep := NewChan[int]("c", 1, WithRegistry(r)) // the name
			left, m := c.leave(r)
			forever = append(forever, left)
			m.retire() // as the cleanup does
			s := r.Snapshot()
			if got := suspectIn(s, "abandoned").Count; got != c.want {
				t.Errorf("%d messages are suspected, want %d", got, c.want)
			}
			if got := chanIn(t, s, "c"); got.Abandoned == 0 {
				t.Error("none is counted")
			}
			runtime.KeepAlive(keep)
		})
	}
}
