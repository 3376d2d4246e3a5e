package dashboards

import "fmt"

var leaks = board{
	uid:         uidLeaks,
	title:       "weir / Leaks and memory",
	description: "Does memory leak, which queue holds it, and what is suspected: the board of the incident that weir was made for.",
	name:        nameFilter{title: "Name"},
	draw: func(c *canvas) {
		c.row("Is memory leaking?", c.memoryNow()...)
		c.row("Which queue holds the memory?", c.memoryInQueues()...)
		c.row("What is suspected?", c.suspectTable(16), c.suspectsByEvidence())
		c.row("What stands, and what is lost?", c.standing()...)
		c.row("The processes", c.processes()...)
	},
}

func (c *canvas) memoryNow() []panel {
	const w, h = 4, 4
	share := fmt.Sprintf("%s / %s", sum("", c.of("weir_channel_buffered_bytes")), sum("", c.ofRuntime(heapInUse, "%s")))
	return []panel{
		c.number(about{title: "Heap in use", unit: "bytes", w: w, h: h, empty: "not exported",
			text: "Memory of the Go heap in use, in all processes with weir. Normal: a saw whose lower edge is level. \"Not exported\": the program serves weir's metrics without those of the Go runtime."},
			sum("", c.ofRuntime(heapInUse, "%s"))),
		c.number(about{title: "Heap growth", unit: "binBps", w: w, h: h, limits: above(64<<10, 1<<20), empty: "not exported", runbook: runbookGrowing,
			text: "How fast the heap in use grew over the last 10 minutes. Normal: around 0, with ups and downs after a start or a change of load. Above 64 KiB/s for long: something keeps what it should let go; 1 MiB/s is 3.5 GiB an hour."},
			sum("", c.ofRuntime(heapInUse, slope))),
		c.number(about{title: "In queues", unit: "bytes", w: w, h: h, empty: "not measured",
			text: "What the messages in all channels weigh that were made WithBytes. Normal: falls back with the depth. \"Not measured\": no channel has that option, and the floors below are the best there is."},
			sum("", c.of("weir_channel_buffered_bytes"))),
		c.number(about{title: "Queues' share of the heap", unit: "percentunit", w: w, h: h, limits: above(0.25, 0.5), empty: "not measured", runbook: runbookGrowing,
			text: "How much of the heap in use is messages that wait. Normal: a few percent. More than half: the leak is a queue, and the table below has its name. Little of it while the heap grows: look at the goroutines, or elsewhere. It is an estimate, and can be more than all."},
			share),
		c.number(about{title: "Goroutines", unit: "locale", w: w, h: h, empty: "not exported",
			text: "Goroutines in all processes with weir. Normal: follows the load. One that grows without it is a leak of goroutines: the suspects have the line where they wait."},
			sum("", c.ofRuntime(goroutines, "%s"))),
		c.number(about{title: "Goroutine growth", unit: "suffix:/s", w: w, h: h, limits: above(0.1, 10), empty: "not exported", runbook: runbookSuspected,
			text: "How fast the number of goroutines grew over the last 10 minutes. Normal: around 0. Above it for long without more load: goroutines are started that never end."},
			fmt.Sprintf("round(%s, 0.01)", sum("", c.ofRuntime(goroutines, slope)))),
	}
}

func (c *canvas) memoryInQueues() []panel {
	const legend = "{{name}} · {{job}}"
	bytes := sum(object, c.of("weir_channel_buffered_bytes"))
	growth := sum(object, fmt.Sprintf("deriv(%s%s)", c.of("weir_channel_buffered_bytes"), trend))
	return []panel{
		stacked(c.lines(about{title: "Heap in use, and what queues hold of it", unit: "bytes", w: 12, h: 10, empty: "not measured", runbook: runbookGrowing,
			text: "The heap in use as a line, and the ten queues that hold most, on top of each other. Normal: queues are a thin strip at the bottom. Where an area rises with the line, that queue holds the memory. Queues show where they were made WithBytes."},
			query{"Heap in use", sum("", c.ofRuntime(heapInUse, "%s"))}, query{legend, worst(object, bytes)})).
			OverrideByName("Heap in use", color("text").unstacked().with("custom.lineWidth", 2)).
			DataLinks(c.settings.drillDown("channel")),
		c.lines(about{title: "Growth", unit: "binBps", w: 12, h: 10, empty: "not measured", runbook: runbookGrowing,
			text: "How fast the heap in use grows, and the ten queues that grew most, each over ten minutes. Normal: all around 0. A queue that grows as the heap does is the leak. The heap above all queues: what leaks is not in a queue."},
			query{"Heap in use", sum("", c.ofRuntime(heapInUse, slope))}, query{legend, worst(object, growth)}).
			OverrideByName("Heap in use", color("text").unstacked().with("custom.lineWidth", 2)).
			DataLinks(c.settings.drillDown("channel")),
		c.table(grid{
			about: about{title: "Queues, by what stands in them", unit: "none", w: 24, h: 7, empty: "No channel is measured under this selection.",
				text: "Every channel, the one with the highest floor first: what stood in it at the emptiest moment of the last window (30 to 60 s) never drains. Beside it what it weighs (WithBytes), its share of the heap, and how fast that grows. Normal: floors near 0. A high floor, old messages and growth together are a leak. A click on the name opens the channel's board."},
			labels: []labelColumn{{label: "name", title: "Channel", board: "channel"}, {label: "job", title: "Service"}},
			values: []valueColumn{
				{title: "Standing", expr: sum(object, c.of("weir_channel_depth_floor")), unit: "locale", width: 110},
				{title: "Depth", expr: sum(object, c.of("weir_channel_depth")), unit: "locale", width: 110},
				{title: "Weighs", expr: bytes, unit: "bytes", width: 110, empty: untold},
				{title: "Share of the heap", expr: fmt.Sprintf("%s / on () group_left () %s", bytes, sum("", c.ofRuntime(heapInUse, "%s"))), unit: "percentunit", width: 220, gauge: true, limits: above(0.25, 0.5), empty: untold},
				{title: "Growth", expr: growth, unit: "binBps", width: 120, limits: above(64<<10, 1<<20), empty: untold},
				{title: "Oldest", expr: most(object, c.of("weir_channel_oldest_message_age_seconds")), unit: "s", width: 110, limits: above(60, 300), empty: watchedOnly},
				{title: "Capacity", expr: sum(object, c.of("weir_channel_capacity")), unit: "locale", width: 110, empty: "unbounded"},
			},
			sortBy: "Standing",
		}),
	}
}

func (c *canvas) suspectsByEvidence() panel {
	return c.lines(about{title: "Suspects by evidence", unit: "locale", w: 8, h: 7, empty: "Nothing is suspected.", runbook: runbookSuspected,
		text: "How many channels, permits, tasks, messages and goroutines are suspected, by how sure that is. Normal: none. The first rise is when it began. Proven and collected are bugs, heuristic ones want a look."},
		query{"{{evidence}}", sum("evidence", c.of("weir_leak_suspects"))}).
		OverrideByName("proven", color("red")).OverrideByName("collected", color("purple")).OverrideByName("heuristic", color("orange"))
}

func (c *canvas) standing() []panel {
	const w, h = 8, 8
	const legend = "{{name}} · {{job}}"
	waiting := union(
		labelled("for", "a place in a channel", c.of("weir_channel_blocked_senders")),
		labelled("for", "a message", c.of("weir_channel_blocked_receivers")),
		labelled("for", "a permit", c.of("weir_semaphore_waiters")))
	lost := union(
		labelled("what", "messages", c.rate("weir_channel_abandoned_messages_total")),
		labelled("what", "permits", c.rate("weir_semaphore_leaked_permits_total")))
	return []panel{
		c.ranking(about{title: "Standing queues", unit: "locale", w: w, h: h, empty: "Nothing stands in a queue.", runbook: runbookGrowing,
			text: "The lowest depth in each window of 30 to 60 s: what stands in a queue and never drains. Normal: near 0, whatever the bursts are. One that climbs is a backlog, and in a queue without a bound a leak."},
			query{legend, worst(object, sum(object, c.of("weir_channel_depth_floor")))}).DataLinks(c.settings.drillDown("channel")),
		c.ranking(about{title: "Permits that are never given back", unit: "locale", w: w, h: h, empty: "All permits come back.", runbook: runbookLeaked,
			text: "The fewest permits in use in each window of 30 to 60 s. Normal: falls back to 0 or to a level when the load does. Steps that only go up are permits that were lost, one by one."},
			query{legend, worst(object, sum(object, c.of("weir_semaphore_in_use_floor")))}).DataLinks(c.settings.drillDown("semaphore")),
		c.ranking(about{title: "Channels that are kept", unit: "locale", w: w, h: h, empty: "No channels.",
			text: "Live channels by name, closed ones that are not collected yet included. Normal: follows the connections or workers that own one. A line that only rises: somebody keeps them, and what is in them."},
			query{legend, worst(object, sum(object, c.of("weir_channel_members")))}).DataLinks(c.settings.drillDown("channel")),
		c.lines(about{title: "Goroutines", unit: "locale", w: w, h: h, empty: "not exported",
			text: "All goroutines of the processes with weir. Normal: follows the load. Compare with those that wait, beside it: when both climb, they wait for something that never comes."},
			query{"Goroutines", sum("", c.ofRuntime(goroutines, "%s"))}).OverrideByName("Goroutines", color("blue")),
		c.lines(about{title: "Goroutines that wait", unit: "locale", w: w, h: h, empty: "not measured",
			text: "Goroutines that wait in what weir measures, by what for. Normal: receivers wait for messages when there is nothing to do; little else. A place or a permit that more and more wait for is where they pile up."},
			query{"for {{for}}", sum("for", waiting)}).
			OverrideByName("for a message", color("green")).OverrideByName("for a place in a channel", color("orange")).OverrideByName("for a permit", color("purple")),
		c.lines(about{title: "Lost for good", unit: "eps", w: w, h: h, empty: "not measured", runbook: runbookLeaked,
			text: "Messages that were still in a channel when it was collected, and permits that were dropped unreleased, per second. Normal: none. Each is a bug, with its line of code among the suspects."},
			query{"{{what}}", sum("what", lost)}).
			OverrideByName("messages", color("orange")).OverrideByName("permits", color("red")),
	}
}

func (c *canvas) processes() []panel {
	const w, h = 8, 8
	const legend = "{{instance}} · {{job}}"
	return []panel{
		c.ranking(about{title: "Heap in use by process", unit: "bytes", w: w, h: h, empty: "not exported",
			text: "The heap in use of the ten largest processes. Normal: much alike, each a saw with a level lower edge. One that climbs alone: its share of the work differs, or only it has the new version."},
			query{legend, worst(instance, sum(instance, c.ofRuntime(heapInUse, "%s")))}),
		c.ranking(about{title: "Memory as the system sees it", unit: "bytes", w: w, h: h, empty: "not exported",
			text: "Resident memory of the ten largest processes: what the kernel counts before it kills. Normal: level, some above the heap in use. Far above it: fragments, stacks, or memory that is not Go's."},
			query{legend, worst(instance, sum(instance, c.ofSystem("process_resident_memory_bytes")))}),
		c.ranking(about{title: "Allocated", unit: "binBps", w: w, h: h, empty: "not exported",
			text: "Bytes allocated per second by the ten processes that allocate most. Normal: follows the load. It says what the collector has to do, not what is kept: a leak shows in the heap in use."},
			query{legend, worst(instance, sum(instance, c.ofRuntime(allocated, "rate(%s[$__rate_interval])")))}),
	}
}
