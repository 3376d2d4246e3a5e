package instrument

import (
	"reflect"
	"sync/atomic"
	"time"
)

// emptySeriesTTL is how long a name without members keeps its slot under the
// cap, and its counters.
const emptySeriesTTL = time.Hour

// series is what the series of every kind have: who stands under the name.
type series struct {
	name    string
	elem    string
	owner   string
	bounded bool
	sites   siteList
	start   time.Time // by the wall clock, once: it must not move with later corrections

	members atomic.Int64
	emptyAt atomic.Int64 // when a member last left
}

// describe sets what the first member says of the name.
func (s *series) describe(cfg commonConfig, elem reflect.Type, bounded bool) {
	s.owner, s.bounded, s.start = cfg.owner, bounded, time.Now()
	if elem != nil {
		s.elem = truncate(elem.String(), maxNameBytes)
	}
}

func (s *series) base() *series { return s }

// leave notes that a member is gone. The time is there before the name is empty:
// a reader must not find it empty since the last time.
func (s *series) leave() {
	s.emptyAt.Store(now())
	s.members.Add(-1)
}

// expired reports whether the name may be forgotten. The caller holds the lock
// under which members join.
func (s *series) expired(t int64) bool {
	return s.members.Load() == 0 && since(t, s.emptyAt.Load()) >= emptySeriesTTL
}

func (s *series) info() Info {
	i := Info{Name: s.name, Sites: s.sites.strings(), Elem: s.elem, Owner: s.owner, Bounded: s.bounded, Start: s.start}
	if len(i.Sites) > 0 {
		i.Site = i.Sites[0]
	}
	return i
}

// conflicts reports whether a member differs from the first one in what all
// kinds can be told.
func (s *series) conflicts(cfg commonConfig, bounded bool) bool {
	return (cfg.owner != "" && cfg.owner != s.owner) || bounded != s.bounded
}
