// Package stuck reads the text of a goroutine or goroutineleak profile (debug=2)
// down to what waits where, and for what. It is the judge of what leaked, so it
// knows nothing of weir. It imports the standard library only.
package stuck

import (
	"regexp"
	"strings"
)

// Goroutine is a kind of goroutine, and how many of them there are.
type Goroutine struct {
	// Where is its first function and what it waits for: "main.f() [chan send]"
	// without the "main.".
	Where  string
	Leaked bool // the runtime proved that nothing can wake it
}

// header is "goroutine 7 [chan receive (leaked), 2 minutes]:".
var header = regexp.MustCompile(`^(?:goroutine )?\d+ (?:gp=\S+ m=\S+ )?\[([^\],]+)[^\]]*\]`)

// Parse counts the goroutines of a dump, those without a creator (main) left out.
func Parse(dump string) map[Goroutine]int {
	all := make(map[Goroutine]int)
	for text := range strings.SplitSeq(dump, "\n\n") {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		reason := header.FindStringSubmatch(strings.TrimPrefix(lines[0], "goroutine "))
		entry := entryOf(lines)
		if reason == nil || entry == "" {
			continue
		}
		why, leaked := strings.CutSuffix(reason[1], " (leaked)")
		all[Goroutine{Where: entry + " [" + why + "]", Leaked: leaked}]++
	}
	return all
}

// arguments are addresses for the most part: they would make every goroutine one
// of a kind.
var arguments = regexp.MustCompile(`\((0x|\{|\.\.\.|[0-9]).*\)$`)

// entryOf returns the function that the goroutine was started with, which stands
// two lines above the one that says who started it.
func entryOf(lines []string) string {
	for i := len(lines) - 1; i >= 2; i-- {
		if strings.HasPrefix(lines[i], "created by ") {
			return arguments.ReplaceAllString(strings.TrimPrefix(lines[i-2], "main."), "()")
		}
	}
	return ""
}
