package instrument

import (
	"iter"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is the kind of a metric.
type Kind int

// The kinds of metrics.
const (
	Gauge         Kind = iota // a level, which goes up and down
	Counter                   // a total, which only goes up while the process lives
	HistogramKind             // a distribution of durations
)

// String returns the kind in Prometheus' words.
func (k Kind) String() string { return [...]string{"gauge", "counter", "histogram"}[k] }

// Desc describes one metric. Exporters, dashboards, alerts and the reference
// page are made from these, so adding a metric is one more row in its table.
type Desc struct {
	Name   string   // in OpenTelemetry's form: "weir.channel.wait"
	Unit   string   // in UCUM: "s", "By", "{message}"; empty for ratios and info
	Kind   Kind     //
	Help   string   // one sentence
	Labels []string // label names; Sample.Labels has the values in this order

	samples func(s *Snapshot, emit emitter)
}

// emitter gets a value, when its counting began, and the values of the labels.
type emitter func(start time.Time, v float64, h *Histogram, labels ...string)

// Sample is one value of a metric.
type Sample struct {
	Labels    []string
	Value     float64    // for gauges and counters
	Histogram *Histogram // for histograms
	// Start is when a counter or histogram began to count, from zero; it
	// changes only where a name was forgotten and came back. Gauges have none.
	Start time.Time
}

// PrometheusName returns the metric's name in Prometheus, which is also the
// name it has there when it came by OTLP.
func (d Desc) PrometheusName() string {
	name := strings.ReplaceAll(d.Name, ".", "_")
	switch d.Unit {
	case "s":
		name += "_seconds"
	case "By":
		name += "_bytes"
	}
	if d.Kind == Counter {
		name += "_total"
	}
	return name
}

// Samples returns the metric's values in a snapshot. A metric that has no
// meaning for a name (the capacity of an unbounded queue) has no sample.
func (d Desc) Samples(s *Snapshot) iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		done := false
		d.samples(s, func(start time.Time, v float64, h *Histogram, labels ...string) {
			if d.Kind == Gauge {
				start = time.Time{}
			}
			done = done || !yield(Sample{Labels: labels, Value: v, Histogram: h, Start: start})
		})
	}
}

// Metrics returns the table of all metrics, in order of kind of object. The
// caller may change the result.
func Metrics() []Desc {
	table := slices.Clone(metrics())
	for i := range table {
		table[i].Labels = slices.Clone(table[i].Labels)
	}
	return table
}

var metrics = sync.OnceValue(func() []Desc {
	return slices.Concat(channelMetrics(), semaphoreMetrics(), poolMetrics(), leakMetrics(), selfMetrics())
})

// family makes the rows of one kind of object.
type family[S any] struct {
	prefix string
	of     func(*Snapshot) []S
	info   func(*S) *Info
	rows   []Desc
}

// number adds a gauge or counter; ok false leaves the sample out.
func (f *family[S]) number(kind Kind, name, unit, help string, value func(*S) (v float64, ok bool)) {
	f.add(kind, name, unit, help, nil, func(s *S, emit func(float64, *Histogram, ...string)) {
		if v, ok := value(s); ok {
			emit(v, nil)
		}
	})
}

func (f *family[S]) gauge(name, unit, help string, value func(*S) (float64, bool)) {
	f.number(Gauge, name, unit, help, value)
}

func (f *family[S]) counter(name, unit, help string, value func(*S) (float64, bool)) {
	f.number(Counter, name, unit, help, value)
}

func (f *family[S]) histogram(name, help string, value func(*S) (*Histogram, bool)) {
	f.add(HistogramKind, name, "s", help, nil, func(s *S, emit func(float64, *Histogram, ...string)) {
		if h, ok := value(s); ok {
			emit(0, h)
		}
	})
}

// add appends a row whose emit gets the values of the extra labels; the name
// label is put before them.
func (f *family[S]) add(kind Kind, name, unit, help string, labels []string, each func(*S, func(float64, *Histogram, ...string))) {
	f.rows = append(f.rows, Desc{
		Name: f.prefix + name, Unit: unit, Kind: kind, Help: help,
		Labels: append([]string{"name"}, labels...),
		samples: func(snap *Snapshot, emit emitter) {
			all := f.of(snap)
			for i := range all {
				s := &all[i]
				info := f.info(s)
				each(s, func(v float64, h *Histogram, extra ...string) {
					emit(info.Start, v, h, append([]string{info.Name}, extra...)...)
				})
			}
		},
	})
}

// outcomes adds a counter with the label outcome. Every outcome has a sample
// from the start, so that a rate sees the first event.
func (f *family[S]) outcomes(name, unit, help string, value func(*S) []outcome) {
	f.add(Counter, name, unit, help, []string{"outcome"}, func(s *S, emit func(float64, *Histogram, ...string)) {
		for _, o := range value(s) {
			emit(float64(o.n), nil, o.label)
		}
	})
}

type outcome struct {
	label string
	n     uint64
}

func channelMetrics() []Desc {
	f := &family[ChanStats]{
		prefix: "weir.channel.",
		of:     func(s *Snapshot) []ChanStats { return s.Channels },
		info:   func(c *ChanStats) *Info { return &c.Info },
	}
	f.gauge("depth", "{message}", "Messages buffered now.",
		func(c *ChanStats) (float64, bool) { return float64(c.Depth), true })
	f.gauge("capacity", "{message}", "Messages that fit; absent when unbounded.",
		func(c *ChanStats) (float64, bool) { return float64(c.Capacity), c.Bounded })
	f.gauge("depth.peak", "{message}", "Highest depth over the last window (30 to 60 s); an upper bound for a group.",
		func(c *ChanStats) (float64, bool) { return float64(c.DepthPeak), true })
	f.gauge("depth.floor", "{message}", "Lowest depth over the last window (30 to 60 s): what stands rather than bursts; a lower bound for a group.",
		func(c *ChanStats) (float64, bool) { return float64(c.DepthFloor), true })
	f.gauge("fill_ratio_max", "", "Depth over capacity of the fullest member, 0 to 1.",
		func(c *ChanStats) (float64, bool) { return c.FillRatioMax, c.HasRatio })
	f.gauge("floor_ratio_max", "", "Floor over capacity of the member where it is highest, 0 to 1.",
		func(c *ChanStats) (float64, bool) { return c.FloorRatioMax, c.HasRatio })
	f.counter("full", "s", "Time spent full, summed over members.",
		func(c *ChanStats) (float64, bool) { return c.FullTime.Seconds(), c.Bounded })
	f.gauge("buffered", "By", "Estimated size of the buffered messages, with WithBytes.",
		func(c *ChanStats) (float64, bool) { return float64(c.BufferedBytes), c.HasBytes })
	f.outcomes("sends", "{message}", "Sends by outcome: ok, full (TrySend found no room), canceled, closed (panicked).",
		func(c *ChanStats) []outcome {
			if !c.Moves {
				return nil
			}
			return []outcome{{"ok", c.Sent}, {"full", c.SendsFull}, {"canceled", c.SendsCanceled}, {"closed", c.SendsClosed}}
		})
	f.counter("receives", "{message}", "Messages received, natively or through the wrapper.",
		func(c *ChanStats) (float64, bool) { return float64(c.Received), c.Moves })
	f.histogram("send_blocked", "Time that sends took which had to wait.",
		func(c *ChanStats) (*Histogram, bool) { return &c.SendBlocked, c.Moves })
	f.histogram("wait", "Time from sent to received, from samples weighted by what they stand for.",
		func(c *ChanStats) (*Histogram, bool) { return &c.Wait, c.Moves })
	f.counter("waits", "{message}", "Waits measured against the target, with WithWaitTarget.",
		func(c *ChanStats) (float64, bool) { return float64(c.Waits), c.WaitTarget > 0 })
	f.counter("waits_over_target", "{message}", "Waits that were longer than the target, with WithWaitTarget.",
		func(c *ChanStats) (float64, bool) { return float64(c.WaitsOverTarget), c.WaitTarget > 0 })
	f.gauge("oldest_message_age", "s", "Age of the oldest buffered message, an upper bound.",
		func(c *ChanStats) (float64, bool) { return c.OldestMessage.Seconds(), c.Moves })
	f.gauge("blocked_senders", "{goroutine}", "Goroutines waiting to send.",
		func(c *ChanStats) (float64, bool) { return float64(c.BlockedSenders), c.Moves })
	f.gauge("blocked_receivers", "{goroutine}", "Goroutines waiting to receive through the wrapper.",
		func(c *ChanStats) (float64, bool) { return float64(c.BlockedReceivers), c.Moves })
	f.gauge("oldest_blocked_sender", "s", "How long the sender has waited that waits longest.",
		func(c *ChanStats) (float64, bool) { return c.OldestBlockedSender.Seconds(), c.Moves })
	f.gauge("members", "{channel}", "Live channels under this name, closed but uncollected ones included.",
		func(c *ChanStats) (float64, bool) { return float64(c.Members), true })
	f.gauge("stalled_members", "{channel}", "Channels that hold messages or blocked senders and had no receive for the stall threshold.",
		func(c *ChanStats) (float64, bool) { return float64(c.Stalled), c.Moves })
	f.counter("created", "{channel}", "Channels ever registered under this name.",
		func(c *ChanStats) (float64, bool) { return float64(c.Created), true })
	f.counter("closed", "{channel}", "Channels closed through the wrapper.",
		func(c *ChanStats) (float64, bool) { return float64(c.Closed), c.Moves })
	f.counter("abandoned_messages", "{message}", "Messages still undelivered when their channel was collected.",
		func(c *ChanStats) (float64, bool) { return float64(c.Abandoned), c.Moves })
	f.counter("unverified_messages", "{message}", "Messages of collected channels that may have been received natively.",
		func(c *ChanStats) (float64, bool) { return float64(c.Unverified), c.Moves })
	f.gauge("stall_threshold", "s", "Time without a receive after which a channel that holds messages counts as stalled.",
		func(c *ChanStats) (float64, bool) { return c.StallAfter.Seconds(), c.Moves })
	return f.rows
}

func semaphoreMetrics() []Desc {
	f := &family[SemaphoreStats]{
		prefix: "weir.semaphore.",
		of:     func(s *Snapshot) []SemaphoreStats { return s.Semaphores },
		info:   func(c *SemaphoreStats) *Info { return &c.Info },
	}
	f.gauge("permits_limit", "{permit}", "Permits there are.",
		func(s *SemaphoreStats) (float64, bool) { return float64(s.Limit), true })
	f.gauge("permits_available", "{permit}", "Permits that are free now.",
		func(s *SemaphoreStats) (float64, bool) { return float64(s.Limit - s.InUse), true })
	f.gauge("permits_in_use", "{permit}", "Permits that are taken now.",
		func(s *SemaphoreStats) (float64, bool) { return float64(s.InUse), true })
	f.gauge("in_use.peak", "{permit}", "Most permits taken over the last window (30 to 60 s).",
		func(s *SemaphoreStats) (float64, bool) { return float64(s.InUsePeak), true })
	f.gauge("in_use.floor", "{permit}", "Fewest permits taken over the last window (30 to 60 s); one that only rises is how a permit leak looks.",
		func(s *SemaphoreStats) (float64, bool) { return float64(s.InUseFloor), true })
	f.gauge("floor_ratio_max", "", "In-use floor over limit of the member where it is highest, 0 to 1; absent without a limit above 0.",
		func(s *SemaphoreStats) (float64, bool) { return s.FloorRatioMax, s.Limit > 0 })
	f.gauge("waiters", "{goroutine}", "Goroutines waiting for permits.",
		func(s *SemaphoreStats) (float64, bool) { return float64(s.Waiters), s.Moves })
	f.gauge("oldest_waiter", "s", "How long the goroutine has waited that waits longest.",
		func(s *SemaphoreStats) (float64, bool) { return s.OldestWaiter.Seconds(), s.Moves })
	f.gauge("oldest_permit", "s", "Age of the oldest tracked Permit; absent where Permits are not used.",
		func(s *SemaphoreStats) (float64, bool) { return s.OldestPermit.Seconds(), s.HasPermits })
	f.outcomes("acquires", "{acquire}", "Acquires by outcome: ok, rejected (TryAcquire found too few), canceled.",
		func(s *SemaphoreStats) []outcome {
			if !s.Moves {
				return nil
			}
			return []outcome{{"ok", s.Acquired}, {"rejected", s.Rejected}, {"canceled", s.Canceled}}
		})
	f.histogram("acquire_wait", "Time that acquires took which had to wait.",
		func(s *SemaphoreStats) (*Histogram, bool) { return &s.AcquireWait, s.Moves })
	f.histogram("hold", "Time from acquire to release of tracked Permits; absent where Permits are not used.",
		func(s *SemaphoreStats) (*Histogram, bool) { return &s.Hold, s.HasPermits })
	f.add(Counter, "leaked_permits", "{permit}", "Permits collected without release, by the place that took them.", []string{"site"},
		func(s *SemaphoreStats, emit func(float64, *Histogram, ...string)) {
			if !s.Moves {
				return
			}
			for _, l := range s.Leaked {
				emit(float64(l.Permits), nil, l.Site)
			}
		})
	f.counter("untracked_releases", "{permit}", "Permits of wrapped semaphores that went in or out past the wrapper; absent where none is wrapped.",
		func(s *SemaphoreStats) (float64, bool) { return float64(s.UntrackedReleases), s.wrapped })
	f.gauge("hold_threshold", "s", "Time after which a held Permit is a suspect, with WithHoldLimit.",
		func(s *SemaphoreStats) (float64, bool) { return s.HoldLimit.Seconds(), s.HoldLimit > 0 })
	f.gauge("wait_threshold", "s", "Time after which a goroutine that waits in vain for permits is a suspect.",
		func(s *SemaphoreStats) (float64, bool) { return s.WaitLimit.Seconds(), s.Moves })
	return f.rows
}

func poolMetrics() []Desc {
	f := &family[PoolStats]{
		prefix: "weir.pool.",
		of:     func(s *Snapshot) []PoolStats { return s.Pools },
		info:   func(p *PoolStats) *Info { return &p.Info },
	}
	f.gauge("workers", "{worker}", "Workers there are; absent where that is not known or not limited.",
		func(p *PoolStats) (float64, bool) { return float64(p.Workers), p.HasWorkers })
	f.gauge("workers_busy", "{worker}", "Workers that run a task now.",
		func(p *PoolStats) (float64, bool) { return float64(p.Busy), p.HasBusy })
	f.gauge("queue_depth", "{task}", "Tasks that wait in the queue.",
		func(p *PoolStats) (float64, bool) { return float64(p.QueueDepth), p.HasQueue })
	f.gauge("queue_capacity", "{task}", "Tasks that fit in the queue; absent where that is not known or not limited.",
		func(p *PoolStats) (float64, bool) {
			return float64(p.QueueCapacity), p.HasQueue && (p.Bounded || p.QueueCapacity > 0)
		})
	f.outcomes("tasks", "{task}", "Tasks by outcome: ok, error, panic (or Goexit).",
		func(p *PoolStats) []outcome {
			return []outcome{{"ok", p.TasksOK}, {"error", p.TasksError}, {"panic", p.TasksPanic}}
		})
	f.counter("rejected", "{task}", "Tasks that were refused because the queue was full or the limit reached.",
		func(p *PoolStats) (float64, bool) { return float64(p.Rejected), true })
	f.counter("busy", "s", "Time that workers spent in tasks, summed over workers.",
		func(p *PoolStats) (float64, bool) { return p.BusyTime.Seconds(), p.HasTasks })
	f.histogram("task_wait", "Time from submitted to started, from weighted samples where tasks are fast.",
		func(p *PoolStats) (*Histogram, bool) { return &p.TaskWait, p.HasTasks })
	f.histogram("task_run", "Time from started to ended.",
		func(p *PoolStats) (*Histogram, bool) { return &p.TaskRun, p.HasTasks })
	f.gauge("oldest_task", "s", "How long the task has run that runs longest.",
		func(p *PoolStats) (float64, bool) { return p.OldestTask.Seconds(), p.HasTasks })
	f.gauge("task_threshold", "s", "Time after which a running task is a suspect, with WithTaskLimit.",
		func(p *PoolStats) (float64, bool) { return p.TaskLimit.Seconds(), p.TaskLimit > 0 })
	return f.rows
}

func leakMetrics() []Desc {
	labels := []string{"kind", "name", "reason", "evidence"}
	suspects := func(value func(Suspect) float64) func(*Snapshot, emitter) {
		return func(s *Snapshot, emit emitter) {
			for _, x := range s.Suspects {
				emit(s.Self.Start, value(x), nil, x.Kind, x.Name, x.Reason, string(x.Evidence))
			}
		}
	}
	classes := []string{"kind", "reason", "evidence"}
	counts := func(value func(suspectCount) uint64) func(*Snapshot, emitter) {
		return func(s *Snapshot, emit emitter) {
			for _, x := range s.Self.suspects {
				emit(s.Self.Start, float64(value(x.suspectCount)), nil, x.kind, x.reason, string(x.evidence))
			}
		}
	}
	return []Desc{
		{
			Name: "weir.leak.suspects", Unit: "{suspect}", Kind: Gauge, Labels: labels,
			Help:    "What looks or is leaked or stuck now: members, permits, tasks or messages concerned.",
			samples: suspects(func(x Suspect) float64 { return float64(x.Count) }),
		},
		{
			Name: "weir.leak.suspect.since_timestamp", Unit: "s", Kind: Gauge, Labels: labels,
			Help:    "When the suspicion began, in Unix time.",
			samples: suspects(func(x Suspect) float64 { return float64(x.Since.UnixMilli()) / 1e3 }),
		},
		{
			Name: "weir.leak.suspects.seen", Unit: "{suspect}", Kind: Counter, Labels: classes,
			Help:    "Suspicions that ever began.",
			samples: counts(func(x suspectCount) uint64 { return x.seen }),
		},
		{
			Name: "weir.leak.suspects.ended", Unit: "{suspect}", Kind: Counter, Labels: classes,
			Help:    "Suspicions that ended, because their cause did.",
			samples: counts(func(x suspectCount) uint64 { return x.ended }),
		},
		{
			Name: "weir.leak.look_interval", Unit: "s", Kind: Gauge,
			Help: "Time between two looks at the goroutines; absent where they are not looked at.",
			samples: func(s *Snapshot, emit emitter) {
				if s.Self.lookInterval > 0 {
					emit(s.Self.Start, s.Self.lookInterval.Seconds(), nil)
				}
			},
		},
	}
}

func selfMetrics() []Desc {
	row := func(kind Kind, name, unit, help string, value func(*SelfStats) float64) Desc {
		return Desc{Name: name, Unit: unit, Kind: kind, Help: help,
			samples: func(s *Snapshot, emit emitter) { emit(s.Self.Start, value(&s.Self), nil) }}
	}
	return []Desc{
		{
			Name: "weir.instrument.info", Kind: Gauge, Labels: []string{"kind", "name", "site", "elem", "bounded", "owner"},
			Help: "Always 1: where the first of this name was made, what it holds, and who owns it.",
			samples: func(s *Snapshot, emit emitter) {
				one := func(kind string, i Info) {
					bounded := "true"
					if !i.Bounded {
						bounded = "false"
					}
					emit(i.Start, 1, nil, kind, i.Name, i.Site, i.Elem, bounded, i.Owner)
				}
				for i := range s.Channels {
					one("channel", s.Channels[i].Info)
				}
				for i := range s.Semaphores {
					one("semaphore", s.Semaphores[i].Info)
				}
				for i := range s.Pools {
					one("pool", s.Pools[i].Info)
				}
			},
		},
		row(Counter, "weir.series_overflow", "{object}", "Objects that came after the cap on names and count under _overflow.",
			func(s *SelfStats) float64 { return float64(s.SeriesOverflow) }),
		row(Counter, "weir.conflicting_options", "{option}", "Options that differ from what the name already has; the first wins.",
			func(s *SelfStats) float64 { return float64(s.ConflictingOptions) }),
		row(Counter, "weir.collect_faults", "{fault}", "User callbacks that panicked, or did not return in time, while they were measured.",
			func(s *SelfStats) float64 { return float64(s.CollectFaults) }),
		row(Gauge, "weir.collect_duration", "s", "What this reading took.",
			func(s *SelfStats) float64 { return s.SnapshotDuration.Seconds() }),
		{
			Name: "weir.build_info", Kind: Gauge, Labels: []string{"version", "identity", "leakproof"},
			Help: "Always 1: the library's version, how channels are identified, and whether leaks can be proven.",
			samples: func(s *Snapshot, emit emitter) {
				emit(s.Self.Start, 1, nil, s.Self.Version, s.Self.Identity, s.Self.LeakProof)
			},
		},
	}
}

const modulePath = "github.com/weir-go/weir"

// version returns the module's version as the program was built with it.
var version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath && m.Version != "" {
			return m.Version
		}
	}
	return "(devel)"
})
