package live

import (
	"github.com/weir-go/weir/instrument"
)

func poolMade(p *instrument.PoolStats) Made {
	m := madeOf(&p.Info)
	m.After = seconds(p.TaskLimit > 0, p.TaskLimit)
	m.option(p.TaskLimit > 0, "WithTaskLimit", p.TaskLimit)
	return m
}

func poolSeen(p *instrument.PoolStats) seen {
	ended := p.TasksOK + p.TasksError + p.TasksPanic
	return seen{
		Now: Now{
			Members:    p.Members,
			Level:      some(p.HasBusy, p.Busy),
			Limit:      some(p.HasWorkers, p.Workers),
			Peak:       None,
			Floor:      None,
			Fill:       fillOf(p.Busy, p.Workers),
			Queue:      some(p.HasQueue, p.QueueDepth),
			QueueLimit: some(p.QueueCapacity > 0, p.QueueCapacity),
			Bytes:      None,
			Waiting:    None,
			Oldest:     seconds(p.HasTasks, p.OldestTask),
		},
		counters: counters{
			in:  ended + uint64(p.Busy+p.QueueDepth),
			out: ended, full: p.Rejected, panics: p.TasksPanic,
		},
		waits: p.TaskWait, other: p.TaskRun,
		hasIn: p.HasBusy, hasOut: true, hasRefused: true,
		sampled: p.HasBusy,
	}
}

func poolRemarks(r *remarks, p *instrument.PoolStats) {
	low, _, ok := r.past.seen(r.past.slot, minute)
	if ok && p.HasWorkers && p.HasQueue && p.QueueDepth > 0 && int64(low) >= p.Workers {
		r.say(Warned, "all %d workers were busy for the whole last minute, and %s", p.Workers, plural(uint64(p.QueueDepth), "task waits", "tasks wait"))
	}
	if p.QueueCapacity > 0 && p.QueueDepth >= p.QueueCapacity {
		r.say(Warned, "its queue of %s is full", count(uint64(p.QueueCapacity)))
	}
	r.counted(Noted, r.minute.full, "task found no room", "tasks found no room")
	r.counted(Warned, r.minute.panics, "task panicked", "tasks panicked")
}

func poolDetail(p *instrument.PoolStats, members []instrument.PoolStats, past *past) *Detail {
	d := &Detail{
		Counters: []Counter{
			{"ended well", p.TasksOK}, {"ended with an error", p.TasksError}, {"panicked", p.TasksPanic},
			{"found no room", p.Rejected},
		},
		Times: []Times{timesOf("tasks waiting", past.waited(p.TaskWait)), timesOf("tasks running", past.took(p.TaskRun))},
	}
	for i := range members {
		x := &members[i]
		s := poolSeen(x)
		d.Worst = append(d.Worst, Member{Age: None, Level: s.Level, Limit: s.Limit, Floor: None,
			Queue: s.Queue, Oldest: s.Oldest, Waiting: None, Stuck: x.TasksOverLimit > 0})
	}
	return d
}
