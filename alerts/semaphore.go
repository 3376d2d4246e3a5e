package alerts

import (
	"fmt"
	"time"
)

func semaphoreAlerts() []Alert {
	return []Alert{
		{
			Name: "WeirSemaphoreExhausted", Kind: "semaphore", Severity: Critical, Board: "weir-semaphore",
			When:        "a semaphore had no permit free for a whole window",
			Summary:     "Semaphore {{ $labels.name }} of {{ $labels.job }} has no permit left",
			Description: "All permits, or of several semaphores under this name those of the worst one, were taken without a break ({{ $value | humanizePercentage }} of them at every moment); whoever asks waits or is refused.",
			For:         time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "At every scrape of the lookback the floor says that none was free for the half minute before, which is no burst; a minute more is for a process that has had one scrape only.",
			expr: exhausted,
		},
		{
			Name: "WeirSemaphoreRefusing", Kind: "semaphore", Severity: Warning, Board: "weir-semaphore",
			When:        "a semaphore turns work away for minutes",
			Summary:     "Semaphore {{ $labels.name }} of {{ $labels.job }} turns work away",
			Description: "{{ $value | humanizePercentage }} of the acquires found no permit and were refused, or gave up waiting for one.",
			Threshold:   0.01, Unit: "share of the acquires, 0 to 1",
			For: 5 * time.Minute, KeepFiring: 5 * time.Minute,
			Why:  "Refusing at a peak is what a limit is for; refusing for minutes is a limit too low, a load too high, or permits that do not come back.",
			expr: refusing,
		},
		{
			Name: "WeirPermitHeldTooLong", Kind: "semaphore", Severity: Warning, Board: "weir-semaphore",
			When:        "a permit is held for longer than its limit",
			Summary:     "A permit of semaphore {{ $labels.name }} of {{ $labels.job }} is held for too long",
			Description: "It was taken {{ $value | humanizeDuration }} ago and not released: longer than the hold limit that the program set, or where it set none, long while others wait.",
			Threshold:   3600, Unit: "seconds, where the program set no limit and others wait for a permit",
			Program: "weir_semaphore_hold_threshold_seconds",
			For:     0, KeepFiring: 5 * time.Minute,
			Why:  "How long it is held is the value itself; seen once it is true.",
			expr: heldTooLong,
		},
		{
			Name: "WeirPermitLeaked", Kind: "semaphore", Severity: Critical, Board: "weir-semaphore",
			When:        "a permit was dropped and never released",
			Summary:     "Semaphore {{ $labels.name }} of {{ $labels.job }} has lost permits for good",
			Description: "{{ $value }} permits were never released: the garbage collector found them dropped. The label site of weir_semaphore_leaked_permits_total names the line that took them.",
			For:         0, KeepFiring: 5 * time.Minute,
			Why:  "It is proven, and no permit comes back by waiting.",
			expr: leaked,
		},
	}
}

// exhausted asks for the worst semaphore of a name, not for their sum: one of many
// without a permit is as bad for those who need that one.
func exhausted(q query) string {
	return q.throughout("weir_semaphore_floor_ratio_max") + " >= 1"
}

func refusing(q query) string {
	return q.refused("weir_semaphore_acquires_total", "rejected|canceled")
}

// heldTooLong leaves permits alone that are held for as long as a connection or a
// process lasts, until somebody waits for them.
func heldTooLong(q query) string {
	return q.overLimit(q.seen("weir_semaphore_oldest_permit_seconds"), "weir_semaphore_hold_threshold_seconds", "weir_semaphore_waiters")
}

func leaked(q query) string {
	return fmt.Sprintf("max without (reason, evidence) (%s) > 0",
		q.seen("weir_leak_suspects", `kind="semaphore"`, `reason="unreleased"`, `evidence="collected"`))
}
