// Package watch runs in the programs that are scored: it makes the registry they
// measure with, in compressed time, reads it as a scraper would, and reports which
// suspects it named. It imports the standard library, instrument and stuck only.
package watch

import (
	"strings"
	"time"

	"github.com/weir-go/weir/leakscore/stuck"
)

// Plan is what the parent asks for, as JSON in the environment.
type Plan struct {
	Interval time.Duration // of detection, compressed
	// Calling is for how many intervals a leaky case is called again and again, as
	// requests come to a service.
	Calling int
	// Waiting is for how many intervals to wait for suspects after the last call.
	Waiting int
}

// PlanVariable is the environment variable that holds the Plan.
const PlanVariable = "LEAKSCORE_PLAN"

// Tier is a way to find leaks.
type Tier int

// The tiers: what wrappers see of their own, the goroutine profile, and the
// runtime's proof.
const (
	Wrappers Tier = iota
	Profile
	Proof
	Tiers
)

// Suspect is a suspect that was named at any time.
type Suspect struct {
	Kind, Name, Reason, Evidence, Site string
}

// Tier returns the tier that named it.
func (s Suspect) Tier() Tier {
	switch {
	case s.Evidence == "proven":
		return Proof
	case s.Kind == "goroutine":
		return Profile
	}
	return Wrappers
}

// In reports whether the suspect points to a place in file.
func (s Suspect) In(file string) bool {
	return strings.Contains(s.Site, file+":") || strings.Contains(s.Name, file+":")
}

// Count is a kind of goroutine that was there at the end, and how many.
type Count struct {
	stuck.Goroutine
	N int
}

// Report is what a child writes, as JSON, to its file descriptor 3.
type Report struct {
	Suspects  []Suspect
	Stuck     []Count // what was there at the end
	Members   uint64  // channels, semaphores and pools that were ever registered
	LeakProof string  // what the registry says of the runtime's profile
	Problem   string  // why the report is void, or empty
	// Gap is the longest time between two looks: that of a program on a machine that
	// had other things to do is long.
	Gap time.Duration
}

// Cost is what a child measured of the cost of detection. The shares are of one core,
// in percent.
type Cost struct {
	Unread  float64       // while nobody reads
	Read    float64       // while somebody does
	Proof   time.Duration // what asking the runtime for a proof takes
	Members int           // channels that were measured
}

// ReadEvery is how often a scraper comes meanwhile.
const ReadEvery = 15 * time.Second
