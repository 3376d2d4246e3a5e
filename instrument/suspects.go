package instrument

import (
	"cmp"
	"log/slog"
	"slices"
	"time"
)

// abandonedFor is how long messages abandoned in a collected channel stay a
// suspect: they are gone, so nothing but time can end it.
const abandonedFor = time.Hour

// suspectKey is what makes two findings the same suspect.
type suspectKey struct {
	kind, name, reason string
	evidence           Evidence
}

// suspectClass is the labels of weir_leak_suspects_seen_total.
type suspectClass struct {
	kind, reason string
	evidence     Evidence
}

// suspectCount is how many suspicions of a class began, and how many ended.
type suspectCount struct{ seen, ended uint64 }

type classCount struct {
	suspectClass
	suspectCount
}

// suspectLog remembers the suspects of the last reading, to tell which began
// and which ended. Registry.reading guards it.
type suspectLog struct {
	known  map[suspectKey]Suspect
	counts map[suspectClass]*suspectCount
}

// suspectClasses are the suspicions there are; each is counted from the start.
var suspectClasses = []suspectClass{
	{"channel", "undrained", Heuristic},
	{"channel", "growing", Heuristic},
	{"channel", "stranded", Heuristic},
	{"channel", "sender_blocked", Heuristic},
	{"channel", "abandoned", Collected},
	{"semaphore", "acquirer_blocked", Heuristic},
	{"semaphore", "held_too_long", Heuristic},
	{"semaphore", "nothing_released", Heuristic},
	{"semaphore", "rising_floor", Heuristic},
	{"semaphore", "unreleased", Collected},
	{"pool", "running_too_long", Heuristic},
	{"pool", "leaked", Proven},
	{"goroutine", "blocked_send", Heuristic},
	{"goroutine", "blocked_receive", Heuristic},
	{"goroutine", "blocked_select", Heuristic},
	{"goroutine", "leaked", Proven},
}

// maxSuspectSites is how many places are suspects of their own; the rest are one,
// by the name of otherSite: names are labels of series.
const maxSuspectSites = 50

// topSites keeps the suspects that concern most.
func topSites(found []Suspect, limit int) []Suspect {
	slices.SortFunc(found, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Reason, b.Reason))
	})
	if len(found) <= limit {
		return found
	}
	rest := make(map[suspectKey]int)
	top := found[:limit:limit]
	for _, x := range found[limit:] {
		x.Name, x.Site, x.Stack = otherSite, otherSite, ""
		key := suspectKey{x.Kind, x.Name, x.Reason, x.Evidence}
		i, ok := rest[key]
		if !ok {
			rest[key] = len(top)
			top = append(top, x)
			continue
		}
		top[i].Count += x.Count
		if x.Since.Before(top[i].Since) {
			top[i].Since = x.Since
		}
	}
	return top
}

// suspectEvent is a suspicion that began or ended.
type suspectEvent struct {
	Suspect
	ended bool
}

// update takes the suspects of a reading and works out what changed since the last.
func (l *suspectLog) update(found []Suspect) (events []suspectEvent) {
	if l.known == nil {
		l.known = make(map[suspectKey]Suspect)
		l.counts = make(map[suspectClass]*suspectCount)
	}
	current := make(map[suspectKey]Suspect, len(found))
	for i := range found {
		x := &found[i]
		key := suspectKey{x.Kind, x.Name, x.Reason, x.Evidence}
		if before, ok := l.known[key]; ok {
			x.Since = before.Since
		} else {
			l.count(key).seen++
			events = append(events, suspectEvent{Suspect: *x})
		}
		current[key] = *x
	}
	for key, x := range l.known {
		if _, ok := current[key]; !ok {
			l.count(key).ended++
			events = append(events, suspectEvent{Suspect: x, ended: true})
		}
	}
	l.known = current
	return events
}

// logSuspects writes what changed, outside every lock of ours: the handler is
// the user's, and may read the registry.
func (r *Registry) logSuspects(events []suspectEvent) {
	for i := range events {
		r.logSuspect(&events[i])
	}
}

func (r *Registry) logSuspect(x *suspectEvent) {
	if x.ended {
		r.tell(slog.LevelInfo, "weir: leak suspect ended", x.attrs()...)
	} else {
		r.tell(slog.LevelWarn, "weir: leak suspect", x.attrs()...)
	}
}

func (x *Suspect) attrs() []any {
	return []any{
		slog.String("kind", x.Kind), slog.String("name", x.Name), slog.String("reason", x.Reason),
		slog.String("evidence", string(x.Evidence)), slog.Uint64("count", x.Count),
		slog.Time("since", x.Since), slog.String("site", x.Site), slog.String("stack", x.Stack),
	}
}

func (l *suspectLog) count(k suspectKey) *suspectCount {
	c := suspectClass{k.kind, k.reason, k.evidence}
	if l.counts[c] == nil {
		l.counts[c] = new(suspectCount)
	}
	return l.counts[c]
}

func (l *suspectLog) classes() []classCount {
	out := make([]classCount, len(suspectClasses))
	for i, c := range suspectClasses {
		out[i].suspectClass = c
		if n := l.counts[c]; n != nil {
			out[i].suspectCount = *n
		}
	}
	return out
}

// findSuspects lists what a reading shows to be leaked or stuck.
func findSuspects(s *Snapshot, t int64) []Suspect {
	var found []Suspect
	add := func(kind string, i *Info, reason string, e Evidence, at int64, n uint64, site string) {
		found = append(found, Suspect{Kind: kind, Name: i.Name, Reason: reason, Evidence: e,
			Since: wallTime(at, t, s.Time), Count: n, Site: cmp.Or(site, i.Site)})
	}
	for i := range s.Channels {
		c := &s.Channels[i]
		if n := c.Stalled - c.Stranded; n > 0 {
			add("channel", &c.Info, "undrained", Heuristic, c.stalledSince, uint64(n), "")
		}
		if c.Stranded > 0 {
			add("channel", &c.Info, "stranded", Heuristic, c.strandedSince, uint64(c.Stranded), "")
		}
		if c.growing > 0 {
			add("channel", &c.Info, "growing", Heuristic, c.growingSince, uint64(c.growing), "")
		}
		if c.passedSenders > 0 {
			add("channel", &c.Info, "sender_blocked", Heuristic, c.passedSince, uint64(c.passedSenders), "")
		}
		if c.lost > 0 && since(t, c.lostAt) < abandonedFor {
			add("channel", &c.Info, "abandoned", Collected, c.lostAt, c.lost, "")
		}
	}
	for i := range s.Semaphores {
		c := &s.Semaphores[i]
		if c.HeldTooLong > 0 {
			add("semaphore", &c.Info, "held_too_long", Heuristic, t-int64(c.OldestPermit), uint64(c.HeldTooLong), c.oldestPermitSite)
		}
		found := func(reason string, e Evidence, f finding, site string) {
			if f.permits > 0 {
				add("semaphore", &c.Info, reason, e, f.since, uint64(f.permits), site)
			}
		}
		found("acquirer_blocked", Heuristic, c.blocked, "")
		found("nothing_released", Heuristic, c.still, "")
		found("rising_floor", Heuristic, c.rising, "")
		found("unreleased", Collected, c.missing, worstSite(c.Leaked))
	}
	for i := range s.Pools {
		p := &s.Pools[i]
		if p.TasksOverLimit > 0 {
			add("pool", &p.Info, "running_too_long", Heuristic, t-int64(p.OldestTask), uint64(p.TasksOverLimit), p.OldestTaskSite)
		}
	}
	return found
}

func worstSite(sites []LeakSite) string {
	if len(sites) == 0 {
		return ""
	}
	return slices.MaxFunc(sites, func(a, b LeakSite) int { return cmp.Compare(a.Permits, b.Permits) }).Site
}
