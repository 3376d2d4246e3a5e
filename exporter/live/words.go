package live

import (
	"fmt"
	"strconv"
	"time"

	"github.com/weir-go/weir/instrument"
)

// remarks is what there is to say about an object in words.
type remarks struct {
	past    *past
	now     *Now
	minute  counters      // what was counted in the last minute
	over    time.Duration // how much of it was seen; 0 at the first reading
	trouble Trouble
	lines   []string
}

func (e *entry) remark(m moment, now counters, suspects []string) remarks {
	r := remarks{past: &e.past, now: &e.now, lines: []string{}}
	for _, what := range suspects {
		r.say(Suspected, "%s", what)
	}
	if before := e.past.aMinuteAgo(m.at); before != nil {
		r.over = m.at.Sub(before.at)
		r.minute = now.less(&before.counters)
	}
	return r
}

// less returns what was counted since before.
func (c counters) less(before *counters) counters {
	minus := func(a, b uint64) uint64 { return a - min(a, b) }
	return counters{
		in: minus(c.in, before.in), out: minus(c.out, before.out),
		full: minus(c.full, before.full), gaveUp: minus(c.gaveUp, before.gaveUp), closed: minus(c.closed, before.closed),
		waits: minus(c.waits, before.waits), late: minus(c.late, before.late),
		panics: minus(c.panics, before.panics), fullTime: max(c.fullTime-before.fullTime, 0),
	}
}

func (r *remarks) say(t Trouble, format string, args ...any) {
	r.trouble = max(r.trouble, t)
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// counted says what happened n times in the last minute, if it did.
func (r *remarks) counted(t Trouble, n uint64, one, many string) {
	if n > 0 {
		r.say(t, "%s in the last %s", plural(n, one, many), r.span())
	}
}

// span is the part of the last minute that was seen.
func (r *remarks) span() string {
	if r.over >= time.Minute-SlotLength {
		return "minute"
	}
	return ages(r.over)
}

// patience is how long somebody may wait before it is worth a word.
const patience = time.Second

// waits says that somebody has waited for long.
func (r *remarks) waits(n int64, oldest time.Duration, one, many string) {
	if n > 0 && oldest > patience {
		r.say(Warned, "%s, the first for %s", plural(uint64(n), one, many), ages(oldest))
	}
}

// plural writes a number of things.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// time writes how long it went on. What began before the past that is remembered
// has no beginning.
func (g growth) time() string {
	if g.over >= remember-time.Minute/2 {
		return ages(g.over) + " or longer"
	}
	return ages(g.over)
}

// count writes a number with its thousands apart: 1,024.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// rough writes a number with two digits that matter, or all of those before the
// point: 0.35, 4.2, 1,300.
func rough(v float64) string {
	switch {
	case v >= 9.95:
		return count(uint64(v + 0.5))
	case v >= 0.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func size(bytes float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if bytes < 999.5 {
			return rough(bytes) + " " + unit
		}
		bytes /= 1000
	}
	return rough(bytes) + " TB"
}

// ages writes how long something takes, to the precision that matters to a reader.
func ages(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return rough(d.Seconds()) + " s"
	case d < 2*time.Minute:
		return count(uint64(d.Seconds()+0.5)) + " s"
	case d < 2*time.Hour:
		return count(uint64(d.Minutes()+0.5)) + " min"
	}
	return count(uint64(d.Hours()+0.5)) + " h"
}

// reason is a suspicion in words, and where to look first.
type reason struct{ what, advice string }

// reasons has every reason of instrument; docs/suspects.md says more of each.
var reasons = map[string]reason{
	"channel undrained":          {"holds messages, and nothing is received", "Look at the receivers: are they blocked, have they ended, or are they stuck in one message?"},
	"channel growing":            {"only grows: it is filled faster than it is drained", "Compare what comes in and goes out. Bound it in front, with a semaphore whose permit travels in the message, or add receivers."},
	"channel stranded":           {"was closed with messages in it, and nothing is received", "Range over the channel to its end, or drain it where it is closed."},
	"channel sender_blocked":     {"has senders that wait for long, and ever more of them", "The channel is too slow by far for its senders: look at its waits and its capacity."},
	"channel abandoned":          {"was collected with messages in it that nobody ever came for", "What was in it is lost: receive it, or do not send what nobody waits for."},
	"semaphore acquirer_blocked": {"has goroutines that wait for permits in vain", "Who holds them? Take permits with AcquirePermit, then the line is known. If they are held for so long by design, WithWaitLimit says so."},
	"semaphore held_too_long":    {"has permits that are held beyond the limit", "Look at the line that took them: is the work stuck, or was the release forgotten on an error path?"},
	"semaphore nothing_released": {"has permits in use, and none was released for the limit", "Take permits with AcquirePermit: then the line that holds them is known."},
	"semaphore rising_floor":     {"has ever more permits in use, and never fewer", "Permits seem to get lost one by one. Take them with AcquirePermit: then the line is known."},
	"semaphore unreleased":       {"lost permits: they were collected without a release", "Put defer p.Release() right after the line that took them."},
	"pool running_too_long":      {"has tasks that run beyond their limit", "The site is the task's function; its goroutine has the label weir_pool in profiles."},
	"pool leaked":                {"has a task that waits for what can never come", "The stack has the line: give it a context, or a buffered channel of one for a late answer."},
	"goroutine blocked_send":     {"has ever more goroutines that wait to send", "Nobody receives, or no longer: give the senders a context, or the channel a buffer of one."},
	"goroutine blocked_receive":  {"has ever more goroutines that wait to receive", "Nobody sends, or no longer: close the channel when there is nothing more to come."},
	"goroutine blocked_select":   {"has ever more goroutines that wait in a select", "None of its cases comes: add one for a context that ends."},
	"goroutine leaked":           {"has goroutines that nothing can ever wake", "The stack has the line: give them a context, or a buffered channel of one for a late answer."},
}

func suspectOf(x *instrument.Suspect) Suspect {
	r := reasons[x.Kind+" "+x.Reason]
	return Suspect{Kind: x.Kind, Name: x.Name, Reason: x.Reason, Evidence: string(x.Evidence), Since: x.Since,
		Count: x.Count, Site: x.Site, Stack: x.Stack, What: r.what, Advice: r.advice}
}
