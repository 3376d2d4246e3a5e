package live

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

// TestWords drives each kind of object into what there is a sentence for, and holds
// the sentence. Readings are a second apart.
func TestWords(t *testing.T) {
	tests := map[string]struct {
		run  func(instrument.Option, func(seconds int)) []any
		want []string
		as   Trouble
	}{
		"nothing to say": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 8, with)
			for range 90 {
				c.Send(1)
				look(1)
				c.Recv()
			}
			return []any{c}
		}, []string{}, Fine},
		"an unbounded queue that grows": {func(with instrument.Option, look func(int)) []any {
			q := instrument.NewQueue[string]("x", with.(instrument.ChanOption), instrument.WithBytes(func(s string) int { return len(s) }))
			for range 60 {
				for range 100 {
					q.Send(strings.Repeat("x", 1000))
				}
				look(1)
			}
			return []any{q}
		}, []string{"unbounded, grew 100 kB/s (100 messages/s) for 45 s, made at live.TestWords.func2 words_test.go:32"}, Warned},
		"a channel that fills up": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 1000, with)
			for range 60 {
				for range 10 {
					c.Send(1)
				}
				look(1)
			}
			return []any{c}
		}, []string{"grew 10 messages/s for 45 s: full in about 40 s"}, Warned},
		"full for a part of the time": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 1, with)
			for range 6 {
				c.Send(1)
				go c.Send(1) // one that waits makes it exact
				look(4)
				c.Recv()
				c.Recv()
				look(6)
			}
			return []any{c}
		}, []string{"was full 40% of the last minute: its capacity is 1, made at live.TestWords.func4 words_test.go:52"}, Warned},
		"a queue that stands": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 10, with)
			for range 9 {
				c.Send(1)
			}
			look(70)
			return []any{c}
		}, []string{"stands: it was never less than 90% full in the last 30 to 60 s"}, Warned},
		"senders that wait, give up and find no room": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 0, with)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			look(1)
			_ = c.SendContext(ctx, 1)
			c.TrySend(1)
			c.TrySend(1)
			go c.Send(1)
			look(30)
			defer c.Recv()
			return []any{c}
		}, []string{"1 sender waits, the first for 30 s", "2 sends found no room in the last 31 s", "1 sender gave up in the last 31 s"}, Warned},
		"a send on a closed channel": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 1, with)
			look(1)
			c.Close()
			func() {
				defer func() { _ = recover() }()
				c.Send(1)
			}()
			look(50)
			return []any{c}
		}, []string{"1 send hit the closed channel, and panicked in the last 51 s"}, Warned},
		"waits over their target": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 8, with.(instrument.ChanOption), instrument.WithWaitTarget(time.Second))
			for i := range 20 {
				c.Send(1)
				if i%4 == 0 {
					look(2)
				}
				c.Recv()
			}
			look(2)
			return []any{c}
		}, []string{"25% of the messages waited for longer than their target of 1s in the last 12 s"}, Warned},
		"a suspect": {func(with instrument.Option, look func(int)) []any {
			c := instrument.NewChan[int]("x", 8, with.(instrument.ChanOption), instrument.WithStallAfter(10*time.Second))
			c.Send(1)
			look(20)
			return []any{c}
		}, []string{"holds messages, and nothing is received"}, Suspected},
		"permits that are all taken": {func(with instrument.Option, look func(int)) []any {
			s := instrument.NewSemaphore("x", 2, with)
			s.TryAcquire(2)
			s.TryAcquire(1)
			ctx, cancel := context.WithCancel(context.Background())
			for range 2 {
				go func() { _ = s.Acquire(ctx, 1) }()
			}
			look(70)
			go cancel()
			return []any{s}
		}, []string{"no permit was free in the last 30 to 60 s", "2 wait for permits, the first for 70 s"}, Warned},
		"acquires in vain": {func(with instrument.Option, look func(int)) []any {
			s := instrument.NewSemaphore("x", 2, with)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			look(1)
			_ = s.Acquire(ctx, 3)
			s.TryAcquire(3)
			look(30)
			return []any{s}
		}, []string{"1 acquire found no permit in the last 31 s", "1 acquire gave up waiting in the last 31 s"}, Noted},
		"a pool that has too much to do": {func(with instrument.Option, look func(int)) []any {
			p := instrument.NewPool("x", 2, 3, with)
			end := make(chan struct{})
			for range 6 {
				_ = p.TrySubmit(func() { <-end })
				synctest.Wait()
			}
			look(70)
			defer func() { close(end); _ = p.Shutdown(context.Background()) }()
			return []any{p}
		}, []string{"all 2 workers were busy for the whole last minute, and 3 tasks wait", "its queue of 3 is full"}, Warned},
		"tasks that fail": {func(with instrument.Option, look func(int)) []any {
			p := instrument.NewPool("x", 1, 0, with.(instrument.PoolOption), instrument.WithPanicHandler(func(any, []byte) {}))
			synctest.Wait()
			look(1)
			_ = p.Submit(context.Background(), func() { time.Sleep(10 * time.Second); panic("contained") })
			_ = p.TrySubmit(func() {})
			look(20)
			defer func() { _ = p.Shutdown(context.Background()) }()
			return []any{p}
		}, []string{"1 task found no room in the last 21 s", "1 task panicked in the last 21 s"}, Warned},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRegistry()
				h := newHub(r)
				var last Object
				forever = append(forever, tt.run(instrument.WithRegistry(r), func(seconds int) {
					for range seconds {
						synctest.Wait()
						last = find(t, look(t, h), "x")
						time.Sleep(time.Second)
					}
					synctest.Wait()
					last = find(t, look(t, h), "x")
				}))
				if !slices.Equal(last.Warnings, tt.want) || last.Trouble != tt.as {
					t.Errorf("trouble %d: %q\nwant %d: %q", last.Trouble, last.Warnings, tt.as, tt.want)
				}
			})
		})
	}
}

// TestBeatIsNotGrowth has a queue that fills and drains once in nearly a second, so
// that readings a second apart see it at a phase that moves slowly.
func TestBeatIsNotGrowth(t *testing.T) {
	for _, period := range []time.Duration{990, 1001, 1050} {
		synctest.Test(t, func(t *testing.T) {
			r := newRegistry()
			h := newHub(r)
			q := instrument.NewQueue[int]("x", instrument.WithRegistry(r))
			forever = append(forever, q)
			begun, lookedAt := time.Now(), time.Now()
			for time.Since(begun) < 7*time.Minute {
				for range 20 {
					for range 10 {
						q.Send(1)
					}
					time.Sleep(period * time.Millisecond / 20)
					if time.Since(lookedAt) < time.Second {
						continue
					}
					lookedAt = time.Now()
					if o := find(t, look(t, h), "x"); len(o.Warnings) > 0 && time.Since(begun) > 2*time.Minute {
						t.Fatalf("period %v ms, after %v: %q", int(period), time.Since(begun), o.Warnings)
					}
				}
				for q.Len() > 0 {
					q.Recv()
				}
			}
		})
	}
}

// TestEveryReasonHasWords: whatever instrument suspects is explained.
func TestEveryReasonHasWords(t *testing.T) {
	s := newRegistry().Snapshot()
	classes := 0
	for _, d := range instrument.Metrics() {
		if d.Name != "weir.leak.suspects.seen" {
			continue
		}
		for x := range d.Samples(&s) {
			classes++
			kind, reason := x.Labels[0], x.Labels[1]
			if r := reasons[kind+" "+reason]; r.what == "" || r.advice == "" {
				t.Errorf("a %s that is suspected as %s has no words", kind, reason)
			}
		}
	}
	if classes == 0 || classes != len(reasons) {
		t.Errorf("%d reasons have words, and there are %d", len(reasons), classes)
	}
}

func TestNumbersInWords(t *testing.T) {
	for got, want := range map[string]string{
		count(0): "0", count(999): "999", count(1024): "1,024", count(1234567): "1,234,567",
		rough(0.345): "0.34", rough(4.24): "4.2", rough(1299.6): "1,300",
		size(12): "12 B", size(1.24e6): "1.2 MB", size(999600): "1.0 MB", size(2e12): "2.0 TB",
		ages(1500 * time.Millisecond): "1.5 s", ages(90 * time.Second): "90 s", ages(3 * time.Minute): "3 min", ages(26 * time.Hour): "26 h",
		plural(1, "thing", "things"): "1 thing", plural(2000, "thing", "things"): "2,000 things",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
