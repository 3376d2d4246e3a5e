package live

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-go/weir/instrument"
)

// key tells objects apart.
type key struct{ kind, name string }

// entry is one object, from reading to reading.
type entry struct {
	key
	made     Made
	now      Now
	trouble  Trouble
	warnings []string
	past     past
	json     texts

	renewed bool // made is other than at the reading before
	changed bool // or now or the words are
}

// moved reports whether made is to be worked out: something was made under the name
// for the first time, or at one more place.
func (e *entry) moved(i *instrument.Info) bool {
	e.renewed = e.made.Sites == nil || len(i.Sites) != len(e.made.Sites) || !i.Start.Equal(e.made.Start)
	if e.renewed {
		e.json.made = nil
	}
	return e.renewed
}

// moment is when a reading was made.
type moment struct {
	at   time.Time
	slot int64
}

// seen is what a reading found of an object: what is its kind's own stands in Now
// already, the rest follows from what was there before.
type seen struct {
	Now
	counters
	waits, other              instrument.Histogram
	hasIn, hasOut, hasRefused bool
	sampled                   bool // nobody but us keeps a peak and a floor
}

// see takes a reading into account, and returns what there is to go by for the
// words that go with it, those of its suspects first.
func (e *entry) see(m moment, s seen, suspects map[key][]string) remarks {
	p, now := &e.past, s.Now
	p.rotate(m.slot, s.waits, s.other)
	p.note(m, now.Level, s.counters)
	now.In, now.Out, now.Refused = None, None, None
	now.InTotal, now.OutTotal, now.RefusedTotal = s.in, s.out, s.refused()
	if before := p.recent(m.at); before != nil {
		seconds := m.at.Sub(before.at).Seconds()
		rate := func(has bool, now, before uint64) Number {
			return some(has, float64(now-min(before, now))/seconds)
		}
		now.In, now.Out = rate(s.hasIn, s.in, before.in), rate(s.hasOut, s.out, before.out)
		now.Refused = rate(s.hasRefused, s.refused(), before.refused())
	}
	waited := p.waited(s.waits)
	n := waited.count()
	now.WaitP50, now.WaitP99 = waited.quantile(0.5, n), waited.quantile(0.99, n)
	if s.sampled {
		now.Peak, now.Floor = p.extremes()
	}
	x := p.at(m.slot)
	x.level, x.floor, x.peak = now.Level, now.Floor, now.Peak
	x.in, x.out, x.refused = float32(now.In), float32(now.Out), float32(now.Refused)
	x.waitP50, x.waitP99, x.oldest = float32(now.WaitP50), float32(now.WaitP99), float32(now.Oldest)
	e.changed = e.renewed || now != e.now
	e.now = now
	return e.remark(m, s.counters, suspects[e.key])
}

// conclude takes over what there was to say.
func (e *entry) conclude(r remarks) {
	if r.trouble == e.trouble && e.warnings != nil && slices.Equal(r.lines, e.warnings) {
		return
	}
	e.changed, e.json.warnings = true, nil
	e.trouble, e.warnings = r.trouble, r.lines
}

// some is a Number where there is one.
func some[N int64 | uint64 | float64](has bool, n N) Number {
	if !has {
		return None
	}
	return Number(n)
}

func seconds(has bool, d time.Duration) Number { return some(has, d.Seconds()) }

func madeOf(i *instrument.Info) Made {
	return Made{Site: i.Site, Sites: i.Sites, Elem: i.Elem, Owner: i.Owner, Bounded: i.Bounded, Start: i.Start, Options: []string{}, After: None}
}

// option adds an option as it stands in the code, where it was given.
func (m *Made) option(given bool, name string, args ...any) {
	if !given {
		return
	}
	call := name + "("
	if len(args) > 0 {
		call += fmt.Sprint(args...)
	}
	m.Options = append(m.Options, call+")")
}

func timesOf(name string, s span) Times {
	n := s.count()
	return Times{Name: name, Count: n, P50: s.quantile(0.5, n), P90: s.quantile(0.9, n), P99: s.quantile(0.99, n), Max: s.quantile(1, n)}
}
