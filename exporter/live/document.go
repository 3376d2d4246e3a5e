package live

import (
	"math"
	"strconv"
	"time"
)

// Version is the version of the JSON documents. It rises when a field changes its
// meaning or goes away; new fields do not raise it.
const Version = 1

const (
	// SlotLength is what one value of a History stands for.
	SlotLength = 5 * time.Second
	// SlotCount is how many values a History has: five minutes.
	SlotCount = 60
)

// Snapshot is the document at snapshot, and the data of an event "snapshot". That of
// an event "update" is one that has only what changed: see [Snapshot.Apply].
type Snapshot struct {
	Version  int       `json:"version"`
	Time     time.Time `json:"time"`              // of the reading
	Slot     int64     `json:"slot"`              // number of the 5 seconds that the reading is in; it only grows
	Program  *Program  `json:"program,omitempty"` // not in an update
	Totals   Totals    `json:"totals"`
	Notes    []string  `json:"notes"`    // about weir itself, such as names that it had no room for
	Suspects []Suspect `json:"suspects"` // the worst first
	Objects  []Object  `json:"objects"`  // by kind and name; of an update: those that changed
}

// Program says which process answers.
type Program struct {
	Name      string    `json:"name"` // of its executable, without the folder
	PID       int       `json:"pid"`
	Go        string    `json:"go"`   // version it was built with
	Weir      string    `json:"weir"` // version of this library
	Started   time.Time `json:"started"`
	LeakProof string    `json:"leak_proof"` // "on", "off" or "absent": see instrument.WithLeakProof
}

// Totals add up all objects.
type Totals struct {
	Channels   int    `json:"channels"` // names
	Semaphores int    `json:"semaphores"`
	Pools      int    `json:"pools"`
	Members    int    `json:"members"`  // objects under all names
	Messages   int64  `json:"messages"` // buffered in channels
	Bytes      Number `json:"bytes"`    // of those whose size is estimated
	Sent       Number `json:"sent_per_second"`
	Received   Number `json:"received_per_second"`
	Refused    Number `json:"refused_per_second"` // by objects of all kinds
	Waiting    int64  `json:"waiting"`            // goroutines that wait to send or to acquire
	Goroutines int64  `json:"goroutines"`         // of the process
	HeapBytes  int64  `json:"heap_bytes"`         // of the process: objects, dead ones that are not yet swept included
}

// Suspect is what looks, or is, leaked or stuck; see instrument.Suspect.
type Suspect struct {
	Kind     string    `json:"kind"`
	Name     string    `json:"name"`
	Reason   string    `json:"reason"`
	Evidence string    `json:"evidence"`
	Since    time.Time `json:"since"`
	Count    uint64    `json:"count"`
	Site     string    `json:"site"`
	Stack    string    `json:"stack,omitempty"`
	What     string    `json:"what"`   // the reason in words
	Advice   string    `json:"advice"` // where to look first
}

// Object is everything under one name of one kind. What is counted in it depends on
// the kind:
//
//	           level            limit       in          out         refused
//	channel    messages         capacity    sends       receives    no room, gave up, closed
//	semaphore  permits in use   permits     acquires    (not known) no permit, gave up
//	pool       tasks that run   workers     submitted   ended       queue full
type Object struct {
	Kind string `json:"kind"` // "channel", "semaphore" or "pool"
	Name string `json:"name"`
	*Made
	Now
	Trouble  Trouble  `json:"trouble"`           // how urgently it wants to be looked at, 0 to 3
	Warnings []string `json:"warnings"`          // why, in words
	History  *History `json:"history,omitempty"` // not in an update
	Detail   *Detail  `json:"detail,omitempty"`  // only of the one object that was asked for
}

// Made is what stays as it was when the name was first used. It is not in an update.
type Made struct {
	Site    string    `json:"site"`  // where the first one was made: "pkg.Func file.go:41"
	Sites   []string  `json:"sites"` // all places, at most 16
	Elem    string    `json:"elem,omitempty"`
	Owner   string    `json:"owner,omitempty"`
	Bounded bool      `json:"bounded"`
	Start   time.Time `json:"start"`             // when its counters began
	Options []string  `json:"options"`           // as they stand in the code: "WithStallAfter(5m0s)"
	After   Number    `json:"threshold_seconds"` // from when on it is a suspect: stalled, held or running for longer
}

// Now is what a reading found. Rates are those of the last 5 to 10 seconds, waits
// those of the last 30 to 60.
type Now struct {
	Members      int    `json:"members"`
	Level        Number `json:"level"`
	Limit        Number `json:"limit"` // null: there is none, or it is not known
	Peak         Number `json:"peak"`  // highest level of the last 30 to 60 s; of a pool: of those that were read
	Floor        Number `json:"floor"` // lowest, 0 in the first 30 s: what does not drain
	Fill         Number `json:"fill"`  // of the fullest member, 0 to 1
	Queue        Number `json:"queue"` // tasks that wait, of a pool that has a queue
	QueueLimit   Number `json:"queue_limit"`
	Bytes        Number `json:"bytes"` // estimate, where WithBytes was given
	In           Number `json:"in_per_second"`
	Out          Number `json:"out_per_second"`
	Refused      Number `json:"refused_per_second"`
	InTotal      uint64 `json:"in_total"`
	OutTotal     uint64 `json:"out_total"`
	RefusedTotal uint64 `json:"refused_total"`
	Waiting      Number `json:"waiting"` // goroutines that wait to send or to acquire
	WaitP50      Number `json:"wait_p50_seconds"`
	WaitP99      Number `json:"wait_p99_seconds"`
	Oldest       Number `json:"oldest_seconds"` // age of the oldest message, held permit or running task
}

// Trouble says how urgently an object wants to be looked at.
type Trouble int

// From nothing to say to a suspect of the same name.
const (
	Fine Trouble = iota
	Noted
	Warned
	Suspected
)

// History is what the last reading found in each of the last slots, the oldest first
// and the one that goes on last; null where nobody looked. All have the same length,
// SlotCount at most.
type History struct {
	Level []Number `json:"level"`
	Floor []Number `json:"floor"`
	Peak  []Number `json:"peak"`

	// Only with Detail.
	In      []Number `json:"in_per_second,omitempty"`
	Out     []Number `json:"out_per_second,omitempty"`
	Refused []Number `json:"refused_per_second,omitempty"`
	WaitP50 []Number `json:"wait_p50_seconds,omitempty"`
	WaitP99 []Number `json:"wait_p99_seconds,omitempty"`
	Oldest  []Number `json:"oldest_seconds,omitempty"`
}

// Detail is what there is to say about one object besides.
type Detail struct {
	Counters []Counter `json:"counters"`
	Times    []Times   `json:"times"`
	Worst    []Member  `json:"worst"` // at most ten of its members, the worst first
}

// Counter is one of the numbers that only grow.
type Counter struct {
	Name  string `json:"name"`
	Total uint64 `json:"total"`
}

// Times is a distribution over the last 30 to 60 seconds.
type Times struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
	P50   Number `json:"p50_seconds"`
	P90   Number `json:"p90_seconds"`
	P99   Number `json:"p99_seconds"`
	Max   Number `json:"max_seconds"`
}

// Member is one of the objects under a name; they have no names of their own.
type Member struct {
	Age     Number `json:"age_seconds"` // since it was made; null for pools
	Level   Number `json:"level"`
	Limit   Number `json:"limit"`
	Floor   Number `json:"floor"`
	Queue   Number `json:"queue"`
	Oldest  Number `json:"oldest_seconds"`
	Waiting Number `json:"waiting"`
	Stuck   bool   `json:"stuck"` // over its threshold
}

// Number is a number that may not be known, or not apply: then it is None, and null
// in JSON. All that is known is 0 or more.
type Number float64

// None is a Number that is not known.
const None Number = -1

// Known reports whether there is a number.
func (n Number) Known() bool { return n >= 0 }

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return n.append(nil), nil }

// append writes six significant digits, and large numbers to the unit.
func (n Number) append(b []byte) []byte {
	switch {
	case !(n >= 0) || n > math.MaxFloat64: // also what is no number
		return append(b, "null"...)
	case n < 1e15 && (n >= 1e6 || n == Number(int64(n))):
		return strconv.AppendInt(b, int64(n), 10)
	}
	return strconv.AppendFloat(b, float64(n), 'g', 6, 64)
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = None
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*n = Number(v)
	return err
}
