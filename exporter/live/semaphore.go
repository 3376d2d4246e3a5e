package live

import (
	"time"

	"github.com/weir-go/weir/instrument"
)

func semaphoreMade(c *instrument.SemaphoreStats) Made {
	m := madeOf(&c.Info)
	m.After = seconds(c.HoldLimit > 0, c.HoldLimit)
	m.option(c.HoldLimit > 0, "WithHoldLimit", c.HoldLimit)
	m.option(c.TrackAll && !c.Reclaim, "WithTrackAll")
	m.option(c.Reclaim, "WithReclaim")
	return m
}

func semaphoreSeen(c *instrument.SemaphoreStats) seen {
	return seen{
		Now: Now{
			Members:    c.Members,
			Level:      Number(c.InUse),
			Limit:      Number(c.Limit),
			Peak:       Number(c.InUsePeak),
			Floor:      Number(c.InUseFloor),
			Fill:       fillOf(c.InUse, c.Limit),
			Queue:      None,
			QueueLimit: None,
			Bytes:      None,
			Waiting:    some(c.Moves, c.Waiters),
			Oldest:     seconds(c.HasPermits, c.OldestPermit),
		},
		counters: counters{in: c.Acquired, full: c.Rejected, gaveUp: c.Canceled},
		waits:    c.AcquireWait, other: c.Hold,
		hasIn: c.Moves, hasRefused: c.Moves,
	}
}

// fillOf is how much of a limit is used, where there is one.
func fillOf(level, limit int64) Number {
	if limit <= 0 {
		return None
	}
	return Number(level) / Number(limit)
}

func semaphoreRemarks(r *remarks, c *instrument.SemaphoreStats) {
	if c.Limit > 0 && c.InUseFloor >= c.Limit {
		r.say(Warned, "no permit was free in the last 30 to 60 s")
	}
	r.waits(c.Waiters, c.OldestWaiter, "waits for permits", "wait for permits")
	r.counted(Noted, r.minute.full, "acquire found no permit", "acquires found no permit")
	r.counted(Noted, r.minute.gaveUp, "acquire gave up waiting", "acquires gave up waiting")
	if n, site := lost(c.Leaked); n > 0 {
		r.say(Warned, "%s for good, most of them taken at %s", plural(n, "permit was lost", "permits were lost"), site)
	}
	if c.UntrackedReleases > 0 {
		r.say(Noted, "%s past the wrapper", plural(c.UntrackedReleases, "permit went in or out", "permits went in or out"))
	}
}

// lost returns how many permits were lost, and where most of them were taken.
func lost(sites []instrument.LeakSite) (n uint64, site string) {
	var most uint64
	for _, s := range sites {
		n += s.Permits
		if s.Permits > most {
			most, site = s.Permits, s.Site
		}
	}
	return n, site
}

func semaphoreDetail(c *instrument.SemaphoreStats, members []instrument.SemaphoreStats, at time.Time, p *past) *Detail {
	d := &Detail{
		Counters: []Counter{
			{"acquired", c.Acquired}, {"acquires that found no permit", c.Rejected}, {"acquires given up", c.Canceled},
			{"permits past the wrapper", c.UntrackedReleases},
		},
		Times: []Times{timesOf("waits for permits", p.waited(c.AcquireWait)), timesOf("permits held", p.took(c.Hold))},
	}
	for _, s := range c.Leaked {
		if s.Permits > 0 {
			d.Counters = append(d.Counters, Counter{"permits lost, taken at " + s.Site, s.Permits})
		}
	}
	for i := range members {
		x := &members[i]
		s := semaphoreSeen(x)
		d.Worst = append(d.Worst, Member{Age: Number(at.Sub(x.Start).Seconds()), Level: s.Level, Limit: s.Limit, Floor: s.Floor,
			Queue: None, Oldest: s.Oldest, Waiting: s.Waiting, Stuck: x.HeldTooLong > 0})
	}
	return d
}
