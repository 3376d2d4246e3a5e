package alerts

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// identity is the labels that tell one object from another. A label that a setup
// does not have is empty on all sides and so matches.
const identity = "cluster, namespace, job, instance, pod, name"

// query writes expressions for one alert with a team's settings.
type query struct {
	settings
	threshold float64
}

// series writes a metric with the matchers given and the team's own.
func (q query) series(metric string, matchers ...string) string {
	all := slices.Concat(matchers, q.selector)
	if len(all) == 0 {
		return metric
	}
	return metric + "{" + strings.Join(all, ",") + "}"
}

// seen writes the highest value of a gauge lately, for what is true once it was
// seen: a scrape that is missing does not end it. For all else it would be
// wrong: one reading counts for the whole lookback, and outlasts a shorter for.
func (q query) seen(metric string, matchers ...string) string {
	return fmt.Sprintf("max_over_time(%s[%s])", q.series(metric, matchers...), duration(q.Lookback))
}

// throughout writes the lowest value of a gauge lately, for what must last: one
// odd scrape does not begin it, one that is missing does not end it.
func (q query) throughout(metric string) string {
	return fmt.Sprintf("min_over_time(%s[%s])", q.series(metric), duration(q.Lookback))
}

// last writes the newest value of a series that another is held against. A scrape
// that failed ends an instant selector at once, while what looks back goes on: a
// process that has ended would then lose its capacity or limit first, and be
// paged for having none; one that misses a scrape would begin its for anew.
func (q query) last(metric string, over time.Duration, matchers ...string) string {
	return fmt.Sprintf("last_over_time(%s[%s])", q.series(metric, matchers...), duration(over))
}

func stalled(q query) string {
	return q.throughout("weir_channel_stalled_members") + " > 0"
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
		floor, q.threshold, q.threshold/2, identity, indent(q.rise()),
		q.series("weir_channel_depth_floor"), duration(q.Window), (3 * q.Window).Seconds(),
		q.last("weir_channel_capacity", q.Lookback))
}

// growing is true for an unbounded queue that rises.
func growing(q query) string {
	return fmt.Sprintf(`%s > %v
unless on (%s)
  %s`, q.rise(), q.threshold, identity, q.last("weir_channel_capacity", q.Window/3))
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

// minRejects, in a second, keeps a channel quiet that is hardly used: of three
// sends one refused is a third.
const minRejects = 0.1

func rejecting(q query) string {
	rate := func(outcomes string) string {
		return fmt.Sprintf("sum without (outcome) (rate(%s[%s]))",
			q.series("weir_channel_sends_total", outcomes), duration(q.Window/2))
	}
	// Senders that gave up waiting lost their messages as well: that is how a
	// bound too small looks where senders have a deadline.
	refused := rate(`outcome=~"full|canceled"`)
	return fmt.Sprintf(`(
    %[1]s
  /
    %[2]s
) > %[3]v
and
  %[1]s > %[4]v`, refused, rate(`outcome=~"ok|full|canceled"`), q.threshold, minRejects)
}

func exhausted(q query) string {
	return fmt.Sprintf("%s >= (%s > 0)", q.throughout("weir_semaphore_in_use_floor"), q.last("weir_semaphore_permits_limit", q.Lookback))
}

func leaked(q query) string {
	return fmt.Sprintf("max without (kind, reason, evidence) (%s) > 0",
		q.seen("weir_leak_suspects", `kind="semaphore"`, `reason="unreleased"`, `evidence="collected"`))
}

func stuck(q query) string {
	oldest, limit := q.throughout("weir_pool_oldest_task_seconds"), q.last("weir_pool_task_threshold_seconds", q.Lookback)
	return fmt.Sprintf(`%[1]s > %[2]s
or
  (%[1]s > %[3]v unless %[2]s)`, oldest, limit, q.threshold)
}

// owned adds the owner label of the object's info series. Where that is missing,
// as in a setup that drops it, or where there are several owners, as after a
// change until the old series is forgotten, the alert stays, without an owner:
// an expression that only joined would be empty in the one case and an error in
// the other, and nobody would be paged. (A topk would choose anew each time, and
// an alert whose labels change begins again.)
func (q query) owned(kind, expr string) string {
	return fmt.Sprintf(`(
%[1]s
)
* on (%[2]s) group_left (owner)
  (
      max by (%[2]s, owner) (%[3]s)
    unless on (%[2]s)
      count by (%[2]s) (max by (%[2]s, owner) (%[3]s)) > 1
  )
or on (%[2]s)
(
%[1]s
)`, indent(expr), identity, q.last("weir_instrument_info", q.Lookback, fmt.Sprintf("kind=%q", kind), `owner!=""`))
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// duration writes d as Prometheus does: 90s, 2m, 1h.
func duration(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d/time.Millisecond)
}
