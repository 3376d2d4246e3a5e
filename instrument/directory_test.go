package instrument

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNamesAreCapped(t *testing.T) {
	r := NewRegistry(WithMaxNames(3))
	var kept []*Chan[int]
	for i := range 5 {
		for range 2 {
			c := NewChan[int](fmt.Sprint("c", i), 1, WithRegistry(r))
			c.Send(1)
			kept = append(kept, c)
		}
	}
	s := r.Snapshot()
	if len(s.Channels) != 4 || s.Self.SeriesOverflow != 4 {
		t.Errorf("%d series, %d overflowed", len(s.Channels), s.Self.SeriesOverflow)
	}
	if got := chanIn(t, s, overflowName); got.Members != 4 || got.Sent != 4 {
		t.Errorf("%s: %d members, %d sent", overflowName, got.Members, got.Sent)
	}
	if got := chanIn(t, s, "c2"); got.Members != 2 {
		t.Errorf("a name under the cap: %d members", got.Members)
	}
	runtime.KeepAlive(kept)
}

// forever keeps objects whose end a test plays itself: cleanups run outside of
// every bubble, by another clock.
var forever []any

func TestNamesAreForgottenAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(WithMaxNames(1))
		make := func(name string) *Chan[int] {
			c := NewChan[int](name, 1, WithRegistry(r))
			forever = append(forever, c)
			return c
		}
		a := make("a")
		a.Send(1)
		make("b") // overflows, and stays
		a.m.retire()
		time.Sleep(time.Hour - time.Second)
		if got := chanNow(t, r, "a"); got.Members != 0 || got.Sent != 1 {
			t.Errorf("within the hour: %d members, %d sent", got.Members, got.Sent)
		}
		make("c")
		if got := chanNow(t, r, overflowName); got.Members != 2 {
			t.Errorf("%d members overflowed, want 2", got.Members)
		}
		time.Sleep(time.Second)
		d := make("d")
		s := r.Snapshot()
		if len(s.Channels) != 2 || chanIn(t, s, "d").Members != 1 {
			t.Errorf("the slot is not free: %+v", s.Channels)
		}
		d.m.retire()
		time.Sleep(30 * time.Minute)
		make("d") // in time: the counters stay
		time.Sleep(2 * time.Hour)
		if got := chanNow(t, r, "d"); got.Created != 2 {
			t.Errorf("created %d, want 2", got.Created)
		}
	})
}

// At the cap each constructor of a further name would walk over all names.
func TestNamesAreTidiedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(WithMaxNames(1))
		overflows := func(name string) bool {
			before := r.overflow.Load()
			c := NewChan[int](name, 1, WithRegistry(r))
			forever = append(forever, c)
			if r.overflow.Load() != before {
				return true
			}
			c.m.retire()
			return false
		}
		overflows("a")
		time.Sleep(emptySeriesTTL - tidyEvery/2)
		early := overflows("b")
		time.Sleep(tidyEvery / 2)
		again := overflows("c") // the hour is over, but somebody has just looked
		time.Sleep(tidyEvery / 2)
		if late := overflows("d"); !early || !again || late {
			t.Errorf("overflows half a second before the hour: %t, at the hour: %t, half a second later: %t", early, again, late)
		}
	})
}

func TestDirectoryConcurrent(t *testing.T) {
	atProcs(t, func(t *testing.T) {
		r := NewRegistry(WithMaxNames(10))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for i := range 400 {
					NewChan[int](fmt.Sprint("c", i%20), 1, WithRegistry(r)).Send(1)
				}
			})
		}
		all.Wait()
		s := r.Snapshot()
		var created, sent uint64
		for _, c := range s.Channels {
			created += c.Created
			sent += c.Sent
		}
		if len(s.Channels) != 11 || created != 3200 || sent != 3200 {
			t.Errorf("%d series, %d created, %d sent", len(s.Channels), created, sent)
		}
	})
}
