package live

import (
	"cmp"
	"slices"
)

// kinds are in the order that objects stand in.
var kinds = []string{"channel", "semaphore", "pool"}

// Apply brings s, which came with an event "snapshot" and the updates since, up to
// date with the update after it.
func (s *Snapshot) Apply(update Snapshot) {
	passed := min(update.Slot-s.Slot, SlotCount+1) // nothing of before is left then
	changed := make(map[key]*Object, len(update.Objects))
	for i := range update.Objects {
		o := &update.Objects[i]
		changed[key{o.Kind, o.Name}] = o
	}
	for i := range s.Objects {
		o := &s.Objects[i]
		x := changed[key{o.Kind, o.Name}]
		if x != nil {
			delete(changed, key{o.Kind, o.Name})
			if x.Made == nil {
				x.Made = o.Made
			}
			x.History = o.History
			*o = *x
		}
		o.advance(passed)
	}
	for i := range update.Objects { // those that are new, in their order
		o := update.Objects[i]
		if changed[key{o.Kind, o.Name}] == nil {
			continue
		}
		o.advance(1)
		s.Objects = append(s.Objects, o)
	}
	slices.SortFunc(s.Objects, func(a, b Object) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Name, b.Name))
	})
	s.Version, s.Time, s.Slot, s.Totals = update.Version, update.Time, update.Slot, update.Totals
	s.Notes, s.Suspects = update.Notes, update.Suspects
}

// advance moves the history on by the slots that have passed, the last of which has
// what is there now.
func (o *Object) advance(passed int64) {
	if o.History == nil {
		o.History = new(History)
	}
	h, detailed := o.History, len(o.History.In) > 0
	for _, x := range []struct {
		values *[]Number
		now    Number
		always bool
	}{
		{&h.Level, o.Level, true}, {&h.Floor, o.Floor, true}, {&h.Peak, o.Peak, true},
		{&h.In, o.In, false}, {&h.Out, o.Out, false}, {&h.Refused, o.Refused, false},
		{&h.WaitP50, o.WaitP50, false}, {&h.WaitP99, o.WaitP99, false}, {&h.Oldest, o.Oldest, false},
	} {
		if x.always || detailed {
			*x.values = advanced(*x.values, passed, x.now)
		}
	}
}

// advanced returns values that passed so many slots, and end with now.
func advanced(values []Number, passed int64, now Number) []Number {
	if passed == 0 && len(values) > 0 {
		values = values[:len(values)-1]
	}
	for ; passed > 1 && len(values) > 0; passed-- {
		values = append(values, None) // nobody looked
	}
	values = append(values, now)
	values = values[max(len(values)-SlotCount, 0):]
	for !values[0].Known() && len(values) > 1 {
		values = values[1:]
	}
	return values
}
