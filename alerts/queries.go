package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The labels that tell one subject of an alert from another. A label that a setup
// does not have is empty on all sides and so matches.
const (
	service = "cluster, namespace, job"
	process = service + ", instance, pod"
	object  = process + ", name"
)

// subject is what an alert is about, and where its owner is found.
type subject struct {
	labels  string // that the owner is joined by
	kind    string // of the info series; empty is all
	ago     bool   // the info series as it was, where there is none any more
	unowned bool   // it is not part of a program
}

func objectOf(kind string) subject { return subject{labels: object, kind: kind} }

// query writes expressions for one alert with a team's settings.
type query struct {
	settings
	threshold float64
	recorded  bool   // the recording rules are there
	notifier  string // the metric that counts failed notifications
}

// series writes a metric with the matchers given and the team's own. What rules
// record is named by them, and has no prefix.
func (q query) series(metric string, matchers ...string) string {
	if !strings.Contains(metric, ":") {
		metric = q.MetricPrefix + metric
	}
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

// was is last as it was when a service that is missing now was still there.
func (q query) was(metric string, matchers ...string) string {
	return fmt.Sprintf("last_over_time(%s[%s] offset %s)", q.series(metric, matchers...), duration(q.Lookback), duration(q.remembered()))
}

// recent is over how long counters are looked at.
func (s settings) recent() time.Duration { return s.Window / 2 }

// remembered is how long a service is missed that told something once.
func (s settings) remembered() time.Duration { return 6 * s.Window }

// rate writes how fast a counter, or a histogram, grew lately.
func (q query) rate(metric string, matchers ...string) string {
	return fmt.Sprintf("rate(%s[%s])", q.series(metric, matchers...), duration(q.recent()))
}

// minRefused, in a second, keeps quiet what is hardly used: of three sends one
// refused is a third.
const minRefused = 0.1

// refused is true where some outcomes of a counter are too large a part of it.
// What panicked on a closed channel was never to be had, and does not count.
func (q query) refused(metric, outcomes string) string {
	rate := func(outcomes string) string {
		return fmt.Sprintf("sum without (outcome) (%s)", q.rate(metric, fmt.Sprintf("outcome=~%q", outcomes)))
	}
	return fmt.Sprintf(`(
    %[1]s
  /
    %[2]s
) > %[3]v
and
  %[1]s > %[4]v`, rate(outcomes), rate("ok|"+outcomes), q.threshold, minRefused)
}

// overLimit is true where an age is over the limit that the program set, or where
// it set none over the threshold while others wait.
func (q query) overLimit(age, limit, waiting string) string {
	return fmt.Sprintf(`%[1]s > %[2]s
or
  (%[1]s > %[3]v unless %[2]s)
  and
  %[4]s > 0`, age, q.last(limit, q.Lookback), q.threshold, q.throughout(waiting))
}

// owned adds the owner label of the subject's info series. Where that is missing,
// as in a setup that drops it, or where there are several owners, as after a
// change until the old series is forgotten, the alert stays, without an owner:
// an expression that only joined would be empty in the one case and an error in
// the other, and nobody would be paged. (A topk would choose anew each time, and
// an alert whose labels change begins again.)
func (q query) owned(x subject, expr string) string {
	if x.unowned {
		return expr
	}
	matchers := []string{`owner!=""`}
	if x.kind != "" {
		matchers = append(matchers, fmt.Sprintf("kind=%q", x.kind))
	}
	info := q.last("weir_instrument_info", q.Lookback, matchers...)
	if x.ago {
		info = q.was("weir_instrument_info", matchers...)
	}
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
)`, indent(expr), x.labels, info)
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

func seconds(s float64) time.Duration {
	return max(time.Duration(s*float64(time.Second)).Truncate(time.Millisecond), time.Millisecond)
}

// duration writes d as Prometheus does: 90s, 2m, 1h.
func duration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	for _, unit := range []struct {
		name string
		d    time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if d%unit.d == 0 {
			return fmt.Sprintf("%d%s", d/unit.d, unit.name)
		}
	}
	return fmt.Sprintf("%dms", cmp.Or(d/time.Millisecond, 1))
}
