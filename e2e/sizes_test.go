package e2e

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// measurements is series of one object over two hours: name and further labels to
// promtool's notation of values.
type measurements map[string]string

// steady is a gauge, perMinute a counter.
func steady(v float64) string    { return fmt.Sprintf("%vx120", v) }
func perMinute(v float64) string { return fmt.Sprintf("0+%vx120", v) }

// scenario is one object and what a board has to say of it.
type scenario struct {
	name   string
	series measurements
	value  float64 // -1 for nothing at all
	reason string
}

// withEnded adds the series of another process, which ended an hour ago.
func withEnded(m, other measurements) measurements {
	for metric, values := range other {
		name, labels, _ := strings.Cut(metric, " ")
		m[name+" "+strings.TrimPrefix(labels+`,instance="b"`, ",")] = strings.Replace(values, "x120", "x60", 1)
	}
	return m
}

// says looks that a query of a board says of the scenarios what it should.
func says(t *testing.T, expr string, all []scenario) {
	t.Helper()
	series, want := make(map[string]string), make(map[string]float64)
	for _, s := range all {
		for metric, values := range s.series {
			name, labels, _ := strings.Cut(metric, " ")
			if !strings.Contains(labels, "instance=") {
				labels += `,instance="a"`
			}
			series[fmt.Sprintf(`%s{job="game",name=%q,%s}`, name, s.name, strings.TrimPrefix(labels, ","))] = values
		}
		if s.value >= 0 {
			want[fmt.Sprintf(`{job="game",name=%q,%s}`, s.name, s.reason)] = s.value
		}
	}
	evaluates(t, expr, series, want)
}

// evaluates has promtool ask a query after two hours of some series, and compare
// the answer, labels to value.
func evaluates(t *testing.T, expr string, series map[string]string, want map[string]float64) {
	t.Helper()
	var file strings.Builder
	fmt.Fprint(&file, "evaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n")
	for _, s := range slices.Sorted(maps.Keys(series)) {
		fmt.Fprintf(&file, "  - {series: %q, values: %q}\n", s, series[s])
	}
	fmt.Fprintf(&file, "  promql_expr_test:\n  - expr: %q\n    eval_time: 2h\n    exp_samples:\n", expr)
	for labels, value := range want {
		fmt.Fprintf(&file, "    - {labels: %q, value: %v}\n", labels, value)
	}
	path := filepath.Join(t.TempDir(), "test.yaml")
	write(t, path, file.String())
	if out, err := output(exec.Command(tool(t, "promtool"), "test", "rules", path)); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// theQuery returns a query of a board for all objects, over two hours.
func theQuery(t *testing.T, uid, where string) string {
	t.Helper()
	b := shippedBoards(t)[uid]
	all := b.questions()
	i := slices.IndexFunc(all, func(q question) bool { return q.where == where })
	if i < 0 {
		t.Fatalf("%s has no query %q", uid, where)
	}
	return b.choose(nil).ask(all[i].expr, period{2 * time.Hour, time.Minute, time.Second})
}

func because(reason string) string { return fmt.Sprintf("reason=%q", reason) }

// TestRecommendedCapacities holds each reason for a channel's size.
func TestRecommendedCapacities(t *testing.T) {
	t.Parallel()
	channel := func(capacity, peak, floor, members, fill, received, refused float64) measurements {
		return measurements{
			"weir_channel_capacity": steady(capacity), "weir_channel_members": steady(members),
			"weir_channel_depth_peak": steady(peak), "weir_channel_depth_floor": steady(floor),
			"weir_channel_fill_ratio_max":                   steady(fill),
			"weir_channel_receives_total":                   perMinute(60 * received),
			"weir_channel_sends_total outcome=\"full\"":     perMinute(refused),
			"weir_channel_sends_total outcome=\"canceled\"": perMinute(0),
		}
	}
	without := func(m measurements, metrics ...string) measurements {
		maps.DeleteFunc(m, func(metric, _ string) bool {
			return slices.ContainsFunc(metrics, func(name string) bool { return strings.HasPrefix(metric, name) })
		})
		return m
	}
	says(t, theQuery(t, "weir-capacity", "Channels/E"), []scenario{
		{"roomy", channel(100, 40, 0, 1, 0.1, 10, 0), 50, because("peak and a quarter more")},
		{"never used", channel(100, 0, 0, 1, 0, 0, 0), -1, ""},
		{"refuses", channel(100, 100, 0, 1, 1, 100, 60), 125, because("peak and a quarter more")},
		{"refuses, fast receiver", channel(100, 100, 0, 1, 1, 1000, 60), 1000, because("one second of work (Little's law)")},
		{"full, senders wait", channel(10, 10, 0, 1, 1, 1000, 0), 10, because("limit was reached, nobody refused")},
		{"one of 50 is full", channel(800, 40, 0, 50, 1, 100, 0), 16, because("limit was reached, nobody refused")},
		{"leaking", without(channel(0, 1e6, 9e5, 1, 0, 1200, 0), "weir_channel_capacity", "weir_channel_fill"), 1200, because("backlog: one second of work (Little's law)")},
		{"unbounded", without(channel(0, 500, 0, 1, 0, 1200, 0), "weir_channel_capacity", "weir_channel_fill"), 625, because("peak and a quarter more")},
		{"fuller in a process that has ended", withEnded(channel(100, 10, 0, 1, 0.1, 10, 0), channel(100, 80, 0, 1, 0.8, 10, 0)), 100, because("peak and a quarter more")},
		{"watched", without(channel(8, 8, 0, 1, 1, 0, 0), "weir_channel_receives", "weir_channel_sends"), 10, because("peak and a quarter more")},
	})
}

// TestRecommendedPermits holds each reason for a semaphore's limit.
func TestRecommendedPermits(t *testing.T) {
	t.Parallel()
	semaphore := func(limit, peak, inUse, acquired, rejected float64) measurements {
		return measurements{
			"weir_semaphore_permits_limit": steady(limit), "weir_semaphore_in_use_peak": steady(peak), "weir_semaphore_permits_in_use": steady(inUse),
			"weir_semaphore_acquires_total outcome=\"ok\"":       perMinute(60 * acquired),
			"weir_semaphore_acquires_total outcome=\"rejected\"": perMinute(60 * rejected),
			"weir_semaphore_acquires_total outcome=\"canceled\"": perMinute(0),
		}
	}
	says(t, theQuery(t, "weir-capacity", "Semaphores/E"), []scenario{
		{"roomy", semaphore(100, 40, 10, 10, 0), 50, because("peak and a quarter more")},
		{"never used", semaphore(100, 0, 0, 0, 0), -1, ""},
		{"refuses bursts", semaphore(1024, 1024, 500, 1100, 10), 1280, because("peak and a quarter more")},
		{"overloaded", semaphore(100, 100, 100, 10, 30), 500, because("offered rate × time held (Little's law)")},
		{"limits", semaphore(64, 64, 1, 400, 0), 64, because("limit was reached, nobody refused")},
	})
}

// TestRecommendedWorkers holds each reason for a pool's size.
func TestRecommendedWorkers(t *testing.T) {
	t.Parallel()
	pool := func(workers, busy, tasks, seconds, rejected float64) measurements {
		return measurements{
			"weir_pool_workers": steady(workers), "weir_pool_workers_busy": steady(busy),
			"weir_pool_tasks_total outcome=\"ok\"": perMinute(60 * tasks), "weir_pool_tasks_total outcome=\"panic\"": perMinute(0),
			"weir_pool_busy_seconds_total": perMinute(60 * seconds), "weir_pool_rejected_total": perMinute(60 * rejected),
		}
	}
	unlimited := pool(0, 10, 20, 8, 0)
	delete(unlimited, "weir_pool_workers")
	says(t, theQuery(t, "weir-capacity", "Worker pools/G"), []scenario{
		{"idle", pool(8, 2, 1, 1, 0), 3, because("peak and a quarter more")},
		{"never used", pool(8, 0, 0, 0, 0), -1, ""},
		{"saturated", pool(4, 4, 10, 3.9, 0), 5, because("offered rate × run time (Little's law)")},
		{"refuses bursts", pool(4, 4, 1, 0.5, 1), 5, because("refused: a quarter more")},
		{"all busy at times", pool(4, 4, 1, 0.5, 0), 4, because("limit was reached, nobody refused")},
		{"unlimited", unlimited, 13, because("peak and a quarter more")},
	})
}

// TestStates holds what the overview says of an object.
func TestStates(t *testing.T) {
	t.Parallel()
	const well, strained, atLimit, suspect = 0, 1, 2, 3
	channel := func(fill, age float64) measurements {
		return measurements{"weir_channel_fill_ratio_max": steady(fill), "weir_channel_oldest_message_age_seconds": steady(age),
			"weir_channel_stall_threshold_seconds": steady(300)}
	}
	semaphore := func(floor float64) measurements {
		return measurements{"weir_semaphore_floor_ratio_max": steady(floor)}
	}
	pool := func(busy, queued float64) measurements {
		return measurements{"weir_pool_workers_busy": steady(busy), "weir_pool_workers": steady(4), "weir_pool_queue_depth": steady(queued), "weir_pool_queue_capacity": steady(8)}
	}
	unbounded := channel(0, 45)
	delete(unbounded, "weir_channel_fill_ratio_max")
	watched := measurements{"weir_channel_fill_ratio_max": steady(0.8)}
	leaking := channel(0.1, 1)
	leaking[`weir_leak_suspects kind="channel",reason="growing",evidence="heuristic"`] = steady(1)
	const c, s, p = `kind="channel"`, `kind="semaphore"`, `kind="pool"`
	// It shows ten objects at most.
	states := theQuery(t, "weir-overview", "The worst objects/A")
	says(t, states, []scenario{
		{"half full", channel(0.5, 1), well, c},
		{"three quarters full", channel(0.75, 1), strained, c},
		{"full", channel(1, 1), atLimit, c},
		{"old messages", channel(0.1, 59), atLimit, c},
		{"unbounded", unbounded, strained, c},
		{"watched", watched, strained, c},
		{"leaking", leaking, suspect, c},
	})
	says(t, states, []scenario{
		{"some permits", semaphore(0.5), well, s},
		{"most permits", semaphore(0.8), strained, s},
		{"no permit for a window", semaphore(1), atLimit, s},
		{"all workers", pool(4, 1), strained, p},
		{"a full queue", pool(4, 8), atLimit, p},
	})
}

// TestWorst holds that a ranking shows what ever had something to show, and nothing
// else, of all kinds.
func TestWorst(t *testing.T) {
	t.Parallel()
	says(t, theQuery(t, "weir-overview", "timeseries Refusals/A"), []scenario{
		{"full", measurements{`weir_channel_sends_total outcome="full"`: perMinute(60)}, 1, `kind="channel"`},
		{"empty", measurements{`weir_channel_sends_total outcome="full"`: steady(5)}, -1, ""},
		{"refusing", measurements{`weir_semaphore_acquires_total outcome="rejected"`: perMinute(120)}, 2, `kind="semaphore"`},
		{"free", measurements{`weir_semaphore_acquires_total outcome="rejected"`: steady(0)}, -1, ""},
		{"busy", measurements{"weir_pool_rejected_total": perMinute(180)}, 3, `kind="pool"`},
		{"idle", measurements{"weir_pool_rejected_total": steady(0)}, -1, ""},
	})
}

// TestHeap holds whose heap the board of leaks shows: that of programs with weir,
// whichever way they export it, and once where they do in both.
func TestHeap(t *testing.T) {
	t.Parallel()
	evaluates(t, theQuery(t, "weir-leaks", "Heap in use/A"), map[string]string{
		`weir_build_info{job="a",instance="1"}`:                                          steady(1),
		`go_memstats_heap_inuse_bytes{job="a",instance="1"}`:                             steady(1),
		`weir_build_info{job="b",instance="1"}`:                                          steady(1),
		`go_memory_used_bytes{job="b",instance="1",go_memory_type="other"}`:              steady(20),
		`go_memory_used_bytes{job="b",instance="1",go_memory_type="stack"}`:              steady(9),
		`weir_build_info{job="c",instance="1",cluster="eu"}`:                             steady(1),
		`go_memstats_heap_inuse_bytes{job="c",instance="1",cluster="eu"}`:                steady(300),
		`go_memory_used_bytes{job="c",instance="1",cluster="eu",go_memory_type="other"}`: steady(999),
		`go_memstats_heap_inuse_bytes{job="without weir",instance="1"}`:                  steady(4000),
		`go_memstats_heap_inuse_bytes{job="c",instance="1",cluster="us"}`:                steady(5000),
	}, map[string]float64{`{}`: 321})
}
