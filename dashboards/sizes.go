package dashboards

import "fmt"

// What the capacity board asks: how large things have to be. It looks back for a
// week whatever time is shown, because a weekend says nothing about a Monday; also
// at processes that have ended since, so series of a week are matched with those of
// this moment by object, never one by one. A week is many samples, so what a
// recommendation is made of is asked as seldom as can be.
const (
	week = "[7d]"
	// A rate over five minutes, and a week of them, each minute counted once.
	fiveMinutes = "[5m]"
	allFives    = "[7d:5m]"

	// headroom is what is recommended over a peak.
	headroom = 1.25
	// worthWaiting is the seconds of work that a queue should hold at most, by
	// Little's law: more room makes waits longer, and nothing faster.
	worthWaiting = 1
	// busyAtMost is how busy workers should be, for a burst to find one free.
	busyAtMost = 0.8
)

// Why a size is recommended, in the words of the table.
const (
	becausePeak     = "peak and a quarter more"
	becauseEnough   = "limit was reached, nobody refused"
	becauseRefused  = "refused: a quarter more"
	becauseSecond   = "one second of work (Little's law)"
	becauseStanding = "backlog: one second of work (Little's law)"
	becauseOffered  = "offered rate × time held (Little's law)"
	becauseBusy     = "offered rate × run time (Little's law)"
)

// recommendation is the objects that it is for, with the size as the value.
type recommendation struct{ because, sizes string }

// firstOf recommends to each object the first of several that is for it.
func firstOf(all ...recommendation) string {
	var expr string
	for i, r := range all {
		if i > 0 {
			expr += " or on (" + object + ") "
		}
		expr += labelled("reason", r.because, "ceil("+r.sizes+")")
	}
	return expr
}

// compared is the values of x of the objects for which the comparison with y is
// true.
func compared(x, op, y string) string { return fmt.Sprintf("(%s %s on (%s) (%s))", x, op, object, y) }

// where is the values of x of the objects for which there is a value of y.
func where(x, y string) string { return fmt.Sprintf("(%s and on (%s) (%s))", x, object, y) }

func overWeek(function, series string) string { return function + "(" + series + week + ")" }

// inWeek is how often something happened.
func inWeek(counter string) string { return sum(object, overWeek("increase", counter)) }

// p99 is what a gauge was below in all but the worst hundredth of the week, in the
// process where that is most; p99Of the same as a share of another.
func (s scope) p99(gauge string) string {
	return most(object, "quantile_over_time(0.99, "+s.of(gauge)+week+")")
}

func (s scope) p99Of(gauge, limit string) string {
	return fmt.Sprintf("%s / (%s > 0)", s.p99(gauge), most(object, s.of(limit)))
}

// ofMost is the highest of a level as a share of the highest limit: for a course of
// a week, where dividing process by process takes minutes, and for limits that are
// the same in all.
func ofMost(level, limit string) string {
	return fmt.Sprintf("%s / (%s > 0)", most(object, level), most(object, limit))
}

// busiest is the highest of rates over five minutes, in any one process, and
// average their average in all. Instances are taken together at each moment, and
// not at the end, which would be much more work.
func busiest(rates string) string {
	return fmt.Sprintf("max_over_time((%s)%s)", most(object, rates), allFives)
}

func average(levels string) string {
	return fmt.Sprintf("avg_over_time((%s)%s)", sum(object, levels), allFives)
}

func perSecond(counter string) string { return "rate(" + counter + fiveMinutes + ")" }

// channelSize is the capacity of one channel, as a program writes it down.
func (s scope) channelSize() string {
	return most(object, fmt.Sprintf("%s / (%s > 0)", s.of("weir_channel_capacity"), s.of("weir_channel_members")))
}

// channelPeak is the most messages that were in one channel of the name: of all
// that there are now on average, at their peak, which is exact for a single one; or
// in the fullest, at a scrape.
func (s scope) channelPeak() string {
	average := fmt.Sprintf("%s / (%s > 0)", most(object, overWeek("max_over_time", s.of("weir_channel_depth_peak"))), most(object, s.of("weir_channel_members")))
	fullest := fmt.Sprintf("%s * %s", most(object, overWeek("max_over_time", s.of("weir_channel_fill_ratio_max"))), s.channelSize())
	return most(object, union(average, labelled("of", "fullest", fullest)))
}

// channelRefused is the sends of the week that found no room.
func (s scope) channelRefused() string {
	return inWeek(s.of("weir_channel_sends_total", in("outcome", "full", "canceled")))
}

// channelAdvice recommends a capacity. The peak of a channel that refused says
// what there was room for, not what is needed: there a second of work counts, if
// it is more. Where more than that stands in it at all times, no room is enough.
// That nobody was refused is known only where refusals are counted.
func (s scope) channelAdvice() string {
	second := fmt.Sprintf("(%d * %s / (%s > 0))", worthWaiting, busiest(perSecond(s.of("weir_channel_receives_total"))), most(object, s.of("weir_channel_members")))
	standing := most(object, fmt.Sprintf("%s / (%s > 0)", s.of("weir_channel_depth_floor"), s.of("weir_channel_members")))
	room := fmt.Sprintf("(%v * %s > 0)", headroom, s.channelPeak())
	return firstOf(
		recommendation{becauseStanding, compared(second, "<", standing)},
		recommendation{becauseSecond, where(compared(second, ">", room), s.channelRefused()+" > 0")},
		recommendation{becauseEnough, where(compared(s.channelSize()+" > 0", "<=", s.channelPeak()), s.channelRefused()+" == 0")},
		recommendation{becausePeak, room})
}

// semaphorePeak is the most permits that were in use in one process.
func (s scope) semaphorePeak() string {
	return most(object, overWeek("max_over_time", s.of("weir_semaphore_in_use_peak")))
}

// semaphoreRefused is the acquires of the week that got no permit.
func (s scope) semaphoreRefused() string {
	return inWeek(s.of("weir_semaphore_acquires_total", in("outcome", "rejected", "canceled")))
}

// semaphoreAdvice recommends a limit. Where acquires were refused, what was offered
// counts, for as long as permits were held, if that is more than the peak: permits
// in use over acquires per second, which is right for acquires of several too.
func (s scope) semaphoreAdvice() string {
	limit := most(object, s.of("weir_semaphore_permits_limit"))
	offered := busiest("sum without (outcome) (" + perSecond(s.of("weir_semaphore_acquires_total")) + ")")
	held := fmt.Sprintf("%s / (%s > 0)", average(s.of("weir_semaphore_permits_in_use")),
		average(perSecond(s.of("weir_semaphore_acquires_total", is("outcome", "ok")))))
	room := fmt.Sprintf("(%v * %s > 0)", headroom, s.semaphorePeak())
	return firstOf(
		recommendation{becauseOffered, where(compared(fmt.Sprintf("%v * %s * (%s)", headroom, offered, held), ">", room), s.semaphoreRefused()+" > 0")},
		recommendation{becauseEnough, where(compared(limit+" > 0", "<=", s.semaphorePeak()), s.semaphoreRefused()+" == 0")},
		recommendation{becausePeak, room})
}

// poolPeak is the most workers of one process that were busy at a scrape.
func (s scope) poolPeak() string {
	return most(object, overWeek("max_over_time", s.of("weir_pool_workers_busy")))
}

// poolRefused is the tasks of the week that were not taken.
func (s scope) poolRefused() string { return inWeek(s.of("weir_pool_rejected_total")) }

// poolAdvice recommends a number of workers. Tasks that wait in a queue hide what
// is needed, so what was offered counts, for as long as tasks run, where that keeps
// more than the workers busy.
func (s scope) poolAdvice() string {
	workers := most(object, s.of("weir_pool_workers"))
	tasks := s.of("weir_pool_tasks_total")
	offered := busiest("sum without (outcome) (" + perSecond(tasks) + ") + " + perSecond(s.of("weir_pool_rejected_total")))
	run := fmt.Sprintf("%s / (%s > 0)", inWeek(s.of("weir_pool_busy_seconds_total")), inWeek(tasks))
	return firstOf(
		recommendation{becauseBusy, compared(fmt.Sprintf("%s * (%s) / %v", offered, run, busyAtMost), ">", workers)},
		recommendation{becauseRefused, where(fmt.Sprintf("%v * %s", headroom, workers), s.poolRefused()+" > 0")},
		recommendation{becauseEnough, compared(workers+" > 0", "<=", s.poolPeak())},
		recommendation{becausePeak, fmt.Sprintf("(%v * %s > 0)", headroom, s.poolPeak())})
}
