package alerts

import (
	"fmt"
	"time"
)

func poolAlerts() []Alert {
	return []Alert{
		{
			Name: "WeirPoolSaturated", Kind: "pool", Severity: Warning, Board: "weir-pool",
			When:        "workers have no time left and tasks wait longer than they run",
			Summary:     "Pool {{ $labels.name }} of {{ $labels.job }} is saturated",
			Description: "Its workers are busy {{ $value | humanizePercentage }} of the time, and tasks wait longer for one than they run.",
			Threshold:   0.95, Unit: "share of the workers' time, 0 to 1",
			For: 10 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "Working through a batch at full speed is what a pool is for; ten minutes of it with tasks that wait is a pool too small.",
			expr: saturated,
		},
		{
			Name: "WeirPoolStalled", Kind: "pool", Severity: Critical, Board: "weir-pool",
			When:        "tasks wait in a pool and none ends",
			Summary:     "Pool {{ $labels.name }} of {{ $labels.job }} is stalled: tasks wait and none ends",
			Description: "{{ $value }} tasks wait in the queue, and no task has ended for many minutes.",
			Threshold:   600, Unit: "seconds without a task's end",
			Program: "weir_pool_task_threshold_seconds",
			For:     time.Minute, KeepFiring: 5 * time.Minute,
			Why:   "Nothing has ended for the whole threshold, which is as long as a task may take; a minute more is for a process that has had one scrape only.",
			Mutes: []string{"WeirTaskStuck"},
			expr:  poolStalled,
		},
		{
			Name: "WeirPoolRejecting", Kind: "pool", Severity: Warning, Board: "weir-pool",
			When:        "a pool refuses tasks for minutes",
			Summary:     "Pool {{ $labels.name }} of {{ $labels.job }} refuses tasks",
			Description: "{{ $value | humanizePercentage }} of the tasks found the queue full, or the limit reached, and were refused.",
			Threshold:   0.01, Unit: "share of the tasks, 0 to 1",
			For: 5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:   "Refusing in a burst is what a bound is for; refusing for minutes is lost work.",
			Mutes: []string{"WeirPoolSaturated"},
			expr:  poolRejecting,
		},
		{
			Name: "WeirTaskStuck", Kind: "pool", Severity: Critical, Board: "weir-pool",
			When:        "a task runs for longer than its limit",
			Summary:     "A task of pool {{ $labels.name }} of {{ $labels.job }} does not end",
			Description: "It has run for {{ $value | humanizeDuration }} or more: longer than the limit that the program set, or where it set none, long while others wait for a worker.",
			Threshold:   3600, Unit: "seconds, where the program set no limit and tasks wait",
			Program: "weir_pool_task_threshold_seconds",
			For:     time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "A task was over its limit at every scrape of the lookback, so one that ends late pages nobody; a minute more is for a process that has had one scrape only.",
			expr: stuck,
		},
		{
			Name: "WeirTaskPanicked", Kind: "pool", Severity: Warning, Board: "weir-pool",
			When:        "a task panicked",
			Summary:     "Tasks of pool {{ $labels.name }} of {{ $labels.job }} panic",
			Description: "About {{ $value | printf \"%.0f\" }} of them panicked, or called runtime.Goexit, within minutes.",
			For:         0, KeepFiring: 10 * time.Minute,
			Why:  "Each panic is a fault in the program, so one is enough; it stays for a window, so that panics now and then are one alert.",
			expr: panicked,
		},
	}
}

// saturated is true for a pool that works all the time while its tasks wait. Tasks
// that wait longer than they run are a queue longer than the workers are many;
// busy workers alone may be as many as are needed, or run for ever by design. A
// watched pool tells no times: its queue is never empty.
func saturated(q query) string {
	workers := "(" + q.last("weir_pool_workers", q.Lookback) + " > 0)"
	return fmt.Sprintf(`  %[1]s / %[2]s >= %[3]v
  and
  (
      histogram_sum(%[4]s) > histogram_sum(%[5]s)
    or
      %[6]s > %[7]s
  )
or
  %[8]s / %[2]s >= %[3]v
  and
  %[9]s > 0
  unless
  %[10]s`,
		q.rate("weir_pool_busy_seconds_total"), workers, q.threshold,
		q.rate("weir_pool_task_wait_seconds"), q.rate("weir_pool_task_run_seconds"),
		q.rate("weir_pool_task_wait_seconds_sum"), q.rate("weir_pool_task_run_seconds_sum"),
		q.throughout("weir_pool_workers_busy"), q.throughout("weir_pool_queue_depth"),
		q.last("weir_pool_busy_seconds_total", q.Lookback))
}

// poolStalled is true where tasks wait, none has ended for the threshold, and one
// runs for longer than it may. Of a watched pool no running task is known: it is
// stalled where it ended tasks before, and none since.
func poolStalled(q query) string {
	queued, since := q.throughout("weir_pool_queue_depth"), duration(seconds(q.threshold))
	none := fmt.Sprintf("sum without (outcome) (increase(%s[%s])) == 0", q.series("weir_pool_tasks_total"), since)
	return fmt.Sprintf(`  %[1]s > 0
  and
  %[2]s
  and
  (
%[3]s
  )
or
  min_over_time(%[4]s[%[5]s]) > 0
  and
  %[2]s
  and
  sum without (outcome) (%[6]s offset %[5]s) > 0
  unless
  %[7]s`,
		queued, none, indent(indent(stuck(q))), q.series("weir_pool_queue_depth"), since, q.series("weir_pool_tasks_total"),
		q.last("weir_pool_oldest_task_seconds", q.Lookback))
}

func poolRejecting(q query) string {
	rejected := q.rate("weir_pool_rejected_total")
	return fmt.Sprintf(`(
    %[1]s
  /
    (%[1]s + sum without (outcome) (%[2]s))
) > %[3]v
and
  %[1]s > %[4]v`, rejected, q.rate("weir_pool_tasks_total"), q.threshold, minRefused)
}

// stuck leaves tasks alone that run for as long as the process by design, until
// others wait for their workers.
func stuck(q query) string {
	return q.overLimit(q.throughout("weir_pool_oldest_task_seconds"), "weir_pool_task_threshold_seconds", "weir_pool_queue_depth")
}

func panicked(q query) string {
	return fmt.Sprintf("sum without (outcome) (increase(%s[%s])) > 0",
		q.series("weir_pool_tasks_total", `outcome="panic"`), duration(q.recent()))
}
