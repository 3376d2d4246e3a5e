package dashboards

import "fmt"

var capacity = board{
	uid:         uidCapacity,
	title:       "weir / Capacity",
	description: "Question every default: how large each channel, semaphore and pool is, how much of that a week has used, and how large it should be. It reads a week of samples: with hundreds of processes choose a service first.",
	name:        nameFilter{title: "Name"},
	days:        7,
	draw: func(c *canvas) {
		c.row("What does not fit?", c.misfits()...)
		c.row("How large should it be?", c.channelSizes(), c.semaphoreSizes(), c.poolSizes())
		c.row("How much of it is used?", c.uses()...)
	},
}

// misfits counts what is too small, too large or without a bound.
func (c *canvas) misfits() []panel {
	const w, h = 6, 4
	refused := union(
		labelled("kind", "channel", c.channelRefused()), labelled("kind", "semaphore", c.semaphoreRefused()), labelled("kind", "pool", c.poolRefused()))
	return []panel{
		c.number(about{title: "Refused in 7 days", unit: "locale", w: w, h: h, limits: anyIs("orange"), empty: "not measured", runbook: runbookRejecting,
			text: "What was turned away in the last week: sends, acquires and tasks that found no room or gave up. Normal: 0, or what was decided to be refused at peak load. Otherwise the tables below say what was too small."},
			fmt.Sprintf("round(%s)", c.total(refused))),
		c.number(about{title: "Too small", unit: "locale", w: w, h: h, limits: anyIs("orange"), empty: "not measured",
			text: "Channels, semaphores and pools that refused something in the last week. Normal: those that are meant to. For the others see the recommended sizes below."},
			c.count("("+refused+") > 0")),
		c.number(about{title: "Far too large", unit: "locale", w: w, h: h, limits: anyIs("yellow"), empty: "not measured",
			text: "Channels that were never more than a tenth full in the last week. Normal: few. A bound that is never reached protects nothing: when the receiver stops, it lets ten times as much pile up as was ever needed."},
			c.count(most(object, overWeek("max_over_time", c.of("weir_channel_fill_ratio_max")))+" < 0.1")),
		c.number(about{title: "Without a bound", unit: "locale", w: w, h: h, limits: anyIs("orange"), empty: "not measured", runbook: runbookGrowing,
			text: "Queues that only memory bounds. Normal: 0, or queues with a semaphore in front, as in examples/gameserver. Any other is the incident that waits to happen: the table has a bound for it."},
			c.count(fmt.Sprintf("count by (%s) (%s)", object, c.of("weir_instrument_info", is("kind", "channel"), is("bounded", "false"))))),
	}
}

const (
	neverUsed = "never used"
	// howToSize is what readers of a recommendation should know.
	howToSize = "It is arithmetic on the last week, not a decision: try it, and look again after a week. Little's law: what is inside is the rate times how long each stays."
)

// sized is a table of how large the objects of a kind are and should be.
type sized struct {
	about
	kind, column  string // the column of their names
	size          valueColumn
	peak          string
	share         valueColumn // of the size that was used
	more          []valueColumn
	refused       string
	recommended   string
	refusedUnless string // what stands where refusals are not counted
}

func (c *canvas) sizes(s sized) panel {
	s.unit, s.w = "none", 24
	s.size.unit, s.size.width = "locale", 110
	s.share.unit, s.share.width, s.share.gauge = "percentunit", 180, true
	values := []valueColumn{s.size, {title: "Peak in 7 days", expr: s.peak, unit: "locale", width: 120}, s.share}
	values = append(values, s.more...)
	return c.table(grid{
		about:  s.about,
		labels: []labelColumn{{label: "name", title: s.column, board: s.kind}, {label: "job", title: "Service"}, {label: "reason", title: "Reason", width: 320, last: true, empty: "–"}},
		values: append(values,
			valueColumn{title: "Refused in 7 days", expr: "round(" + s.refused + ")", unit: "locale", width: 165, limits: anyIs("orange"), empty: s.refusedUnless},
			valueColumn{title: "Recommended", expr: s.recommended, unit: "locale", width: 120, empty: neverUsed}),
		sortBy: "Refused in 7 days",
	})
}

func (c *canvas) channelSizes() panel {
	return c.sizes(sized{
		about: about{title: "Channels", h: 8, empty: "No channel is measured under this selection.",
			text: "For one channel of each name: how many messages fit, the most that were in it, how full it was in all but the worst hundredth of the week, what it refused, and how large it should be. Peak: it never needed more, with a quarter to spare. One second of work: it refused or has a backlog; more than the receiver does in a second only makes everybody wait longer. Normal: a peak between a tenth and nine tenths, nothing refused. " + howToSize},
		kind: "channel", column: "Channel",
		size:    valueColumn{title: "Capacity", expr: c.channelSize(), empty: "unbounded"},
		peak:    "ceil(" + c.channelPeak() + ")",
		share:   valueColumn{title: "p99 fill", expr: c.p99("weir_channel_fill_ratio_max"), limits: above(0.7, 0.9), empty: "no bound"},
		refused: c.channelRefused(), refusedUnless: watchedOnly,
		recommended: c.channelAdvice(),
	})
}

func (c *canvas) semaphoreSizes() panel {
	return c.sizes(sized{
		about: about{title: "Semaphores", h: 6, empty: "No semaphore is measured under this selection.",
			text: "For each semaphore: its permits, the most in use in one process, how many of them were in all but the worst hundredth of the week, what was refused, and how many there should be. Normal: the peak below the limit, or a limit that is reached on purpose with nobody refused. More permits help only where what they guard has room: when the time held grows with the permits in use, it has not. " + howToSize},
		kind: "semaphore", column: "Semaphore",
		size:    valueColumn{title: "Permits", expr: most(object, c.of("weir_semaphore_permits_limit"))},
		peak:    c.semaphorePeak(),
		share:   valueColumn{title: "p99 used", expr: c.p99Of("weir_semaphore_permits_in_use", "weir_semaphore_permits_limit"), limits: above(0.8, 1)},
		refused: c.semaphoreRefused(), refusedUnless: watchedOnly,
		recommended: c.semaphoreAdvice(),
	})
}

func (c *canvas) poolSizes() panel {
	return c.sizes(sized{
		about: about{title: "Worker pools", h: 6, empty: "No pool is measured under this selection.",
			text: "For each pool: its workers, the most that were busy at a scrape, how many of them were in all but the worst hundredth of the week, the longest queue at a scrape, what was refused, and how many workers there should be, so that they are busy four fifths of the time in the busiest minutes. Normal: some workers idle at the peak, nothing refused. " + howToSize},
		kind: "pool", column: "Pool",
		size:  valueColumn{title: "Workers", expr: most(object, c.of("weir_pool_workers")), empty: "no limit"},
		peak:  c.poolPeak(),
		share: valueColumn{title: "p99 busy", expr: c.p99Of("weir_pool_workers_busy", "weir_pool_workers"), limits: above(0.8, 1), empty: "no limit"},
		more: []valueColumn{
			{title: "Queue", expr: most(object, c.of("weir_pool_queue_capacity")), unit: "locale", width: 90, empty: "–"},
			{title: "Longest queue", expr: most(object, overWeek("max_over_time", c.of("weir_pool_queue_depth"))), unit: "locale", width: 120, empty: withoutQueue},
		},
		refused: c.poolRefused(), recommended: c.poolAdvice(),
	})
}

// uses shows the course of what the tables sum up.
func (c *canvas) uses() []panel {
	return []panel{
		c.shares(about{title: "Channels: peak fill", limits: above(0.7, 0.9), empty: "No channel is bounded, or all are empty.", runbook: runbookFilling,
			text: "The highest depth of each window (30 to 60 s) as a share of the capacity, of the ten fullest channels. Normal: daily waves that do not touch the top. Rising from week to week: it will be too small soon."},
			"channel", ofMost(c.of("weir_channel_depth_peak"), c.of("weir_channel_capacity"))),
		c.shares(about{title: "Semaphores: peak use", limits: above(0.8, 1), empty: "No permit was taken.", runbook: runbookExhausted,
			text: "The most permits in use in each window (30 to 60 s) as a share of the limit, of the ten fullest semaphores. Normal: daily waves. At the top for whole days: the limit decides how much gets through."},
			"semaphore", ofMost(c.of("weir_semaphore_in_use_peak"), c.of("weir_semaphore_permits_limit"))),
		c.shares(about{title: "Pools: utilisation", limits: above(0.8, 0.95), empty: "No worker was busy.", runbook: runbookSaturated,
			text: "The share of the workers' time that went into tasks, of the ten busiest pools. Normal: below 80% in the busiest hour. Above it waits grow faster than the load."},
			"pool", most(object, c.utilisation())),
	}
}
