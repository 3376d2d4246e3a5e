package dashboards

import "fmt"

var semaphore = board{
	uid:         uidSemaphore,
	title:       "weir / Semaphore",
	description: "One semaphore: how many permits are taken and for how long, who waits for one, who was refused, and which were lost.",
	name:        nameFilter{title: "Semaphore", kind: "semaphore"},
	draw: func(c *canvas) {
		c.row("$name now", c.semaphoreNow()...)
		c.row("Permits", c.permits()...)
		c.row("Waiting for a permit", c.acquiring()...)
		c.row("Holding a permit", c.holding()...)
		c.row("Lost permits", c.lostPermits()...)
		c.row("Where", c.semaphoreByInstance(), c.inTheProgram("semaphore"))
	},
}

// withoutPermits stands where nobody takes permits as Permit values.
const withoutPermits = "no Permits used"

func (c *canvas) semaphoreNow() []panel {
	const w, h = 3, 4
	return []panel{
		c.number(about{title: "Used", unit: "percentunit", w: w, h: h, limits: above(0.8, 1), empty: "not measured", runbook: runbookExhausted,
			text: "The share of the permits that are taken, in the instance where it is highest. Normal: below 80% most of the time. It is read at the scrape; what stands is in the floor below."},
			most("", c.permitsUsed())),
		c.number(about{title: "Available", unit: "locale", w: w, h: h, empty: "not measured",
			text: "Permits that are free now, in all instances. Normal: some, most of the time. None for long: whoever comes next waits or is refused."},
			sum("", c.of("weir_semaphore_permits_available"))),
		c.number(about{title: "Limit", unit: "locale", w: w, h: h, empty: "not measured",
			text: "Permits there are, in all instances together. Normal: what the code says, times the instances; a change of it is a release."},
			sum("", c.of("weir_semaphore_permits_limit"))),
		c.number(about{title: "Waiters", unit: "locale", w: w, h: h, limits: above(1, 100), empty: watchedOnly, runbook: runbookExhausted,
			text: "Goroutines that wait for permits now. Normal: 0, or a few for moments. Each holds its stack and what it was asked to do."},
			sum("", c.of("weir_semaphore_waiters"))),
		c.number(about{title: "Longest wait", unit: "s", w: w, h: h, limits: above(1, 30), empty: watchedOnly, runbook: runbookExhausted,
			text: "How long the goroutine has waited that waits longest. Normal: far below the time that its caller has. When it grows with the clock, no permit comes back."},
			most("", c.of("weir_semaphore_oldest_waiter_seconds"))),
		c.number(about{title: "Oldest permit", unit: "s", w: w, h: h, limits: above(60, 300), empty: withoutPermits, runbook: runbookHeld,
			text: "How long the permit has been held that is held longest, of those taken with AcquirePermit. Normal: about the time of one piece of work. When it grows with the clock, somebody holds on to it: the suspects have the line of code."},
			most("", c.of("weir_semaphore_oldest_permit_seconds"))),
		c.number(about{title: "Refused", unit: "eps", w: w, h: h, limits: anyIs("orange"), empty: watchedOnly, runbook: runbookRefusing,
			text: "Acquires per second that found no permit, or gave up waiting. Normal: 0, or a few at peak load where refusing is the design."},
			sum("", c.refusedAcquires())),
		c.number(about{title: "Lost permits", unit: "locale", w: w, h: h, limits: anyIs("red"), empty: "unknown", runbook: runbookLeaked,
			text: "Permits that were dropped and never released since the processes started: the garbage collector found them. Normal: 0. Each one makes the semaphore smaller until the restart; the sites are below."},
			sum("", c.of("weir_semaphore_leaked_permits_total"))+" or 0 * "+sum("", c.of("weir_semaphore_waiters"))),
	}
}

func (c *canvas) permits() []panel {
	return []panel{
		c.lines(about{title: "Permits in use", unit: "locale", w: 12, h: 9, empty: "not measured", runbook: runbookExhausted,
			text: "Permits that are taken, between the most and the fewest of the last window (30 to 60 s), and the limit where they came near it. Normal: a floor that falls back when the load does. A floor that only rises is how lost permits look; one at the limit means that nobody new gets in. Peak and floor add up over instances, so they are bounds."},
			query{"In use", sum("", c.of("weir_semaphore_permits_in_use"))},
			query{"Peak", sum("", c.of("weir_semaphore_in_use_peak"))},
			query{"Floor", sum("", c.of("weir_semaphore_in_use_floor"))},
			query{"Limit", inReach(sum("", c.of("weir_semaphore_permits_limit")), sum("", c.of("weir_semaphore_in_use_peak")))}).
			OverrideByName("In use", color("blue").with("custom.fillOpacity", 0).with("custom.lineWidth", 2)).
			OverrideByName("Peak", color("light-blue").with("custom.fillBelowTo", "Floor").with("custom.fillOpacity", 15)).
			OverrideByName("Floor", color("purple").with("custom.fillOpacity", 0)).
			OverrideByName("Limit", color("red").dashed()),
		c.lines(about{title: "Available where they are fewest", unit: "percentunit", w: 12, h: 9, limits: below(0.2, 0.01), empty: "not measured", runbook: runbookExhausted,
			text: "The share of the permits that are free where they are fewest: now and at the worst moment of the last window (30 to 60 s), in the worst instance, and at the best moment, of the worst semaphore of this name. One without permits is lost in a sum, and shows here. Normal: the best moment well above 20%. At 0% for a whole window the semaphore is exhausted there."},
			query{"Now", "1 - " + most("", c.permitsUsed())},
			query{"Worst moment", "1 - " + most("", c.ofLimit("weir_semaphore_in_use_peak"))},
			query{"Best moment", "1 - " + most("", c.of("weir_semaphore_floor_ratio_max"))}).
			OverrideByName("Now", color("blue").with("custom.fillOpacity", 0).with("custom.lineWidth", 2)).
			OverrideByName("Worst moment", color("orange").with("custom.fillOpacity", 0)).
			OverrideByName("Best moment", color("green").with("custom.fillBelowTo", "Worst moment").with("custom.fillOpacity", 15)).Min(0).Max(1),
	}
}

func (c *canvas) acquiring() []panel {
	const w, h = 8, 8
	wait, all := "weir_semaphore_acquire_wait_seconds", sum("", c.rate("weir_semaphore_acquires_total"))
	refused := func(outcome string) string {
		return fmt.Sprintf("%s / (%s > 0)", sum("", c.rate("weir_semaphore_acquires_total", is("outcome", outcome))), all)
	}
	return []panel{
		c.lines(about{title: "Waiters", unit: "locale", w: w, h: h, empty: watchedOnly, runbook: runbookExhausted,
			text: "Goroutines that wait for permits, and on the right how long the first of them has waited. Normal: none, or short steps. A wait that rises as fast as the clock: nobody gives a permit back."},
			query{"Waiting", sum("", c.of("weir_semaphore_waiters"))},
			query{"Longest wait", most("", c.of("weir_semaphore_oldest_waiter_seconds"))}).
			OverrideByName("Waiting", color("orange")).OverrideByName("Longest wait", color("purple").onRight("s")),
		c.quantiles(about{title: "Time to get a permit", unit: "s", w: w, h: h, empty: "Nobody had to wait.",
			text: "How long acquires waited, of those that had to: half less than p50, one in a hundred longer than p99. Normal: short against the time that the caller has. When it rises with the hold times below, the work became slower; when they stay, there are too few permits for the load. " + howExact},
			wait),
		c.cells(about{title: "Time to get a permit, all that waited", unit: "s", w: w, h: h, empty: "Nobody had to wait.",
			text: "How many acquires per second waited how long. Normal: few, and in one band. A band near the caller's time-out is work that is about to be given up."},
			"ops", wait),
		c.lines(about{title: "Acquires", unit: "ops", w: w, h: h, empty: watchedOnly,
			text: "Acquires per second by outcome: ok, rejected (found too few permits), canceled (gave up waiting). Normal: ok, and next to nothing else. A steady rate of the others means lost work for users."},
			query{"{{outcome}}", sum("outcome", c.rate("weir_semaphore_acquires_total"))}).
			OverrideByName("ok", color("green")).OverrideByName("rejected", color("orange")).OverrideByName("canceled", color("yellow")),
		c.lines(about{title: "Refused share", unit: "percentunit", w: w, h: h, empty: "Nobody asks.", runbook: runbookRefusing,
			text: "The share of the acquires that were rejected or canceled. Normal: 0, or what was decided to be turned away at peak load. Above that for long: more permits, if what they guard has room; else less load."},
			query{"rejected", refused("rejected")}, query{"canceled", refused("canceled")}).
			OverrideByName("rejected", color("orange")).OverrideByName("canceled", color("yellow")),
		c.lines(about{title: "Time spent waiting", unit: "suffix:s/s", w: w, h: h, empty: watchedOnly,
			text: "Seconds that goroutines spent waiting for permits, per second: as many wait on average. Normal: near 0. It counts a wait when it ends; for those that go on see the waiters."},
			query{"Waiting", sum("", c.rateOfSum(wait))}).OverrideByName("Waiting", color("orange")),
	}
}

func (c *canvas) holding() []panel {
	const w, h = 8, 8
	hold := "weir_semaphore_hold_seconds"
	return []panel{
		c.quantiles(about{title: "Time held", unit: "s", w: w, h: h, empty: withoutPermits, runbook: runbookHeld,
			text: "From acquire to release of the permits taken with AcquirePermit: half are held for less than p50, one in a hundred for longer than p99. Normal: flat. When it rises, what the permits guard became slower, and fewer get through: permits × 1/hold is the most the semaphore lets through. " + howExact},
			hold),
		c.cells(about{title: "Time held, all permits", unit: "s", w: w, h: h, empty: withoutPermits,
			text: "How many permits per second were held for how long. Normal: one band that stays where it is. A second band is a second kind of work; give it a semaphore of its own if it keeps the first waiting."},
			"ops", hold),
		c.lines(about{title: "Oldest permit", unit: "s", w: w, h: h, empty: withoutPermits, runbook: runbookHeld,
			text: "How long the oldest permit has been held, in the worst instance, and the limit from which it is a suspect (WithHoldLimit). Normal: about as long as the work takes. A line that rises as fast as the clock is a permit that nobody will give back."},
			query{"Oldest permit", most("", c.of("weir_semaphore_oldest_permit_seconds"))},
			query{"Suspect from", aggregate("min", "", c.of("weir_semaphore_hold_threshold_seconds"))}).
			OverrideByName("Oldest permit", color("purple")).OverrideByName("Suspect from", color("red").dashed()),
	}
}

func (c *canvas) lostPermits() []panel {
	const h = 7
	leaked := c.of("weir_semaphore_leaked_permits_total")
	return []panel{
		c.lines(about{title: "Lost permits by site", unit: "locale", w: 8, h: h, empty: "No permit was lost.", runbook: runbookLeaked,
			text: "Permits that the garbage collector found unreleased, by the line of code that took them, since the processes started. Normal: none. Look at every way out of that function: each must release, best by defer."},
			query{"{{site}}", sum("site", leaked)}),
		c.table(grid{
			about: about{title: "Sites that lose permits", unit: "none", w: 8, h: h, empty: "No permit was lost.", runbook: runbookLeaked,
				text: "The lines of code that took permits which were never released, the worst first. Normal: empty. With more than 10,000 acquires a second it is a lower bound, unless the semaphore was made WithTrackAll."},
			labels: []labelColumn{{label: "site", title: "Taken at"}, {label: "job", title: "Service", width: 120}},
			values: []valueColumn{{title: "Lost", expr: sum("site, job", leaked) + " > 0", unit: "locale", width: 90, limits: anyIs("red")}},
			sortBy: "Lost",
		}),
		c.lines(about{title: "Past the wrapper", unit: "ops", w: 8, h: h, empty: "not wrapped, or never bypassed",
			text: "Permits per second that went in or out of a wrapped semaphore without weir seeing the other half. Normal: 0. Otherwise somewhere the bare semaphore is still used: what is in use here is then an estimate."},
			query{"Untracked releases", sum("", c.rate("weir_semaphore_untracked_releases_total"))}).
			OverrideByName("Untracked releases", color("yellow")),
	}
}

func (c *canvas) semaphoreByInstance() panel {
	return c.byInstance("semaphore", "Used",
		valueColumn{title: "Used", expr: most(instance, c.permitsUsed()), unit: "percentunit", width: 200, gauge: true, limits: above(0.8, 1)},
		valueColumn{title: "In use", expr: sum(instance, c.of("weir_semaphore_permits_in_use")), unit: "locale", width: 80},
		valueColumn{title: "Floor", expr: sum(instance, c.of("weir_semaphore_in_use_floor")), unit: "locale", width: 80},
		valueColumn{title: "Waiters", expr: sum(instance, c.of("weir_semaphore_waiters")), unit: "locale", width: 80, empty: watchedOnly},
		valueColumn{title: "Refused", expr: sum(instance, c.refusedAcquires()), unit: "eps", width: 100, limits: anyIs("orange"), empty: watchedOnly})
}
