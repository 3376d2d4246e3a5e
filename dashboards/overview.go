package dashboards

var overview = board{
	uid:         uidOverview,
	title:       "weir / Overview",
	description: "Is anything wrong with the channels, semaphores and worker pools of these programs, where, and since when.",
	name:        nameFilter{title: "Name"},
	draw: func(c *canvas) {
		c.row("Is anything wrong?", c.verdicts()...)
		c.row("Where, and since when?", c.stateTimeline(), c.channelTable(), c.semaphoreTable(), c.suspectTable(12), c.alertTable())
		c.row("Why?", c.histories()...)
	},
}

func (c *canvas) verdicts() []panel {
	const w, h = 4, 4
	return []panel{
		c.number(about{title: "Firing alerts", unit: "none", w: w, h: h, limits: anyIs("red"), empty: "not measured",
			text: "Alerts of weir that fire now. Normal: 0. Otherwise begin with the table of firing alerts below; each has a runbook. \"Not measured\": no program with weir is seen under this selection."},
			c.count(c.alerts("ALERTS", is("alertstate", "firing")))),
		c.suspects(about{title: "Leak suspects by evidence", unit: "none", w: 2 * w, h: h, limits: anyIs("red"), empty: "not measured", runbook: runbookSuspected,
			text: "What looks leaked or stuck now. Proven: the runtime's leak profile says so. Collected: the garbage collector found it unreleased. Heuristic: it behaves as leaks do. Normal: 0. Otherwise the table of suspects below has the names and the times; collected and proven ones are bugs, heuristic ones want a look."}),
		c.number(about{title: "Stalled channels", unit: "none", w: w, h: h, limits: anyIs("red"), empty: "not measured",
			text: "Channels that hold messages or blocked senders and had no receive for their stall threshold. Normal: 0. Otherwise the receiver is stuck or gone: open the channel's board and look where it is received from.", runbook: runbookStalled},
			c.total(c.of("weir_channel_stalled_members"))),
		c.number(about{title: "Exhausted semaphores", unit: "none", w: w, h: h, limits: anyIs("red"), empty: "not measured",
			text: "Semaphores that had no free permit at any moment of the last window (30 to 60 s). Normal: 0. Otherwise permits are held too long or were never released, or the limit is too small for the load.", runbook: runbookExhausted},
			c.count(c.exhausted())),
		c.number(about{title: "Panics", unit: "eps", w: w, h: h, limits: anyIs("red"), empty: "not measured", runbook: runbookPanicked,
			text: "Tasks of worker pools that ended in a panic or in runtime.Goexit, per second. Normal: 0. Otherwise the program's log has the stacks."},
			c.total(c.rate("weir_pool_tasks_total", is("outcome", "panic")))),

		c.named(about{title: "Fullest channel", unit: "percentunit", w: 5, h: h, limits: above(0.7, 0.9), empty: "none is bounded",
			text: "The channel with the fullest member, and how full that is. Normal: below 70%, with short bursts above. When it stays high the receiver is slower than the senders, who soon wait or are refused.", runbook: runbookFilling},
			query{"{{name}}", "topk(1, " + most(object, c.of("weir_channel_fill_ratio_max")) + ")"}),
		c.named(about{title: "Oldest message", unit: "s", w: 5, h: h, limits: above(60, 300), empty: "none", runbook: runbookStalled,
			text: "The channel whose oldest message has waited longest; it speaks for unbounded queues too. Normal: about the time that one message takes. When it grows with the clock nobody receives; when it grows slowly the receiver falls behind."},
			query{"{{name}}", "topk(1, " + most(object, c.of("weir_channel_oldest_message_age_seconds")) + ")"}),
		c.number(about{title: "Refusals", unit: "eps", w: 5, h: h, limits: anyIs("orange"), empty: "not measured",
			text: "Work turned away per second: sends and acquires that found no room or gave up waiting, tasks that found the pool's queue full. Normal: a few at peak load, by design; a steady rate means lost work for users.", runbook: runbookRejecting},
			c.total(c.refusals())),
		c.number(about{title: "Blocked time", unit: "suffix:s/s", w: 5, h: h, limits: above(1, 10), empty: "not measured", runbook: runbookBlocked,
			text: "Seconds that goroutines spent waiting to send or to acquire, per second: as many wait on average. It counts a wait when it ends; those that go on are on the channel's board as blocked senders. Normal: well below 1 per busy channel."},
			c.total(c.blocked())),
		c.number(about{title: "Processes seen", unit: "none", w: 4, h: h, empty: "none", runbook: runbookMissing,
			text: "Programs with weir that were scraped under this selection. Normal: as many as run. When it is lower, nothing on this board speaks for the others: look at the scrape targets."},
			c.measured()),
	}
}

// suspects shows the suspects by how sure they are, the surest first.
func (c *canvas) suspects(a about) panel {
	number := func(evidence string) query {
		return query{evidence, c.count(c.of("weir_leak_suspects", is("evidence", evidence)))}
	}
	return c.named(a, number("proven"), number("collected"), number("heuristic")).
		OverrideByName("heuristic", override{}.withLimits(anyIs("orange")))
}

func (c *canvas) channelTable() panel {
	return c.table(grid{
		about: about{title: "Channels, worst first", unit: "none", w: 24, h: 9, empty: "No channel is measured under this selection.",
			text: "Pressure is how full the fullest member is, or how old its oldest message is against a fifth of the stall threshold (a minute by default), whichever is more; so unbounded queues rank too. Normal: below 70%. A click on the name opens the channel's board."},
		labels: []labelColumn{{label: "name", title: "Channel", board: "channel"}, {label: "job", title: "Service"}},
		values: []valueColumn{
			{title: "Pressure", expr: c.pressure(object), unit: "percentunit", width: 260, gauge: true, limits: above(0.7, 0.9)},
			{title: "Depth", expr: sum(object, c.of("weir_channel_depth")), unit: "locale", width: 100},
			{title: "Floor", expr: sum(object, c.of("weir_channel_depth_floor")), unit: "locale", width: 100},
			{title: "Capacity", expr: sum(object, c.of("weir_channel_capacity")), unit: "locale", width: 110, empty: "unbounded"},
			{title: "Oldest", expr: most(object, c.of("weir_channel_oldest_message_age_seconds")), unit: "s", width: 110, limits: above(60, 300), empty: "unknown"},
			{title: "Blocked senders", expr: sum(object, c.of("weir_channel_blocked_senders")), unit: "locale", width: 140, limits: above(1, 10), empty: "unknown"},
			{title: "Refused", expr: sum(object, c.refusedSends()), unit: "mps", width: 130, limits: anyIs("orange"), empty: "unknown"},
			{title: "Stalled", expr: sum(object, c.of("weir_channel_stalled_members")), unit: "locale", width: 90, limits: anyIs("red"), empty: "unknown"},
		},
		sortBy: "Pressure",
	})
}

func (c *canvas) semaphoreTable() panel {
	both := func(op func(by, expr string) string, semaphore, pool string) string {
		return union(labelled("kind", "semaphore", op(object, semaphore)), labelled("kind", "pool", op(object, pool)))
	}
	return c.table(grid{
		about: about{title: "Semaphores and pools, worst first", unit: "none", w: 24, h: 7, empty: "No semaphore and no pool is measured under this selection.",
			text: "Used is the share of the permits that are taken, or of the workers that are busy, where it is highest. Normal: some are free most of the time. Full and with waiters for long: held too long, never released, or too few. A click on the name opens its board."},
		labels: []labelColumn{{label: "name", title: "Name", board: "${__data.fields.Kind}"}, {label: "kind", title: "Kind", width: 120}, {label: "job", title: "Service"}},
		values: []valueColumn{
			{title: "Used", expr: both(most, c.permitsUsed(), c.workersBusy()), unit: "percentunit", width: 260, gauge: true, limits: above(0.8, 1)},
			{title: "In use", width: 100, expr: both(sum, c.of("weir_semaphore_permits_in_use"), c.of("weir_pool_workers_busy")), unit: "locale"},
			{title: "Of", width: 100, expr: both(sum, c.of("weir_semaphore_permits_limit"), c.of("weir_pool_workers")), unit: "locale"},
			{title: "Waiting", width: 110, expr: both(sum, c.of("weir_semaphore_waiters"), c.of("weir_pool_queue_depth")), unit: "locale", limits: above(1, 100)},
			{title: "Refused", width: 130, expr: both(sum, c.refusedAcquires(), c.rate("weir_pool_rejected_total")), unit: "eps", limits: anyIs("orange")},
			{title: "Held or running for", width: 160, expr: both(most, c.of("weir_semaphore_oldest_permit_seconds"), c.of("weir_pool_oldest_task_seconds")), unit: "s", limits: above(60, 300), empty: "unknown"},
		},
		sortBy: "Used",
	})
}

func (c *canvas) alertTable() panel {
	firing := c.alerts("ALERTS_FOR_STATE") + " and ignoring (alertstate) " + c.alerts("ALERTS", is("alertstate", "firing"))
	return c.table(grid{
		about: about{title: "Firing alerts by name", unit: "none", w: 12, h: 7, empty: "No alert of weir fires.",
			text: "Which alerts fire, for what, and since when the condition holds. Normal: empty. Otherwise the runbook of that name says what to do."},
		labels: []labelColumn{{label: "alertname", title: "Alert", runbook: true}, {label: "severity", title: "Severity", width: 90}, {label: "name", title: "Name"}, {label: "job", title: "Service", width: 140}},
		values: []valueColumn{{title: "Since", expr: "1000 * " + aggregate("min", "alertname, severity, name, job", firing), unit: "dateTimeFromNow", width: 120}},
		sortBy: "Since",
	})
}

// stateTimeline shows when the worst objects were how bad.
func (c *canvas) stateTimeline() panel {
	return c.states(about{title: "The worst objects", unit: "none", w: 24, h: 9, empty: "Nothing is measured under this selection.",
		text: "The ten channels, semaphores and pools that were worst for longest, and when. Strained: a channel 70% full or with old messages, 80% of the permits taken throughout a window (30 to 60 s), 80% of the workers busy. At its limit: 90% full, no permit free for a whole window, a pool's queue full. Stuck or leaking: it is a leak suspect. Normal: green, with strained moments at peak load. A click opens the board of the object."},
		query{"{{kind}} {{name}} · {{job}}", worstForLongest(kindOfObject, c.state())}).
		MaxDataPoints(200).DataLinks(c.settings.drillDown("${__field.labels.kind}"))
}

func (c *canvas) histories() []panel {
	history := func(a about, kind, expr string) panel {
		a.w, a.h = 8, 8
		by, board := object, kind
		if kind == "" {
			by, board = kindOfObject, "${__field.labels.kind}"
		}
		return c.ranking(a, query{"{{name}} · {{job}}", worst(by, expr)}).DataLinks(c.settings.drillDown(board))
	}
	return []panel{
		c.shares(about{title: "Fullest channels", limits: above(0.7, 0.9), empty: "No channel is bounded, or all are empty.", runbook: runbookFilling,
			text: "How full the fullest member of each channel is. Normal: bursts that drain. A line that stays high, or climbs and never falls, is a receiver that does not keep up."},
			"channel", most(object, c.of("weir_channel_fill_ratio_max"))),
		history(about{title: "Standing queues", empty: "Nothing stands in a queue.", unit: "locale", runbook: runbookGrowing,
			text: "The lowest depth in each window of 30 to 60 s: what stands in a queue and never drains. Normal: near 0, whatever the bursts are. A rising floor is a backlog that becomes the next outage, in unbounded queues as memory."},
			"channel", sum(object, c.of("weir_channel_depth_floor"))),
		history(about{title: "Oldest messages", unit: "s", limits: above(60, 300), empty: "Nothing waits.", runbook: runbookStalled,
			text: "How long the oldest message of each channel has waited. Normal: flat and short. A line that rises as fast as the clock means that nothing is received at all."},
			"channel", most(object, c.of("weir_channel_oldest_message_age_seconds"))),
		history(about{title: "Refusals", empty: "Nothing was refused.", unit: "eps", runbook: runbookRejecting,
			text: "Work turned away per second, by what turned it away. Normal: none, or a few at peak load where refusing is the design. Compare with the fullest channels and the permits at the same time."},
			"", c.refusals()),
		history(about{title: "Blocked time", empty: "Nobody waited.", unit: "suffix:s/s", runbook: runbookBlocked,
			text: "Seconds spent waiting to send or to acquire, per second: the number of goroutines that wait on average. Normal: flat and low. A step up means that what is behind the channel or semaphore became slower."},
			"", c.blocked()),
		history(about{title: "Panics", empty: "No panics.", unit: "eps", runbook: runbookPanicked,
			text: "Tasks of worker pools that ended in a panic or in runtime.Goexit, per second. Normal: none. The program's log has the stacks."},
			"pool", sum(object, c.rate("weir_pool_tasks_total", is("outcome", "panic")))),
		c.shares(about{title: "Permits in use", limits: above(0.8, 1), empty: "No permit was taken.", runbook: runbookExhausted,
			text: "The share of each semaphore's permits that are taken, where it is highest. Normal: falls back when the load does. A level that only ever rises is how lost permits look."},
			"semaphore", most(object, c.permitsUsed())),
		c.shares(about{title: "Workers busy", limits: above(0.8, 1), empty: "No worker was busy.", runbook: runbookSaturated,
			text: "The share of each pool's workers that run a task, where it is highest. Normal: some are free. At 100% tasks queue; at 100% without finished tasks they are stuck."},
			"pool", most(object, c.workersBusy())),
		c.ranking(about{title: "Suspects", unit: "locale", w: 8, h: 8, empty: "Nothing is suspected.", runbook: runbookSuspected,
			text: "Channels, permits, tasks or messages that look leaked or stuck, by name. Normal: none. The first rise is when it began: look what was deployed or changed then."},
			query{"{{name}} · {{job}}", worst(object, sum(object, c.of("weir_leak_suspects")))}).DataLinks(c.settings.drillDown("leaks")),
	}
}

// shares shows the course of a share of the objects of a kind that are worst.
func (c *canvas) shares(a about, kind, expr string) panel {
	a.unit, a.w, a.h = "percentunit", 8, 8
	return c.ranking(a, query{"{{name}} · {{job}}", worst(object, expr)}).Min(0).Max(1).DataLinks(c.settings.drillDown(kind))
}
