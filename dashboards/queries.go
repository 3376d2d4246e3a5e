package dashboards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-go/weir/internal/selector"
)

// series returns the PromQL selector of a metric's series.
func series(metric string, matchers []selector.Matcher) string {
	if len(matchers) == 0 {
		return metric
	}
	parts := make([]string, len(matchers))
	for i, m := range matchers {
		parts[i] = m.String()
	}
	return metric + "{" + strings.Join(parts, ",") + "}"
}

// scope makes queries that see only what the variables of a board select.
type scope struct {
	metricPrefix string
	processes    []selector.Matcher // what every series has to match
	name         selector.Matcher   // what the label name has to match
}

func (s settings) scope(name nameFilter) scope {
	all := s.selector
	for _, f := range filters {
		all = append(all[:len(all):len(all)], selector.Matcher{Label: f.label, Op: "=~", Value: "$" + f.label})
	}
	return scope{metricPrefix: s.metricPrefix, processes: all, name: name.matcher()}
}

// of returns the selector of a metric of named objects. Extra matchers are
// written as in PromQL.
func (s scope) of(metric string, extra ...selector.Matcher) string {
	return series(s.metricPrefix+metric, append(extra[:len(extra):len(extra)], append([]selector.Matcher{s.name}, s.processes...)...))
}

// ofAll returns the selector of a metric of whole processes.
func (s scope) ofAll(metric string, extra ...selector.Matcher) string {
	return series(s.metricPrefix+metric, append(extra[:len(extra):len(extra)], s.processes...))
}

// is is the matcher that a label has a value.
func is(label, value string) selector.Matcher {
	return selector.Matcher{Label: label, Op: "=", Value: value}
}

// in is the matcher that a label has one of some plain words.
func in(label string, values ...string) selector.Matcher {
	return selector.Matcher{Label: label, Op: "=~", Value: strings.Join(values, "|")}
}

// alerts returns the selector of ALERTS, or of the series that says since when.
// A rule that sums over instances has lost that label, and the one on call must
// still see its alert: so one passes where the label is absent. On the board of
// one object it must bear the name, or it is about another.
func (s scope) alerts(metric string, extra ...selector.Matcher) string {
	all := append(slices.Clone(extra), selector.Matcher{Label: "alertname", Op: "=~", Value: "Weir.*"}, s.name)
	if s.name.Op == "=~" {
		all[len(all)-1] = s.name.OrAbsent()
	}
	for _, m := range s.processes {
		all = append(all, m.OrAbsent())
	}
	return series(metric, all)
}

// rate is the increase of a counter per second.
func (s scope) rate(counter string, extra ...selector.Matcher) string {
	return "rate(" + s.of(counter, extra...) + "[$__rate_interval])"
}

// rateOfSum is the seconds that a histogram gained per second, per series: from
// a native histogram where there is one, which has no series _sum.
func (s scope) rateOfSum(histogram string) string {
	return fmt.Sprintf("(histogram_sum(%s) or %s)", s.rate(histogram), s.rate(histogram+"_sum"))
}

// quantile reads a histogram whichever way it was scraped. The result has the
// labels of by, and is absent where nothing was observed, which would be NaN.
func (s scope) quantile(q float64, by, histogram string) string {
	native := sum(by, s.rate(histogram))
	classic := sum(strings.TrimPrefix(by+", le", ", "), s.rate(histogram+"_bucket"))
	return fmt.Sprintf("(histogram_quantile(%v, %s) or histogram_quantile(%v, %s)) >= 0", q, native, q, classic)
}

// heat is a histogram's new observations per second, by bucket. Where both
// kinds were scraped the native one alone is drawn.
func (s scope) heat(histogram string) string {
	native := sum("", s.rate(histogram))
	classic := sum("le", s.rate(histogram+"_bucket"))
	return fmt.Sprintf("%s or (%s unless on () %s)", native, classic, native)
}

// total is a sum that is 0 where the objects were measured and had nothing to
// say, and absent where nothing was measured: a board must not show a healthy
// zero for a service that it does not see.
func (s scope) total(expr string) string {
	return fmt.Sprintf("sum(%s) or 0 * %s", expr, s.measured())
}

// count is like total, with the number of series.
func (s scope) count(expr string) string {
	return fmt.Sprintf("count(%s) or 0 * %s", expr, s.measured())
}

// measured is the number of processes that are seen.
func (s scope) measured() string { return "count(" + s.ofAll("weir_build_info") + ")" }

// refusals is the work turned away per second, by kind and object: at once, or
// when it gave up waiting. For users the two are the same.
func (s scope) refusals() string {
	return union(
		labelled("kind", "channel", sum(object, s.refusedSends())),
		labelled("kind", "semaphore", sum(object, s.refusedAcquires())),
		labelled("kind", "pool", sum(object, s.rate("weir_pool_rejected_total"))))
}

func (s scope) refusedSends() string {
	return s.rate("weir_channel_sends_total", in("outcome", "full", "canceled"))
}

func (s scope) refusedAcquires() string {
	return s.rate("weir_semaphore_acquires_total", in("outcome", "rejected", "canceled"))
}

// blocked is the seconds that goroutines waited to send or to acquire, per
// second, by kind and object: how many were waiting on average.
func (s scope) blocked() string {
	return union(
		labelled("kind", "channel", sum(object, s.rateOfSum("weir_channel_send_blocked_seconds"))),
		labelled("kind", "semaphore", sum(object, s.rateOfSum("weir_semaphore_acquire_wait_seconds"))))
}

// pressure is how near a channel is to trouble, 0 to 1, where it is nearest: how
// full it is, or how old its oldest message is against a fifth of the age at which
// it counts as stalled (a minute, unless the program says otherwise), whichever is
// more. The age alone speaks for channels without a bound.
func (s scope) pressure(by string) string {
	fill := most(by, s.of("weir_channel_fill_ratio_max"))
	age := fmt.Sprintf("clamp_max(5 * %s / %s, 1)",
		most(by, s.of("weir_channel_oldest_message_age_seconds")), aggregate("min", by, s.of("weir_channel_stall_threshold_seconds")))
	return most(by, union(labelled("of", "fill", fill), age))
}

// permitsUsed is the share of a semaphore's permits that are taken.
func (s scope) permitsUsed() string { return s.ofLimit("weir_semaphore_permits_in_use") }

// ofLimit is a number of permits as a share of all there are.
func (s scope) ofLimit(permits string) string {
	return fmt.Sprintf("%s / (%s > 0)", s.of(permits), s.of("weir_semaphore_permits_limit"))
}

// exhausted is the semaphores of which one had no free permit at any moment of the
// last window: being used up for an instant is no fault.
func (s scope) exhausted() string { return s.of("weir_semaphore_floor_ratio_max") + " >= 1" }

// workersBusy is the share of a pool's workers that run a task.
func (s scope) workersBusy() string {
	return fmt.Sprintf("%s / (%s > 0)", s.of("weir_pool_workers_busy"), s.of("weir_pool_workers"))
}

// utilisation is the share of the workers' time that went into tasks, or where
// times are not known of the workers that run one.
func (s scope) utilisation() string {
	return fmt.Sprintf("%s / (%s > 0) or %s", s.rate("weir_pool_busy_seconds_total"), s.of("weir_pool_workers"), s.workersBusy())
}

// queueFill is how full a pool's queue is.
func (s scope) queueFill() string {
	return fmt.Sprintf("%s / (%s > 0)", s.of("weir_pool_queue_depth"), s.of("weir_pool_queue_capacity"))
}

// The states of an object, as state has them.
const (
	stateWell = iota
	stateStrained
	stateAtLimit
	stateSuspect
)

// state is how each object does, by kind, as one of the states above: its own
// pressure, and over it what is suspected of it. It is asked at every point of a
// course, so instances are taken together before anything else is done.
func (s scope) state() string {
	// From 0.7 on it is 1, and 2 from 0.9 on.
	channel := fmt.Sprintf("clamp_min(floor(5 * %s - 2.5), %d)", s.pressure(object), stateWell)
	permits := most(object, s.of("weir_semaphore_floor_ratio_max"))
	semaphore := fmt.Sprintf("(%s >= bool 0.8) + (%s >= bool 1)", permits, permits)
	workers := fmt.Sprintf("%s >= bool 0.8", most(object, s.workersBusy()))
	queue := fmt.Sprintf("%d * (%s >= bool 1)", stateAtLimit, most(object, s.queueFill()))
	suspect := fmt.Sprintf("%d * (%s > bool 0)", stateSuspect, sum(kindOfObject, s.of("weir_leak_suspects", in("kind", "channel", "semaphore", "pool"))))
	return most(kindOfObject, union(
		labelled("kind", "channel", channel), labelled("kind", "semaphore", semaphore),
		labelled("kind", "pool", workers), labelled("kind", "pool", labelled("of", "queue", queue)),
		labelled("of", "suspects", suspect)))
}

// inReach is a limit where a level came up to a fifth of it in the time shown. A
// bound far above would press the level flat on the same axis.
func inReach(limit, level string) string {
	return fmt.Sprintf("%s and max_over_time((%s)[$__range:$__interval] @ end()) > 0.2 * %s", limit, level, limit)
}

// trend is the window in which growth is looked for. It is fixed, because an
// estimate of when a channel is full must not change with the zoom.
const trend = "[10m]"

// A runtimeMetric is what Go programs export of themselves: by client_golang, and
// by OpenTelemetry's runtime instrumentation.
type runtimeMetric struct {
	prometheus, otel string
	labels           []selector.Matcher // of the latter
}

var (
	heapInUse  = runtimeMetric{"go_memstats_heap_inuse_bytes", "go_memory_used_bytes", []selector.Matcher{is("go_memory_type", "other")}}
	allocated  = runtimeMetric{prometheus: "go_memstats_alloc_bytes_total", otel: "go_memory_allocated_bytes_total"}
	goroutines = runtimeMetric{prometheus: "go_goroutines", otel: "go_goroutine_count"}
)

// process tells processes apart.
const process = "cluster, namespace, job, instance"

// ofRuntime is a metric of the processes whichever way they export it, after
// each was put into a format; of the programs with weir alone, so that a selection
// of all services does not mean every Go program there is.
func (s scope) ofRuntime(m runtimeMetric, format string) string {
	ours := "%s and on (" + process + ") " + s.ofAll("weir_build_info")
	prometheus := fmt.Sprintf(format, s.ofAll(m.prometheus))
	otel := fmt.Sprintf(format, s.ofAll(m.otel, m.labels...))
	return fmt.Sprintf("(%s or on (%s) %s)", fmt.Sprintf(ours, prometheus), process, fmt.Sprintf(ours, otel))
}

// ofSystem is like it, for what the two name alike or only one has.
func (s scope) ofSystem(metric string) string {
	return fmt.Sprintf("(%s and on (%s) %s)", s.ofAll(metric), process, s.ofAll("weir_build_info"))
}

const slope = "deriv(%s" + trend + ")"

// timeToFull is the seconds until the first instance is full if it goes on
// growing as it did, 0 where one is full; absent where nothing grows, and from a
// week on.
func (s scope) timeToFull() string {
	depth := s.of("weir_channel_depth")
	room := fmt.Sprintf("((%s > 0) - %s)", s.of("weir_channel_capacity"), depth)
	return fmt.Sprintf("min(%s / (deriv(%s%s) > 0) < 604800 or %s <= 0)", room, depth, trend, room)
}

// The helpers below put queries together.

func sum(by, expr string) string  { return aggregate("sum", by, expr) }
func most(by, expr string) string { return aggregate("max", by, expr) }

func aggregate(op, by, expr string) string {
	if by == "" {
		return op + "(" + expr + ")"
	}
	return op + " by (" + by + ") (" + expr + ")"
}

// union joins vectors that have no series in common.
func union(exprs ...string) string { return strings.Join(exprs, " or ") }

// labelled sets a label on every series.
func labelled(label, value, expr string) string { return replaced(expr, label, value, "", "") }

// replaced sets a label on the series whose label from matches.
func replaced(expr, label, value, from, matches string) string {
	return fmt.Sprintf("label_replace(%s, %q, %q, %q, %q)", expr, label, value, from, matches)
}

// object is the labels that tell objects of one kind apart, and kindOfObject those
// of any kind; instances are taken together. On the board of one object instance
// tells its processes apart.
const (
	object       = "job, name"
	kindOfObject = "kind, " + object
	instance     = "job, instance"
)

// worst keeps the ten objects that rank highest at any moment of the time shown,
// and of those what was ever above 0. A plain topk chooses anew at every point,
// which breaks lines into pieces. What stands at @ end() is worked out once for
// all points.
func worst(by, expr string) string {
	return fmt.Sprintf("(%s) and on (%s) topk(10, max_over_time((%s)[$__range:$__interval] @ end()) > 0)", expr, by, expr)
}

// worstForLongest keeps the ten objects that were the worst on average over the
// time shown, also where all are well.
func worstForLongest(by, expr string) string {
	return fmt.Sprintf("(%s) and on (%s) topk(10, avg_over_time((%s)[$__range:$__interval] @ end()))", expr, by, expr)
}
