package alerts

import (
	"fmt"
	"time"
)

// processAlerts are about what has no name of its own: leaks wherever they are,
// processes, and the way of the alerts themselves.
func processAlerts() []Alert {
	suspected := func(severity Severity, hold time.Duration, when, what, description, evidence, why string) Alert {
		return Alert{
			Name: "WeirLeakSuspected", Severity: severity, Board: "weir-leaks",
			When:        when,
			Summary:     "A leak " + what + " in {{ $labels.job }}: {{ $labels.kind }} {{ $labels.name }}, {{ $labels.reason }}",
			Description: description,
			For:         hold, KeepFiring: 10 * time.Minute,
			Why:   why,
			about: subject{labels: object + ", kind"},
			expr:  func(q query) string { return suspects(q, evidence) },
		}
	}
	return []Alert{
		suspected(Critical, 0, "something leaked: collected, or proven", "was found",
			"{{ $value }} of them, by evidence that is not a guess ({{ $labels.evidence }}): nobody can ever use or end them again. The log of the process has the line of code.",
			"collected|proven", "It is proven, and nothing comes back by waiting."),
		suspected(Warning, 5*time.Minute, "something behaves as leaks do", "is suspected",
			"{{ $value }} of them behave as leaks do and healthy programs rarely. The log of the process has the line of code.",
			"heuristic", "The program has waited minutes before it suspected anything; five more let a load that only looked like it pass."),
		{
			Name: "WeirSeriesOverflow", Severity: Info, Board: "weir-overview",
			When:        "a program has more names than are measured apart",
			Summary:     "{{ $labels.job }} has more names than weir measures apart",
			Description: "{{ $value }} channels, semaphores and pools came after the cap on names, and are measured together under the name _overflow.",
			For:         0, KeepFiring: 5 * time.Minute,
			Why:   "It lasts for as long as the process.",
			about: subject{labels: process},
			expr:  overflowed,
		},
		{
			Name: "WeirMetricsMissing", Severity: Warning, Board: "weir-overview",
			When:        "no instance of a service tells anything any more",
			Summary:     "The measurements of {{ $labels.job }} are missing",
			Description: "None of its instances tells anything any more, and some did a while ago. All other alerts about it are blind.",
			For:         5 * time.Minute, KeepFiring: 0,
			Why:   "A restart of all instances at once takes minutes. It ends by itself when nobody remembers that they were there, so it must not stay any longer.",
			about: subject{labels: service, ago: true},
			expr:  missing,
		},
		{
			Name: "WeirPageNotDelivered", Severity: Critical, Board: "weir-overview",
			When:        "PagerDuty did not take a page; told by another way",
			Summary:     "Alertmanager {{ $labels.instance }} could not deliver pages to PagerDuty",
			Description: "About {{ $value | printf \"%.0f\" }} notifications failed for good within minutes: somebody may not know of what is broken. This one was sent by another way.",
			For:         0, KeepFiring: 15 * time.Minute,
			Why:   "Alertmanager has retried until its group interval was over, or was told not to. It tries again at each group interval, so three of them tell that it works again.",
			about: subject{unowned: true},
			expr:  notDelivered,
		},
	}
}

// ownAlert are the suspicions that have an alert of their own, which says more:
// the page would come twice.
const ownAlert = "undrained|stranded|growing|sender_blocked|held_too_long|unreleased|running_too_long"

func suspects(q query, evidence string) string {
	return q.seen("weir_leak_suspects", fmt.Sprintf("reason!~%q", ownAlert), fmt.Sprintf("evidence=~%q", evidence)) + " > 0"
}

// overflowed asks for the count itself: most names are made when a process starts,
// before the first scrape, and so are in no increase.
func overflowed(q query) string {
	return q.last("weir_series_overflow_total", q.Lookback) + " > 0"
}

// missing is true for a service that was measured a while ago and is not now.
func missing(q query) string {
	return fmt.Sprintf(`group by (%[1]s) (%[2]s)
unless on (%[1]s)
  group by (%[1]s) (%[3]s)`, service, q.was("weir_build_info"), q.last("weir_build_info", q.Lookback))
}

// notDelivered asks Alertmanager itself, so the team's own matchers do not apply.
func notDelivered(q query) string {
	return fmt.Sprintf(`sum without (reason) (increase(%s{integration="pagerduty"}[%s])) > 0`, q.notifier, duration(3*q.GroupInterval))
}
