package instrument

import (
	"maps"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// promised is every metric and its labels. They are the library's interface:
// dashboards and alerts of others are made of them.
var promised = map[string]string{
	"weir_channel_depth":                         "gauge name",
	"weir_channel_capacity":                      "gauge name",
	"weir_channel_depth_peak":                    "gauge name",
	"weir_channel_depth_floor":                   "gauge name",
	"weir_channel_fill_ratio_max":                "gauge name",
	"weir_channel_floor_ratio_max":               "gauge name",
	"weir_channel_full_seconds_total":            "counter name",
	"weir_channel_buffered_bytes":                "gauge name",
	"weir_channel_sends_total":                   "counter name outcome",
	"weir_channel_receives_total":                "counter name",
	"weir_channel_send_blocked_seconds":          "histogram name",
	"weir_channel_wait_seconds":                  "histogram name",
	"weir_channel_waits_total":                   "counter name",
	"weir_channel_waits_over_target_total":       "counter name",
	"weir_channel_oldest_message_age_seconds":    "gauge name",
	"weir_channel_blocked_senders":               "gauge name",
	"weir_channel_blocked_receivers":             "gauge name",
	"weir_channel_oldest_blocked_sender_seconds": "gauge name",
	"weir_channel_members":                       "gauge name",
	"weir_channel_stalled_members":               "gauge name",
	"weir_channel_created_total":                 "counter name",
	"weir_channel_closed_total":                  "counter name",
	"weir_channel_abandoned_messages_total":      "counter name",
	"weir_channel_unverified_messages_total":     "counter name",
	"weir_channel_stall_threshold_seconds":       "gauge name",
	"weir_semaphore_permits_limit":               "gauge name",
	"weir_semaphore_permits_available":           "gauge name",
	"weir_semaphore_permits_in_use":              "gauge name",
	"weir_semaphore_in_use_peak":                 "gauge name",
	"weir_semaphore_in_use_floor":                "gauge name",
	"weir_semaphore_floor_ratio_max":             "gauge name",
	"weir_semaphore_waiters":                     "gauge name",
	"weir_semaphore_oldest_waiter_seconds":       "gauge name",
	"weir_semaphore_oldest_permit_seconds":       "gauge name",
	"weir_semaphore_acquires_total":              "counter name outcome",
	"weir_semaphore_acquire_wait_seconds":        "histogram name",
	"weir_semaphore_hold_seconds":                "histogram name",
	"weir_semaphore_leaked_permits_total":        "counter name site",
	"weir_semaphore_untracked_releases_total":    "counter name",
	"weir_semaphore_hold_threshold_seconds":      "gauge name",
	"weir_semaphore_wait_threshold_seconds":      "gauge name",
	"weir_pool_workers":                          "gauge name",
	"weir_pool_workers_busy":                     "gauge name",
	"weir_pool_queue_depth":                      "gauge name",
	"weir_pool_queue_capacity":                   "gauge name",
	"weir_pool_tasks_total":                      "counter name outcome",
	"weir_pool_rejected_total":                   "counter name",
	"weir_pool_busy_seconds_total":               "counter name",
	"weir_pool_task_wait_seconds":                "histogram name",
	"weir_pool_task_run_seconds":                 "histogram name",
	"weir_pool_oldest_task_seconds":              "gauge name",
	"weir_pool_task_threshold_seconds":           "gauge name",
	"weir_leak_suspects":                         "gauge kind name reason evidence",
	"weir_leak_suspect_since_timestamp_seconds":  "gauge kind name reason evidence",
	"weir_leak_suspects_seen_total":              "counter kind reason evidence",
	"weir_leak_suspects_ended_total":             "counter kind reason evidence",
	"weir_leak_look_interval_seconds":            "gauge",
	"weir_instrument_info":                       "gauge kind name site elem bounded owner",
	"weir_series_overflow_total":                 "counter",
	"weir_conflicting_options_total":             "counter",
	"weir_collect_faults_total":                  "counter",
	"weir_collect_duration_seconds":              "gauge",
	"weir_build_info":                            "gauge version identity leakproof",
}

func TestMetricsArePromised(t *testing.T) {
	got := map[string]string{}
	for _, d := range Metrics() {
		name := d.PrometheusName()
		if _, twice := got[name]; twice {
			t.Errorf("%s stands twice in the table", name)
		}
		got[name] = strings.Join(append([]string{d.Kind.String()}, d.Labels...), " ")
	}
	for name, want := range promised {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	for name := range got {
		if promised[name] == "" {
			t.Errorf("%s is not promised", name)
		}
	}
}

// TestMetricsLint holds the rules of names that Prometheus' own linter has, and
// those that make a name come out the same by OTLP.
func TestMetricsLint(t *testing.T) {
	valid := regexp.MustCompile(`^weir(\.[a-z]+(_[a-z]+)*)+$`)
	label := regexp.MustCompile(`^[a-z]+$`)
	for _, d := range Metrics() {
		name := d.PrometheusName()
		if !valid.MatchString(d.Name) {
			t.Errorf("%s is not a dotted name", d.Name)
		}
		for _, word := range []string{"total", "seconds", "bytes", "milliseconds", "count", "sum", "bucket", "gauge", "counter", "histogram"} {
			if slices.Contains(strings.FieldsFunc(d.Name, func(r rune) bool { return r == '.' || r == '_' }), word) {
				t.Errorf("%s has the unit or kind %q in its name, which the exporter adds", d.Name, word)
			}
		}
		if strings.HasSuffix(name, "_total") != (d.Kind == Counter) {
			t.Errorf("%s is a %v", name, d.Kind)
		}
		if d.Kind == HistogramKind && d.Unit != "s" {
			t.Errorf("%s has the unit %q", name, d.Unit)
		}
		if d.Unit == "1" || (strings.HasSuffix(d.Name, "info") && d.Unit != "") {
			t.Errorf("%s has the unit %q, which becomes a suffix", name, d.Unit)
		}
		if d.Unit != "" && d.Unit != "s" && d.Unit != "By" && !regexp.MustCompile(`^\{[a-z]+\}$`).MatchString(d.Unit) {
			t.Errorf("%s has the unit %q", name, d.Unit)
		}
		if !strings.HasSuffix(d.Help, ".") || strings.ContainsAny(d.Help, "\n\"") {
			t.Errorf("%s: the help is not one sentence: %q", name, d.Help)
		}
		for i, l := range d.Labels {
			if !label.MatchString(l) || l == "le" || l == "quantile" || slices.Contains(d.Labels[:i], l) {
				t.Errorf("%s has the label %q", name, l)
			}
		}
	}
}

func TestMetricsMayBeChangedByTheCaller(t *testing.T) {
	table := Metrics()
	table[0].Name = "mine"
	for _, d := range table {
		for i := range d.Labels {
			d.Labels[i] = "mine"
		}
	}
	TestMetricsArePromised(t)
}

// TestSamples reads a registry of everything and checks the form of every sample.
func TestSamples(t *testing.T) {
	r := NewRegistry()
	with := WithRegistry(r)
	c := NewChan[int]("c", 4, with, WithOwner("team"), WithWaitTarget(time.Second), WithBytes(func(int) int { return 8 }))
	c.Send(1)
	keep := []any{c, NewQueue[string]("q", with), Watch("v", make(chan int), with), NewSemaphore("s", 1, with)}
	p := NewPool("p", 1, 1, with)
	watched := &poolOfOthers{numbers: PoolNumbers{Workers: 2, QueueDepth: 1}}
	WatchPool("w", watched, askOthers, with)
	keep = append(keep, NewGroup("g", with), NewTaskMeter("m", 0, with), watched)
	defer p.Shutdown(t.Context()) //nolint:errcheck // nothing runs in it
	s := r.Snapshot()
	names := map[string][]string{}
	for _, d := range Metrics() {
		seen := map[string]bool{}
		for x := range d.Samples(&s) {
			key := strings.Join(x.Labels, "\x00")
			if seen[key] || len(x.Labels) != len(d.Labels) {
				t.Errorf("%s: labels %q of %q", d.Name, x.Labels, d.Labels)
			}
			seen[key] = true
			if (x.Histogram != nil) != (d.Kind == HistogramKind) || math.IsNaN(x.Value) || math.IsInf(x.Value, 0) {
				t.Errorf("%s: %+v", d.Name, x)
			}
			if len(d.Labels) > 0 && d.Labels[0] == "name" {
				names[d.PrometheusName()] = append(names[d.PrometheusName()], x.Labels[0])
			}
		}
	}
	for metric, want := range map[string]string{
		"weir_channel_depth":                   "c q v",
		"weir_channel_capacity":                "c v",
		"weir_channel_fill_ratio_max":          "c",
		"weir_channel_full_seconds_total":      "c v",
		"weir_channel_buffered_bytes":          "c",
		"weir_channel_waits_total":             "c",
		"weir_channel_receives_total":          "c q",
		"weir_channel_wait_seconds":            "c q",
		"weir_channel_stalled_members":         "c q",
		"weir_channel_sends_total":             "c c c c q q q q",
		"weir_channel_stall_threshold_seconds": "c q",
		"weir_channel_members":                 "c q v",
		"weir_pool_workers":                    "p w",
		"weir_pool_workers_busy":               "g m p w",
		"weir_pool_queue_depth":                "p w",
		"weir_pool_queue_capacity":             "p",
		"weir_pool_busy_seconds_total":         "g m p",
		"weir_pool_rejected_total":             "g m p w",
		"weir_pool_oldest_task_seconds":        "g m p",
	} {
		if got := strings.Join(names[metric], " "); got != want {
			t.Errorf("%s has samples for %q, want %q", metric, got, want)
		}
	}
	if n := numberOf(t, s, "weir.channel.sends", "c", "ok"); n != 1 {
		t.Errorf("ok sends %v", n)
	}
	if n := numberOf(t, s, "weir.instrument.info", "channel", "c", chanIn(t, s, "c").Site, "int", "true", "team"); n != 1 {
		t.Errorf("info %v", n)
	}
	if n := numberOf(t, s, "weir.instrument.info", "channel", "q", chanIn(t, s, "q").Site, "string", "false", ""); n != 1 {
		t.Errorf("info %v", n)
	}
	runtime.KeepAlive(keep)
}

// TestSamplesStopWhenTold breaks out of the iteration.
// TestSamplesStopWhenTold: a sequence that went on after its loop broke would
// panic.
func TestSamplesStopWhenTold(_ *testing.T) {
	r := NewRegistry()
	keep := []any{NewChan[int]("a", 1, WithRegistry(r)), NewChan[int]("b", 1, WithRegistry(r))}
	s := r.Snapshot()
	for _, d := range Metrics() {
		n := 0
		for range d.Samples(&s) {
			if n++; n == 1 {
				break
			}
		}
	}
	runtime.KeepAlive(keep)
}

// TestOneInfoPerName gives a name several sites, owners and types.
func TestOneInfoPerName(t *testing.T) {
	r := NewRegistry()
	keep := []any{NewChan[int]("c", 1, WithRegistry(r), WithOwner("a"))}
	keep = append(keep, NewQueue[string]("c", WithRegistry(r), WithOwner("b")))
	s := r.Snapshot()
	infos := map[string]int{}
	for _, d := range Metrics() {
		if d.PrometheusName() == "weir_instrument_info" {
			for x := range d.Samples(&s) {
				infos[strings.Join(x.Labels[:2], " ")]++
			}
		}
	}
	if !maps.Equal(infos, map[string]int{"channel c": 1}) {
		t.Errorf("info series: %v", infos)
	}
	runtime.KeepAlive(keep)
}
