package dashboards

import (
	"fmt"

	"github.com/weir-go/weir/internal/selector"
)

var channel = board{
	uid:         uidChannel,
	title:       "weir / Channel",
	description: "One channel, or all channels of one name: how full it is, what flows through, who waits, and what was lost.",
	name:        nameFilter{title: "Channel", kind: "channel"},
	draw: func(c *canvas) {
		c.row("$name now", c.channelNow()...)
		c.row("Flow", c.flow()...)
		c.row("Waiting", c.waiting()...)
		c.row("Lifetime", c.lifetime()...)
	},
}

// watchedOnly stands where a channel made by Watch has nothing to say.
const watchedOnly = "unknown"

func (c *canvas) channelNow() []panel {
	const w, h = 3, 4
	return []panel{
		c.number(about{title: "Fill", unit: "percentunit", w: w, h: h, limits: above(0.7, 0.9), empty: "–", runbook: runbookFilling,
			text: "How full the fullest member is; a dash where there is no bound or no buffer. Normal: below 70%, with short bursts above. When it stays high, the receiver is slower than the senders. It is read at the scrape; for how long it was full see \"Time spent blocked\"."},
			most("", c.of("weir_channel_fill_ratio_max"))),
		c.number(about{title: "Depth", unit: "locale", w: w, h: h, empty: "not measured",
			text: "Messages buffered now, in all instances. Normal: falls back to near 0 after each burst."},
			sum("", c.of("weir_channel_depth"))),
		c.number(about{title: "Capacity", unit: "locale", w: w, h: h, empty: "unbounded",
			text: "Messages that fit, in all instances and members together. Normal: what the code says; a change of it is a release. Without a bound nothing stops the queue but memory: watch the floor, the oldest message and the net flow."},
			sum("", c.of("weir_channel_capacity"))),
		c.number(about{title: "Time to full", unit: "s", w: w, h: h, empty: "–", limits: below(3600, 600), runbook: runbookFilling,
			text: "When the first instance is full if it goes on growing as in the last 10 minutes. Normal: a dash, which also stands here where there is no bound. Less than an hour: find out now why the receiver falls behind."},
			c.timeToFull()),
		c.number(about{title: "Oldest message", unit: "s", w: w, h: h, limits: above(60, 300), empty: "unknown", runbook: runbookStalled,
			text: "How long the message at the head has waited, an upper bound. Normal: about the time that one message takes. \"Unknown\" where the channel is only watched."},
			most("", c.of("weir_channel_oldest_message_age_seconds"))),
		c.number(about{title: "Blocked senders", unit: "locale", w: w, h: h, limits: above(1, 10), empty: "unknown", runbook: runbookBlocked,
			text: "Goroutines that wait to send now. Normal: 0. Each holds its stack and whatever it was asked to do."},
			sum("", c.of("weir_channel_blocked_senders"))),
		c.number(about{title: "Refused", unit: "mps", w: w, h: h, limits: anyIs("orange"), empty: "unknown", runbook: runbookRejecting,
			text: "Sends per second that found no room, or gave up waiting for it. Normal: 0, or a few at peak load where refusing is the design."},
			sum("", c.refusedSends())),
		c.number(about{title: "Stalled", unit: "locale", w: w, h: h, limits: anyIs("red"), empty: "unknown", runbook: runbookStalled,
			text: "Members that hold messages or blocked senders and had no receive for the stall threshold. Normal: 0. Otherwise the receiver is stuck or gone."},
			sum("", c.of("weir_channel_stalled_members"))),
	}
}

func (c *canvas) flow() []panel {
	sent, received := c.rate("weir_channel_sends_total", is("outcome", "ok")), c.rate("weir_channel_receives_total")
	abandoned, unverified := c.rate("weir_channel_abandoned_messages_total"), c.rate("weir_channel_unverified_messages_total")
	return []panel{
		c.lines(about{title: "Depth", unit: "locale", w: 12, h: 9, runbook: runbookFilling,
			text: "Messages buffered, between the highest and the lowest depth of the last window (30 to 60 s). Normal: a wide band whose floor is near 0, bursts that drain. A rising floor is a backlog that stands. Peak and floor add up over members, so for a group they are bounds."},
			query{"Depth", sum("", c.of("weir_channel_depth"))},
			query{"Peak", sum("", c.of("weir_channel_depth_peak"))},
			query{"Floor", sum("", c.of("weir_channel_depth_floor"))},
			query{"Capacity", inReach(sum("", c.of("weir_channel_capacity")), sum("", c.of("weir_channel_depth_peak")))}).
			OverrideByName("Depth", color("blue").with("custom.fillOpacity", 0).with("custom.lineWidth", 2)).
			OverrideByName("Peak", color("light-blue").with("custom.fillBelowTo", "Floor").with("custom.fillOpacity", 15)).
			OverrideByName("Floor", color("purple").with("custom.fillOpacity", 0)).
			OverrideByName("Capacity", color("red").dashed()),
		c.lines(about{title: "Fill of the fullest member", empty: "without a bound", unit: "percentunit", w: 12, h: 9, limits: above(0.7, 0.9), runbook: runbookFilling,
			text: "How full the fullest channel of this name is, the highest floor of any (the least it held in the last window, 30 to 60 s), and all of them together: one bad member among thousands shows here, and not in a sum. Normal: fill below 70% with short bursts above, floor near 0. A floor above 70% is a receiver that has fallen behind for good. Empty for queues without a bound and for channels without a buffer."},
			query{"Fullest member", most("", c.of("weir_channel_fill_ratio_max"))},
			query{"Highest floor", most("", c.of("weir_channel_floor_ratio_max"))},
			query{"All together", sum("", c.of("weir_channel_depth")) + " / (" + sum("", c.of("weir_channel_capacity")) + " > 0)"}).
			OverrideByName("Fullest member", color("blue")).OverrideByName("Highest floor", color("purple")).
			OverrideByName("All together", color("light-blue").dashed()).Min(0).Max(1),
		c.lines(about{title: "Sent and received", empty: watchedOnly, unit: "mps", w: 8, h: 8,
			text: "Messages per second, in and out. Normal: the lines lie on each other. Where the sends are above the receives the queue grows by the gap."},
			query{"Sent", sum("", sent)}, query{"Received", sum("", received)}).
			OverrideByName("Sent", color("blue")).OverrideByName("Received", color("green")),
		c.lines(about{title: "Net flow", empty: watchedOnly, unit: "mps", w: 8, h: 8, runbook: runbookGrowing,
			text: "Sent minus received and lost, per second: how fast the depth changes. Normal: around 0. Above it the backlog grows, below it drains. Above 0 for many minutes with a steady load: the receiver is too slow for good."},
			query{"Net flow", sum("", sent) + " - " + sum("", union(received, labelled("lost", "abandoned", abandoned), labelled("lost", "unverified", unverified)))}).AxisCenteredZero(true).
			OverrideByName("Net flow", color("orange")),
		c.lines(about{title: "Sends that failed", empty: watchedOnly, unit: "mps", w: 8, h: 8, runbook: runbookRejecting,
			text: "Sends per second that did not get through: full (gave up at once), canceled (gave up waiting), closed (panicked). Normal: none. A panic on a closed channel is always a bug."},
			query{"{{outcome}}", sum("outcome", c.rate("weir_channel_sends_total", selector.Matcher{Label: "outcome", Op: "!=", Value: "ok"}))}).
			OverrideByName("full", color("orange")).OverrideByName("canceled", color("yellow")).OverrideByName("closed", color("red")),
	}
}

func (c *canvas) waiting() []panel {
	const w, h = 12, 8
	wait := "weir_channel_wait_seconds"
	return []panel{
		c.lines(about{title: "Blocked senders", empty: watchedOnly, unit: "locale", w: 8, h: 8, runbook: runbookBlocked,
			text: "Goroutines that wait to send, and on the right how long the first of them has waited. Normal: 0. A wait that rises as fast as the clock is a sender that nobody will free."},
			query{"Waiting", sum("", c.of("weir_channel_blocked_senders"))},
			query{"Longest wait", most("", c.of("weir_channel_oldest_blocked_sender_seconds"))}).
			OverrideByName("Waiting", color("orange")).OverrideByName("Longest wait", color("purple").onRight("s")),
		c.lines(about{title: "Oldest message", empty: watchedOnly, unit: "s", w: 8, h: h, runbook: runbookStalled,
			text: "How long the message at the head has waited, in the worst instance, and the age at which the channel counts as stalled. Normal: short and flat. A rise as fast as the clock: nothing is received at all."},
			query{"Oldest message", most("", c.of("weir_channel_oldest_message_age_seconds"))},
			query{"Stalled from", aggregate("min", "", c.of("weir_channel_stall_threshold_seconds"))}).
			OverrideByName("Oldest message", color("purple")).OverrideByName("Stalled from", color("red").dashed()),
		c.lines(about{title: "Time spent blocked", unit: "suffix:s/s", w: 8, h: h, runbook: runbookFull,
			text: "Seconds that senders spent waiting, per second, and members that were full on average. Normal: near 0. A wait counts when it ends: for those that go on see the blocked senders."},
			query{"Senders blocked", sum("", c.rateOfSum("weir_channel_send_blocked_seconds"))},
			query{"Members full", sum("", c.rate("weir_channel_full_seconds_total"))}).
			OverrideByName("Senders blocked", color("orange")).OverrideByName("Members full", color("red")),
		c.quantiles(about{title: "Time in the queue", empty: "nothing received", unit: "s", w: w, h: h,
			text: "From sent to received: half of the messages wait less than p50, one in a hundred longer than p99. Normal: flat, far below what the sender can bear. " + howExact + " Empty where receivers take from the channel natively."},
			wait),
		c.cells(about{title: "Time in the queue, all messages", empty: "nothing received", unit: "s", w: w, h: h,
			text: "How many messages per second waited how long. Normal: one band that stays where it is. A second band is a second kind of work or a receiver that pauses; a band that climbs is a backlog."},
			"mps", wait),
		c.lines(about{title: "Late messages", empty: "no target set", unit: "percentunit", w: w, h: h, runbook: runbookLate,
			text: "The share of messages that waited longer than the target of WithWaitTarget. Normal: far below what you promised; a target of 99% allows 1%. Above that for an hour: the receiver is too slow for the load. Empty where the program sets no target."},
			query{"Over target", fmt.Sprintf("%s / (%s > 0)", sum("", c.rate("weir_channel_waits_over_target_total")), sum("", c.rate("weir_channel_waits_total")))}).
			Max(1).OverrideByName("Over target", color("orange")),
		c.lines(about{title: "Buffered bytes", empty: "not measured", unit: "bytes", w: w, h: h, runbook: runbookGrowing,
			text: "What the buffered messages weigh, estimated from their sizes. Normal: falls back with the depth. Empty unless the channel was made WithBytes; when it grows with the heap, this queue holds the memory."},
			query{"Buffered", sum("", c.of("weir_channel_buffered_bytes"))}).OverrideByName("Buffered", color("blue")),
	}
}

func (c *canvas) lifetime() []panel {
	const h = 8
	return []panel{
		c.lines(about{title: "Members", unit: "locale", w: 8, h: h,
			text: "Channels that live under this name, closed ones that are not collected yet included. Normal: follows the number of connections or workers that own one. A line that only rises: somebody keeps them."},
			query{"Members", sum("", c.of("weir_channel_members"))},
			query{"Stalled", sum("", c.of("weir_channel_stalled_members"))}).
			OverrideByName("Members", color("blue")).OverrideByName("Stalled", color("red")),
		c.lines(about{title: "Made and closed", unit: "cps", w: 8, h: h,
			text: "Channels made and closed per second. Normal: both lines lie on each other, or closing is not this channel's habit. Made and never closed, with rising members, is a leak of channels."},
			query{"Made", sum("", c.rate("weir_channel_created_total"))},
			query{"Closed", sum("", c.rate("weir_channel_closed_total"))}).
			OverrideByName("Made", color("blue")).OverrideByName("Closed", color("green")),
		c.lines(about{title: "Messages lost", empty: watchedOnly, unit: "mps", w: 8, h: h,
			text: "Messages per second whose channel was collected before they were received. Abandoned: certainly lost. Unverified: a native receiver may have had them. Normal: 0 abandoned. Otherwise a receiver left before the queue was drained."},
			query{"Abandoned", sum("", c.rate("weir_channel_abandoned_messages_total"))},
			query{"Unverified", sum("", c.rate("weir_channel_unverified_messages_total"))}).
			OverrideByName("Abandoned", color("red")).OverrideByName("Unverified", color("yellow")),
		c.byInstance("channel", "Pressure",
			valueColumn{title: "Pressure", expr: c.pressure(instance), unit: "percentunit", width: 200, gauge: true, limits: above(0.7, 0.9)},
			valueColumn{title: "Depth", expr: sum(instance, c.of("weir_channel_depth")), unit: "locale", width: 90},
			valueColumn{title: "Oldest", expr: most(instance, c.of("weir_channel_oldest_message_age_seconds")), unit: "s", width: 90, empty: "unknown"},
			valueColumn{title: "Sent", expr: sum(instance, c.rate("weir_channel_sends_total", is("outcome", "ok"))), unit: "mps", width: 110, empty: "unknown"},
			valueColumn{title: "Received", expr: sum(instance, c.rate("weir_channel_receives_total")), unit: "mps", width: 110, empty: "unknown"}),
		c.inTheProgram("channel", labelColumn{label: "elem", title: "Messages", width: 130}, labelColumn{label: "bounded", title: "Bounded", width: 95}),
	}
}
