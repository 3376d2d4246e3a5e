package instrument

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// directory is the series of one kind by name, at most limit of them and one
// more for what comes after.
type directory[S interface{ base() *series }] struct {
	mu     sync.Mutex
	byName map[string]S
	tidied int64 // when a constructor last looked for names to forget
}

// tidyEvery is how often constructors do. A program that gives each connection a
// name of its own has nothing to gain from more, and each look takes several times
// what the rest of a constructor does.
const tidyEvery = time.Second

// join returns the series of a name, with one more member, and makes it where
// there is none. The caller calls series.leave when the member is gone.
func (d *directory[S]) join(r *Registry, name string, create func() S) S {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.byName[name]
	if !ok && d.used() >= r.maxNames {
		d.tidy(now())
		if d.used() >= r.maxNames {
			r.overflow.Add(1)
			name = overflowName
			s, ok = d.byName[name]
		}
	}
	if !ok {
		s = create()
		s.base().name = name
		if d.byName == nil {
			d.byName = make(map[string]S)
		}
		d.byName[name] = s
	}
	s.base().members.Add(1)
	return s
}

// used returns how many names count under the cap.
func (d *directory[S]) used() int {
	n := len(d.byName)
	if _, ok := d.byName[overflowName]; ok {
		n--
	}
	return n
}

// tidy is forget where a constructor found no place for a name.
func (d *directory[S]) tidy(t int64) {
	if apart(t, d.tidied) >= tidyEvery {
		d.tidied = t
		d.forget(t)
	}
}

// forget drops the names that had no member for an hour.
func (d *directory[S]) forget(t int64) {
	for name, s := range d.byName {
		if s.base().expired(t) {
			delete(d.byName, name)
		}
	}
}

// list returns the series by name, without those that have expired.
func (d *directory[S]) list(t int64) []S {
	d.mu.Lock()
	d.forget(t)
	all := make([]S, 0, len(d.byName))
	for _, s := range d.byName {
		all = append(all, s)
	}
	d.mu.Unlock()
	slices.SortFunc(all, func(a, b S) int { return cmp.Compare(a.base().name, b.base().name) })
	return all
}
