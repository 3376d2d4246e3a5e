package dashboards

import "fmt"

var pool = board{
	uid:         uidPool,
	title:       "weir / Worker pool",
	description: "One worker pool: how busy its workers are, what waits for them, how long tasks run, and how they end.",
	name:        nameFilter{title: "Pool", kind: "pool"},
	draw: func(c *canvas) {
		c.row("$name now", c.poolNow()...)
		c.row("Workers", c.workers()...)
		c.row("Queue", c.queue()...)
		c.row("Tasks", c.tasks()...)
		c.row("Where", c.poolByInstance(), c.inTheProgram("pool"))
	},
}

const (
	// withoutQueue stands where tasks are started at once, or refused.
	withoutQueue = "no queue"
	// untold stands where a foreign pool does not tell a number.
	untold = "not told"
)

func (c *canvas) poolNow() []panel {
	const w, h = 3, 4
	return []panel{
		c.number(about{title: "Utilisation", unit: "percentunit", w: w, h: h, limits: above(0.8, 0.95), empty: "no limit", runbook: runbookSaturated,
			text: "The share of the workers' time that went into tasks, over the last minutes, in the busiest instance; where times are not known, the share of the workers that are busy now. Normal: below 80%, so that a burst finds a free worker. Near 100% tasks queue, and their wait grows without end."},
			most("", c.utilisation())),
		c.number(about{title: "Busy", unit: "locale", w: w, h: h, empty: untold,
			text: "Workers that run a task now, in all instances. Normal: follows the load. Stays up when the load is gone: tasks are stuck."},
			sum("", c.of("weir_pool_workers_busy"))),
		c.number(about{title: "Workers", unit: "locale", w: w, h: h, empty: "no limit",
			text: "Workers there are, in all instances together. Normal: what the code says, or what Resize was last called with."},
			sum("", c.of("weir_pool_workers"))),
		c.number(about{title: "Queued", unit: "locale", w: w, h: h, empty: withoutQueue,
			text: "Tasks that wait in the queue now, in all instances. Normal: falls back to 0 after each burst."},
			sum("", c.of("weir_pool_queue_depth"))),
		c.number(about{title: "Queue fill", unit: "percentunit", w: w, h: h, limits: above(0.7, 0.9), empty: "–", runbook: runbookPoolFull,
			text: "How full the fullest instance's queue is; a dash where there is none or it has no bound. Normal: below 70%, with short bursts above. Full: whoever submits waits or is refused."},
			most("", c.queueFill())),
		c.number(about{title: "Oldest task", unit: "s", w: w, h: h, limits: above(60, 300), empty: untold, runbook: runbookStuck,
			text: "How long the task has run that runs longest. Normal: about the p99 of the run times. When it grows with the clock the task is stuck, and its worker is lost to the others."},
			most("", c.of("weir_pool_oldest_task_seconds"))),
		c.number(about{title: "Rejected", unit: "eps", w: w, h: h, limits: anyIs("orange"), empty: "not measured", runbook: runbookPoolFull,
			text: "Tasks per second that were refused because the queue was full or the limit reached. Normal: 0, or a few at peak load where refusing is the design."},
			sum("", c.rate("weir_pool_rejected_total"))),
		c.number(about{title: "Panics", unit: "eps", w: w, h: h, limits: anyIs("red"), empty: "not measured", runbook: runbookPanicked,
			text: "Tasks per second that ended in a panic or in runtime.Goexit. Normal: 0. The program's log has the stacks."},
			sum("", c.rate("weir_pool_tasks_total", is("outcome", "panic")))),
	}
}

func (c *canvas) workers() []panel {
	busy, all := c.of("weir_pool_workers_busy"), c.of("weir_pool_workers")
	return []panel{
		stacked(c.lines(about{title: "Workers by state", unit: "locale", w: 12, h: 9, empty: untold, runbook: runbookSaturated,
			text: "Workers that run a task and those that wait for one, on top of each other: the edge is how many there are. Normal: some idle at most moments. None idle for long: tasks queue."},
			query{"Busy", sum("", busy)}, query{"Idle", fmt.Sprintf("clamp_min(%s - %s, 0)", sum("", all), sum("", busy))})).
			OverrideByName("Busy", color("orange")).OverrideByName("Idle", color("green")),
		c.lines(about{title: "Utilisation", unit: "percentunit", w: 12, h: 9, limits: above(0.8, 0.95), empty: "no limit", runbook: runbookSaturated,
			text: "The share of the workers' time that went into tasks: of all workers, and in the busiest instance. Normal: below 80%. Above it waits grow faster than the load; at 100% without finished tasks the workers are stuck. One instance above the others: work is not spread evenly."},
			query{"All workers", fmt.Sprintf("%s / (%s > 0)", sum("", c.rate("weir_pool_busy_seconds_total")), sum("", all))},
			query{"Busiest instance", most("", c.utilisation())}).
			OverrideByName("All workers", color("blue")).OverrideByName("Busiest instance", color("purple")).Min(0).AxisSoftMax(1),
	}
}

func (c *canvas) queue() []panel {
	const w, h = 8, 8
	wait := "weir_pool_task_wait_seconds"
	return []panel{
		c.lines(about{title: "Tasks in the queue", unit: "locale", w: w, h: h, empty: withoutQueue, runbook: runbookPoolFull,
			text: "Tasks that wait for a worker, and how many fit where they came near it. Normal: bursts that drain. One that stays: the workers are too few, or too slow. It is read at the scrape; short bursts show in the waits."},
			query{"Queued", sum("", c.of("weir_pool_queue_depth"))},
			query{"Capacity", inReach(sum("", c.of("weir_pool_queue_capacity")), sum("", c.of("weir_pool_queue_depth")))}).
			OverrideByName("Queued", color("blue")).OverrideByName("Capacity", color("red").dashed()),
		c.quantiles(about{title: "Wait for a worker", unit: "s", w: w, h: h, empty: untold,
			text: "From submitted to started: half of the tasks wait less than p50, one in a hundred longer than p99. Normal: far below the run time. When it rises and the run time does not, there are too few workers. " + howExact},
			wait),
		c.cells(about{title: "Wait for a worker, all tasks", unit: "s", w: w, h: h, empty: untold,
			text: "How many tasks per second waited how long. Normal: one band near the bottom. A band that climbs is a queue that grows."},
			"ops", wait),
	}
}

func (c *canvas) tasks() []panel {
	const w, h = 8, 8
	run := "weir_pool_task_run_seconds"
	return []panel{
		c.lines(about{title: "Throughput", unit: "ops", w: w, h: h, empty: "not measured", runbook: runbookNoTasks,
			text: "Tasks that ended per second, by outcome: ok, error (where tasks return one), panic. Normal: ok, and little else. A panic is always a bug; none at all while workers are busy means that they are stuck."},
			query{"{{outcome}}", sum("outcome", c.rate("weir_pool_tasks_total"))}).
			OverrideByName("ok", color("green")).OverrideByName("error", color("orange")).OverrideByName("panic", color("red")),
		c.quantiles(about{title: "Run time", unit: "s", w: w, h: h, empty: untold,
			text: "From started to ended: half of the tasks run for less than p50, one in a hundred for longer than p99. Normal: flat. When it rises, look at what the tasks wait for; workers × 1/run time is the most the pool gets done. " + howExact},
			run),
		c.cells(about{title: "Run time, all tasks", unit: "s", w: w, h: h, empty: untold,
			text: "How many tasks per second ran for how long. Normal: one band that stays where it is. A second band is a second kind of work: if it is slow, give it a pool of its own."},
			"ops", run),
		c.lines(about{title: "Refused and failed", unit: "eps", w: w, h: h, empty: "not measured", runbook: runbookPanicked,
			text: "Tasks per second that were refused because the queue was full or the limit reached, and those that ended in an error or a panic. Normal: none. Rejected at 100% utilisation: too few workers. Rejected below it: bursts that the queue has no room for."},
			query{"rejected", sum("", c.rate("weir_pool_rejected_total"))},
			query{"error", sum("", c.rate("weir_pool_tasks_total", is("outcome", "error")))},
			query{"panic", sum("", c.rate("weir_pool_tasks_total", is("outcome", "panic")))}).
			OverrideByName("rejected", color("yellow")).OverrideByName("error", color("orange")).OverrideByName("panic", color("red")),
		c.lines(about{title: "Oldest task", unit: "s", w: w, h: h, empty: untold, runbook: runbookStuck,
			text: "How long the oldest task has run, in the worst instance, and the limit from which it is a suspect (WithTaskLimit). Normal: up and down with the tasks. A line that rises as fast as the clock is a task that is stuck."},
			query{"Oldest task", most("", c.of("weir_pool_oldest_task_seconds"))},
			query{"Suspect from", aggregate("min", "", c.of("weir_pool_task_threshold_seconds"))}).
			OverrideByName("Oldest task", color("purple")).OverrideByName("Suspect from", color("red").dashed()),
		c.lines(about{title: "Work in progress", unit: "locale", w: w, h: h, empty: untold,
			text: "Workers busy on average, from the time that tasks took: tasks per second × run time (Little's law), in all instances. Normal: follows the load. It counts a task's time as it ends, so a stuck one shows in the oldest task instead."},
			query{"Busy on average", sum("", c.rate("weir_pool_busy_seconds_total"))}).
			OverrideByName("Busy on average", color("blue")),
	}
}

func (c *canvas) poolByInstance() panel {
	return c.byInstance("pool", "Utilisation",
		valueColumn{title: "Utilisation", expr: most(instance, c.utilisation()), unit: "percentunit", width: 190, gauge: true, limits: above(0.8, 0.95), empty: "no limit"},
		valueColumn{title: "Busy", expr: sum(instance, c.of("weir_pool_workers_busy")), unit: "locale", width: 80, empty: untold},
		valueColumn{title: "Queued", expr: sum(instance, c.of("weir_pool_queue_depth")), unit: "locale", width: 85, empty: withoutQueue},
		valueColumn{title: "Tasks", expr: sum(instance, c.rate("weir_pool_tasks_total")), unit: "ops", width: 110},
		valueColumn{title: "Oldest task", expr: most(instance, c.of("weir_pool_oldest_task_seconds")), unit: "s", width: 110, empty: untold})
}
