package alerts

import (
	"fmt"
	"time"
)

// A wait budget is the share of a channel's messages that may wait for longer than
// the target that the program set (WithWaitTarget). It burns at rate 1 when it is
// used up just at the end of its period. Each row below is true while it burns
// faster than rate over long, and still does over short, so that it ends soon
// after the cause has. The windows are those for a period of thirty days, and
// shrink and grow with it: what share of the budget is gone by then stays.
var burns = []struct {
	severity    Severity
	rate        float64
	long, short time.Duration
}{
	{Critical, 14.4, time.Hour, 5 * time.Minute},
	{Critical, 6, 6 * time.Hour, 30 * time.Minute},
	{Warning, 3, 24 * time.Hour, 2 * time.Hour},
	{Warning, 1, 72 * time.Hour, 6 * time.Hour},
}

// fastestBurn is the highest rate in burns. A budget of more than its reciprocal
// could never burn that fast.
const fastestBurn = 14.4

// defaultBudgetPeriod is the period for which burns has the windows.
const defaultBudgetPeriod = 30 * 24 * time.Hour

// minOverTarget is how many messages must have waited too long within a short
// window: of three messages a day one is a third.
const minOverTarget = 10

// object without the processes: a budget is the service's, and outlives them.
const objectOfService = "cluster, namespace, job, name"

func budgetAlerts() []Alert {
	row := func(severity Severity, hold time.Duration, when, text, why string) Alert {
		return Alert{
			Name: "WeirWaitBudgetBurning", Kind: "channel", Severity: severity, Board: "weir-channel",
			When:        when,
			Summary:     "Messages of channel {{ $labels.name }} of {{ $labels.job }} wait too long" + text,
			Description: "{{ $value | humanizePercentage }} of them waited longer than the target that the program set, by which the budget of such waits burns too fast.",
			Threshold:   0.01, Unit: "share of the waits that may be over the target, in the budget's period",
			For: hold, KeepFiring: 5 * time.Minute,
			Why:  why,
			most: 1 / fastestBurn,
			expr: func(q query) string { return burning(q, severity) },
		}
	}
	return []Alert{
		row(Critical, 2*time.Minute, "messages wait too long: the budget of such waits is gone in days", "", "The windows are the wait: a fiftieth of the budget is gone in the long one, and the short one says that it goes on. Two minutes more are for the scrapes after a restart."),
		row(Warning, 15*time.Minute, "messages wait too long: the budget of such waits does not last", ", slowly but for long", "A tenth of the budget is gone over days, so a quarter of an hour more costs nothing and spares what has just ended."),
	}
}

// burning is true for the instances over whose messages a budget burns, where it
// burns for the service as a whole.
func burning(q query, severity Severity) string {
	var expr string
	for _, b := range burns {
		if b.severity != severity {
			continue
		}
		if expr != "" {
			expr += "\nor\n"
		}
		short, long := q.scaled(b.short), q.scaled(b.long)
		most := fmt.Sprintf("%v * %v", b.rate, q.threshold)
		expr += fmt.Sprintf(`  %[1]s > %[4]s
and on (%[5]s)
  %[2]s > %[4]s
and on (%[5]s)
  %[3]s > %[4]s
and on (%[5]s)
  sum by (%[5]s) (increase(%[6]s[%[7]s])) >= %[8]d`,
			q.overTarget(object, short), q.overTarget(objectOfService, short), q.overTarget(objectOfService, long), most,
			objectOfService, q.series("weir_channel_waits_over_target_total"), duration(short), minOverTarget)
	}
	return expr
}

// overTarget is the share of waits that were too long: recorded, or worked out
// where there is no recording.
func (q query) overTarget(by string, over time.Duration) string {
	if q.recorded {
		return recordName(by, over)
	}
	return "(" + q.shareOverTarget(by, over) + ")"
}

func (q query) shareOverTarget(by string, over time.Duration) string {
	rate := func(metric string) string {
		return fmt.Sprintf("sum by (%s) (rate(%s[%s]))", by, q.series(metric), duration(over))
	}
	return fmt.Sprintf("%s / (%s > 0)", rate("weir_channel_waits_over_target_total"), rate("weir_channel_waits_total"))
}

func recordName(by string, over time.Duration) string {
	level := "instance_name"
	if by == objectOfService {
		level = "job_name"
	}
	return fmt.Sprintf("%s:weir_channel_waits_over_target:ratio_rate%s", level, duration(over))
}

// budgetRecords are the recording rules that burning asks: the long windows are
// worked out once, and not by each alert.
func budgetRecords(q query) (short, long []rule) {
	known := make(map[string]bool)
	add := func(by string, over time.Duration) {
		r := rule{Record: recordName(by, q.scaled(over)), Expr: q.shareOverTarget(by, q.scaled(over))}
		switch {
		case known[r.Record]: // a long window that is another's short one
		case over <= time.Hour:
			short = append(short, r)
		default:
			long = append(long, r)
		}
		known[r.Record] = true
	}
	for _, b := range burns {
		add(object, b.short)
		add(objectOfService, b.short)
		add(objectOfService, b.long)
	}
	return short, long
}

// scaled is a window for the period that was asked for.
func (s settings) scaled(window time.Duration) time.Duration {
	return time.Duration(float64(window) * (float64(s.BudgetPeriod) / float64(defaultBudgetPeriod))).Truncate(time.Millisecond)
}
