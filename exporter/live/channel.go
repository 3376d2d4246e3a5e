package live

import (
	"time"

	"github.com/weir-go/weir/instrument"
)

func channelMade(c *instrument.ChanStats) Made {
	m := madeOf(&c.Info)
	m.After = seconds(c.Moves, c.StallAfter)
	m.option(c.Moves, "WithStallAfter", c.StallAfter)
	m.option(c.WaitTarget > 0, "WithWaitTarget", c.WaitTarget)
	m.option(c.HasBytes, "WithBytes")
	return m
}

func channelSeen(c *instrument.ChanStats) seen {
	return seen{
		Now: Now{
			Members:    c.Members,
			Level:      Number(c.Depth),
			Limit:      some(c.Bounded, c.Capacity),
			Peak:       Number(c.DepthPeak),
			Floor:      Number(c.DepthFloor),
			Fill:       some(c.HasRatio, c.FillRatioMax),
			Queue:      None,
			QueueLimit: None,
			Bytes:      some(c.HasBytes, c.BufferedBytes),
			Waiting:    some(c.Moves, c.BlockedSenders),
			Oldest:     seconds(c.Moves, c.OldestMessage),
		},
		counters: counters{
			in: c.Sent, out: c.Received, full: c.SendsFull, gaveUp: c.SendsCanceled, closed: c.SendsClosed,
			waits: c.Waits, late: c.WaitsOverTarget, fullTime: c.FullTime,
		},
		waits: c.Wait, other: c.SendBlocked,
		hasIn: c.Moves, hasOut: c.Moves, hasRefused: c.Moves,
	}
}

const (
	standing   = 0.8              // part of the capacity below which a queue was never seen
	oftenFull  = 0.25             // part of the time
	sometimes  = 0.01             // part of the time, or of the waits
	often      = 0.1              // part of the waits
	longEnough = 2 * SlotLength   // to speak of parts of the time
	steady     = 30 * time.Second // growth for so long is more than a burst
)

func channelRemarks(r *remarks, c *instrument.ChanStats) {
	if g := r.past.grew(r.now); g.by > 0 {
		r.grew(c, g)
	}
	if c.Capacity > 0 && r.over >= longEnough {
		full := r.minute.fullTime.Seconds() / r.over.Seconds() / float64(max(c.Members, 1))
		if full >= sometimes {
			r.say(degree(full >= oftenFull), "was full %.0f%% of the last %s: its capacity is %s, made at %s",
				100*min(full, 1), r.span(), count(uint64(c.Capacity)/uint64(max(c.Members, 1))), c.Site)
		}
	}
	if c.FloorRatioMax >= standing {
		r.say(Warned, "stands: it was never less than %.0f%% full in the last 30 to 60 s", 100*c.FloorRatioMax)
	}
	r.waits(c.BlockedSenders, c.OldestBlockedSender, "sender waits", "senders wait")
	r.counted(Noted, r.minute.full, "send found no room", "sends found no room")
	r.counted(Noted, r.minute.gaveUp, "sender gave up", "senders gave up")
	r.counted(Warned, r.minute.closed, "send hit the closed channel, and panicked", "sends hit the closed channel, and panicked")
	if late := float64(r.minute.late) / float64(max(r.minute.waits, 1)); late >= sometimes {
		r.say(degree(late >= often), "%.0f%% of the messages waited for longer than their target of %v in the last %s", 100*late, c.WaitTarget, r.span())
	}
}

// degree is how much trouble something is that is worse beyond a limit.
func degree(beyond bool) Trouble {
	if beyond {
		return Warned
	}
	return Noted
}

func (r *remarks) grew(c *instrument.ChanStats, g growth) {
	speed := rough(g.perSecond()) + " messages/s"
	if c.HasBytes && c.Depth > 0 {
		speed = size(g.perSecond()*float64(c.BufferedBytes)/float64(c.Depth)) + "/s (" + speed + ")"
	}
	if !c.Bounded {
		r.say(degree(g.over >= steady), "unbounded, grew %s for %s, made at %s", speed, g.time(), c.Site)
		return
	}
	left := float64(c.Capacity-c.Depth) / g.perSecond()
	r.say(degree(g.over >= steady && left < time.Hour.Seconds()), "grew %s for %s: full in about %s",
		speed, g.time(), ages(time.Duration(left*float64(time.Second))))
}

func channelDetail(c *instrument.ChanStats, members []instrument.ChanStats, at time.Time, p *past) *Detail {
	d := &Detail{
		Counters: []Counter{
			{"sent", c.Sent}, {"received", c.Received}, {"sends that found no room", c.SendsFull},
			{"sends given up", c.SendsCanceled}, {"sends on the closed channel", c.SendsClosed},
			{"made", c.Created}, {"closed", c.Closed},
			{"messages abandoned", c.Abandoned}, {"messages unverified", c.Unverified},
		},
		Times: []Times{timesOf("in the channel", p.waited(c.Wait)), timesOf("blocked sends", p.took(c.SendBlocked))},
	}
	for i := range members {
		x := &members[i]
		s := channelSeen(x)
		d.Worst = append(d.Worst, Member{Age: Number(at.Sub(x.Start).Seconds()), Level: s.Level, Limit: s.Limit, Floor: s.Floor,
			Queue: None, Oldest: s.Oldest, Waiting: s.Waiting, Stuck: x.Stalled > 0})
	}
	return d
}
