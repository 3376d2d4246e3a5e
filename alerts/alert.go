package alerts

import "time"

// Severity says who is to be woken: critical at once, warning in working hours,
// info nobody.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Alert is one row of the table.
type Alert struct {
	Name     string // also the name of its runbook
	Kind     string // "channel", "semaphore" or "pool": whose owner and board it has
	Severity Severity

	// Summary is one line with the names in it; Description adds the value
	// with its unit and what it means. Both are Prometheus templates.
	Summary, Description string

	// Threshold is what Config.Thresholds may change, in Unit. An alert
	// without a Unit has none: its threshold is set in the program.
	Threshold float64
	Unit      string

	// For is how long the condition holds before anybody is told, and
	// KeepFiring how long the alert stays after it ended. Why says why these.
	For, KeepFiring time.Duration
	Why             string

	expr func(q query) string
}

// Table returns the alerts that are shipped, in the order of their rules.
func Table() []Alert {
	return []Alert{
		{
			Name: "WeirChannelStalled", Kind: "channel", Severity: Critical,
			Summary:     "Channel {{ $labels.name }} of {{ $labels.job }} is stalled: it holds messages and nobody receives",
			Description: "{{ $value }} of the channels under this name hold messages or blocked senders and had no receive for longer than the stall threshold that the program set.",
			For:         time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "The program has waited for its own stall threshold, and it holds at every scrape of the lookback; a minute more is for a process that has had one scrape only.",
			expr: stalled,
		},
		{
			Name: "WeirChannelFillingUp", Kind: "channel", Severity: Warning,
			Summary:     "Channel {{ $labels.name }} of {{ $labels.job }} is filling up",
			Description: "The fullest channel under this name has not been emptier than {{ $value | humanizePercentage }} lately: a standing queue and not a burst. Soon senders block, or messages are refused.",
			Threshold:   0.8, Unit: "share of the capacity, 0 to 1",
			For: 5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "The floor at every scrape of the lookback is free of bursts already; five minutes more leave a deployment or a rebalance time to pass.",
			expr: fillingUp,
		},
		{
			Name: "WeirQueueGrowing", Kind: "channel", Severity: Critical,
			Summary:     "Unbounded queue {{ $labels.name }} of {{ $labels.job }} grows and does not drain",
			Description: "Its lowest depth rose by {{ $value | humanize }} messages within minutes and keeps rising. Nothing bounds it but the memory of the process.",
			Threshold:   1000, Unit: "messages that the floor rises in a third of the window",
			For: 2 * time.Minute, KeepFiring: 10 * time.Minute,
			Why:  "The condition compares the ends of a window, so it is slow to become true; it stays for a window, because a leak that pauses has not ended.",
			expr: growing,
		},
		{
			Name: "WeirChannelRejecting", Kind: "channel", Severity: Warning,
			Summary:     "Channel {{ $labels.name }} of {{ $labels.job }} loses messages: refused, or given up",
			Description: "{{ $value | humanizePercentage }} of the sends found it full and were refused, or gave up waiting for room.",
			Threshold:   0.01, Unit: "share of the sends, 0 to 1",
			For: 5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "Refusing in a burst is what a bound is for; refusing for minutes is lost work.",
			expr: rejecting,
		},
		{
			Name: "WeirSemaphoreExhausted", Kind: "semaphore", Severity: Critical,
			Summary:     "Semaphore {{ $labels.name }} of {{ $labels.job }} has no permit left",
			Description: "All {{ $value }} permits were taken without a break; whoever asks waits or is refused.",
			For:         time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "At every scrape of the lookback the floor says that none was free for the half minute before, which is no burst; a minute more is for a process that has had one scrape only.",
			expr: exhausted,
		},
		{
			Name: "WeirPermitLeaked", Kind: "semaphore", Severity: Critical,
			Summary:     "Semaphore {{ $labels.name }} of {{ $labels.job }} has lost permits for good",
			Description: "{{ $value }} permits were never released: the garbage collector found them dropped. The label site of weir_semaphore_leaked_permits_total names the line that took them.",
			For:         0, KeepFiring: 5 * time.Minute,
			Why:  "It is proven, and no permit comes back by waiting.",
			expr: leaked,
		},
		{
			Name: "WeirTaskStuck", Kind: "pool", Severity: Critical,
			Summary:     "A task of pool {{ $labels.name }} of {{ $labels.job }} does not end",
			Description: "It has run for {{ $value | humanizeDuration }} or more, longer than its limit, and holds a worker.",
			Threshold:   600, Unit: "seconds, where the program set no limit",
			For: time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "A task was over its limit at every scrape of the lookback, so one that ends late pages nobody; a minute more is for a process that has had one scrape only.",
			expr: stuck,
		},
	}
}
