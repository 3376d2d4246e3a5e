package alerts

import (
	"fmt"
	"time"
)

func channelAlerts() []Alert {
	return []Alert{
		{
			Name: "WeirChannelStalled", Kind: "channel", Severity: Critical, Board: "weir-channel",
			When:        "messages are in a channel and nobody receives",
			Summary:     "Channel {{ $labels.name }} of {{ $labels.job }} is stalled: it holds messages and nobody receives",
			Description: "{{ $value }} of the channels under this name hold messages or blocked senders and had no receive for longer than the stall threshold that the program set.",
			Program:     "weir_channel_stall_threshold_seconds",
			For:         time.Minute, KeepFiring: 5 * time.Minute,
			Why:   "The program has waited for its own stall threshold, and it holds at every scrape of the lookback; a minute more is for a process that has had one scrape only.",
			Mutes: []string{"WeirQueueGrowing"},
			expr:  stalled,
		},
		{
			Name: "WeirChannelFull", Kind: "channel", Severity: Warning, Board: "weir-channel",
			When:        "a channel is hardly ever anything but full",
			Summary:     "Channel {{ $labels.name }} of {{ $labels.job }} is full",
			Description: "It was full {{ $value | humanizePercentage }} of the time (of several channels under this name, the worst one or all of them together): senders wait, or are refused.",
			Threshold:   0.9, Unit: "share of the time, 0 to 1",
			For: 5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:   "Being full is what a bound is for, in a burst; full for minutes means that it sets the pace of its senders.",
			Mutes: []string{"WeirChannelFillingUp", "WeirChannelGrowing"},
			expr:  full,
		},
		{
			Name: "WeirChannelFillingUp", Kind: "channel", Severity: Warning, Board: "weir-channel",
			When:        "a channel stands nearly full, or soon will",
			Summary:     "Channel {{ $labels.name }} of {{ $labels.job }} is filling up",
			Description: "The fullest channel under this name has not been emptier than {{ $value | humanizePercentage }} lately: a standing queue and not a burst. Soon senders block, or messages are refused.",
			Threshold:   0.8, Unit: "share of the capacity, 0 to 1",
			For: 5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:   "The floor at every scrape of the lookback is free of bursts already; five minutes more leave a deployment or a rebalance time to pass.",
			Mutes: []string{"WeirChannelGrowing"},
			expr:  fillingUp,
		},
		{
			Name: "WeirChannelGrowing", Kind: "channel", Severity: Warning, Board: "weir-channel",
			When:        "the queue that stands in a channel keeps growing",
			Summary:     "The queue that stands in channel {{ $labels.name }} of {{ $labels.job }} keeps growing",
			Description: "In {{ $value }} of the channels under this name the lowest depth has only risen for twice the stall threshold that the program set, and still rises: more is sent than received.",
			Program:     "weir_channel_stall_threshold_seconds",
			For:         5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "The program has followed each floor for twice its stall threshold already; five minutes more are for a load that rises in steps.",
			expr: channelGrowing,
		},
		{
			Name: "WeirChannelRejecting", Kind: "channel", Severity: Warning, Board: "weir-channel",
			When:        "a channel refuses messages, or senders give up",
			Summary:     "Channel {{ $labels.name }} of {{ $labels.job }} loses messages: refused, or given up",
			Description: "{{ $value | humanizePercentage }} of the sends found it full and were refused, or gave up waiting for room.",
			Threshold:   0.01, Unit: "share of the sends, 0 to 1",
			For: 5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:   "Refusing in a burst is what a bound is for; refusing for minutes is lost work.",
			Mutes: []string{"WeirChannelFull", "WeirChannelFillingUp", "WeirChannelGrowing"},
			expr:  channelRejecting,
		},
		{
			Name: "WeirSenderBlocked", Kind: "channel", Severity: Warning, Board: "weir-channel",
			When:        "somebody waits to send for longer than the stall threshold",
			Summary:     "A sender to channel {{ $labels.name }} of {{ $labels.job }} is blocked for too long",
			Description: "It waits for {{ $value | humanizeDuration }} to send, longer than the stall threshold that the program set.",
			Program:     "weir_channel_stall_threshold_seconds",
			For:         0, KeepFiring: 5 * time.Minute,
			Why:   "How long it has waited is the value itself; seen once it is true.",
			Mutes: []string{"WeirChannelFull"},
			expr:  senderBlocked,
		},
		{
			Name: "WeirQueueGrowing", Kind: "channel", Severity: Critical, Board: "weir-channel",
			When:        "an unbounded queue grows and does not drain, and the heap with it",
			Summary:     "Unbounded queue {{ $labels.name }} of {{ $labels.job }} grows and does not drain",
			Description: "Its lowest depth rose by {{ $value | humanize }} messages within minutes and keeps rising, and the heap with it where that is known. Nothing bounds it but the memory of the process.",
			Threshold:   1000, Unit: "messages that the floor rises in a third of the window",
			For: 2 * time.Minute, KeepFiring: 10 * time.Minute,
			Why:  "The condition compares the ends of a window, so it is slow to become true; it stays for a window, because a leak that pauses has not ended.",
			expr: queueGrowing,
		},
	}
}

func stalled(q query) string {
	return q.throughout("weir_channel_stalled_members") + " > 0"
}

// full is true where the channels of a name are full nearly always, however short
// the moments between that a scrape does not see, and where one of them has not
// had room at all.
func full(q query) string {
	return fmt.Sprintf(`clamp_max(
    %s
  /
    (max_over_time(%s[%s]) > 0),
  1) >= %v
or
  %s >= 1`,
		q.rate("weir_channel_full_seconds_total"), q.series("weir_channel_members"), duration(q.recent()), q.threshold,
		q.throughout("weir_channel_floor_ratio_max"))
}

// fillingUp is true for a channel that stands high, and for one that stands less
// high but rises and will be full, at the pace of the last window, within three
// more. The value is how high it stands either way.
func fillingUp(q query) string {
	floor := q.throughout("weir_channel_floor_ratio_max")
	return fmt.Sprintf(`%[1]s >= %[2]v
or
  %[1]s >= %[3]v
and on (%[4]s)
%[5]s > 0
and on (%[4]s)
  predict_linear(%[6]s[%[7]s], %[8]v) >= %[9]s`,
		floor, q.threshold, q.threshold/2, object, indent(q.rise()),
		q.series("weir_channel_depth_floor"), duration(q.Window), (3 * q.Window).Seconds(),
		q.last("weir_channel_capacity", q.Lookback))
}

// channelGrowing leaves it to the program to follow floors: it looks at each
// channel and not at their sum, and every second and not at every scrape.
func channelGrowing(q query) string {
	return fmt.Sprintf("max without (reason, evidence) (%s) > 0",
		q.seen("weir_leak_suspects", `kind="channel"`, `reason="growing"`))
}

func channelRejecting(q query) string {
	// Senders that gave up waiting lost their messages as well: that is how a
	// bound too small looks where senders have a deadline.
	return q.refused("weir_channel_sends_total", "full|canceled")
}

func senderBlocked(q query) string {
	return fmt.Sprintf("%s > %s", q.seen("weir_channel_oldest_blocked_sender_seconds"),
		q.last("weir_channel_stall_threshold_seconds", q.Lookback))
}

// queueGrowing is true for an unbounded queue that rises, unless the heap of its
// process is known and does not.
func queueGrowing(q query) string {
	return fmt.Sprintf(`%[1]s > %[2]v
unless on (%[3]s)
  %[4]s
unless on (%[5]s)
  %[6]s
unless on (%[5]s)
  %[7]s`, q.rise(), q.threshold, object, q.last("weir_channel_capacity", q.Window/3), process,
		q.level("go_memstats_heap_inuse_bytes"),
		q.level("go_memory_used_bytes", `go_memory_type="other"`)) // as OpenTelemetry's runtime metrics have it
}

// heapRise is by how much the heap is to be higher than two thirds of a window
// before: a tenth an hour. Less is within what collections leave behind.
const heapRise = 1.01

// level is true for a size of the heap that does not rise. Between collections it
// goes up and down, so the lowest values are compared.
func (q query) level(metric string, matchers ...string) string {
	third, gap := duration(q.Window/3), duration(q.Window/3*2)
	s := q.series(metric, matchers...)
	return fmt.Sprintf("min_over_time(%[1]s[%[2]s]) <= %[4]v * min_over_time(%[1]s[%[2]s] offset %[3]s)", s, third, gap, heapRise)
}

// rise is how much the lowest floor of the last third of a window is above the
// highest of the first third. A queue that bursts, or drains now and then, does
// not get above 0, nor does one that rose once and stands: a fitted slope sees
// that step for the whole window. The third between them is what makes a steady
// slope count.
func (q query) rise() string {
	third, gap := duration(q.Window/3), duration(q.Window/3*2)
	return fmt.Sprintf(`(
    min_over_time(%[1]s[%[2]s])
  -
    max_over_time(%[1]s[%[2]s] offset %[3]s)
)`, q.series("weir_channel_depth_floor"), third, gap)
}
