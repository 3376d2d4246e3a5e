package instrumenttest

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

// quiet is a registry whose suspects are made on purpose.
func quiet() *instrument.Registry {
	return instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
}

// hostileNames are those that could break an exposition.
func (s suite) hostileNames(t *testing.T) {
	r := quiet()
	for _, name := range []string{`qu"ote`, "new\nline", "bad\xff\xfeutf8", `back\slash`, "nul\x00", `{le="1"} 7`, strings.Repeat("x", 4096), "\u2028", "_overflow", "ü"} {
		c := instrument.NewChan[int](name, 1, instrument.WithRegistry(r), instrument.WithOwner(name))
		c.Send(1)
		forever = append(forever, c)
	}
	got := read(t, s.open(r))
	compare(t, got, truth(r))
	if names := got.names("weir_channel_depth"); len(names) != 10 {
		t.Errorf("depths of %q, want ten", names)
	}
}

// overflow makes more names than a registry takes.
func (s suite) overflow(t *testing.T) {
	const most = 3
	r := instrument.NewRegistry(instrument.WithMaxNames(most))
	var made []*instrument.Chan[int]
	for i := range 10 {
		c := instrument.NewChan[int](fmt.Sprint(i), 1, instrument.WithRegistry(r))
		c.Send(i)
		made = append(made, c)
	}
	got := read(t, s.open(r))
	if names := got.names("weir_channel_depth"); !slices.Equal(names, []string{"0", "1", "2", "_overflow"}) {
		t.Errorf("names %q", names)
	}
	if depth := got.value(t, "weir_channel_depth", "name", "_overflow"); depth != 10-most {
		t.Errorf("depth of _overflow %v, want %d", depth, 10-most)
	}
	if n := got.value(t, "weir_series_overflow_total"); n != 10-most {
		t.Errorf("weir_series_overflow_total %v, want %d", n, 10-most)
	}
	for _, c := range made {
		c.Close()
	}
}

// concurrent exports from several sides while members come and go.
func (s suite) concurrent(t *testing.T) {
	const goroutines, members, names = 4, 200, 7
	r := quiet()
	export := s.open(r)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range members {
				c := instrument.NewChan[int](fmt.Sprint("name", i%names), 4, instrument.WithRegistry(r))
				c.Send(i)
				if g%2 == 0 && i%4 == 0 {
					if _, err := export(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	got, total := read(t, export), 0.0
	for i := range names {
		total += got.value(t, "weir_channel_created_total", "name", fmt.Sprint("name", i))
	}
	if total != goroutines*members {
		t.Errorf("created_total sums to %v, want %d", total, goroutines*members)
	}
}

// callbacks has callbacks of the user's panic, and one that never returns, while
// something is read: everything else is exported, and the faults are counted.
func (s suite) callbacks(t *testing.T) {
	r := instrument.NewRegistry(instrument.WithLogger(slog.New(panicking{})))
	newFixture(t, r)
	pool, never := new(int), make(chan struct{})
	t.Cleanup(func() { close(never) })
	instrument.WatchPool("panics", pool, func(*int) instrument.PoolNumbers { panic("the callback panics") }, instrument.WithRegistry(r))
	instrument.WatchPool("answers", pool, func(*int) instrument.PoolNumbers { return instrument.PoolNumbers{Busy: 7} }, instrument.WithRegistry(r))
	instrument.WatchPool("hangs", pool, func(*int) instrument.PoolNumbers { <-never; return instrument.PoolNumbers{} }, instrument.WithRegistry(r))
	forever = append(forever, pool)
	export := s.open(r)
	start := time.Now()
	got := read(t, export)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("a callback that hangs holds up the export for %v", took)
	}
	r.Snapshot() // faults of logging are in the reading after
	compare(t, read(t, export), truth(r))
	if n := got.value(t, "weir_pool_workers_busy", "name", "answers"); n != 7 {
		t.Errorf("%v workers are busy, want 7", n)
	}
	if depth := got.value(t, "weir_channel_depth", "name", "inbox"); depth != 1 {
		t.Errorf("depth %v, want 1", depth)
	}
	if n := got.value(t, "weir_collect_faults_total"); n < 2 {
		t.Errorf("%v faults are counted, want at least two", n)
	}
	time.Sleep(10 * time.Second)
	start = time.Now()
	if later := read(t, export).value(t, "weir_collect_faults_total"); later <= got.value(t, "weir_collect_faults_total") || time.Since(start) > time.Second {
		t.Errorf("%v faults after ten seconds, in a reading of %v", later, time.Since(start))
	}
}
