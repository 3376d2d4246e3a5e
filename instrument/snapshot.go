package instrument

import "time"

// Snapshot is one reading of a registry, by value: nothing in it changes or
// keeps a channel, semaphore or pool alive. Names are sorted.
type Snapshot struct {
	Time       time.Time
	Channels   []ChanStats
	Semaphores []SemaphoreStats
	Pools      []PoolStats
	Suspects   []Suspect
	Self       SelfStats
}

// Info says what stands under a name. It becomes the labels of the one
// weir_instrument_info series of that name.
type Info struct {
	Name    string
	Site    string    // where the first one was made: "pkg.Func file.go:41"
	Sites   []string  // every place that made one, at most 16
	Elem    string    // type of a channel's messages, else empty
	Owner   string    // set by WithOwner
	Bounded bool      // false for a Queue
	Start   time.Time // when the name's counters began, at zero
}

// ChanStats is a reading of a channel, or of all channels of one name: levels
// and counters are then sums over the members, ages are maxima, and DepthPeak
// and DepthFloor are an upper and a lower bound of the sum's own extremes.
type ChanStats struct {
	Info

	// Moves is false where all members are watched only: then there is
	// nothing to say about sends, receives and waits, and those fields are 0.
	Moves bool

	Members    int   // alive, closed but uncollected ones included
	Depth      int64 // messages buffered now
	Capacity   int64 // 0 when not Bounded
	DepthPeak  int64 // highest depth in the last window (30 to 60 s)
	DepthFloor int64 // lowest depth in the last window; 0 in the first 30 s

	HasRatio      bool    // a member has a capacity above 0
	FillRatioMax  float64 // depth / capacity of the fullest member
	FloorRatioMax float64 // floor / capacity of the member with the highest one

	FullTime      time.Duration // spent full, summed over members
	HasBytes      bool          // WithBytes was given
	BufferedBytes int64         // depth times the mean size of recent messages

	Sent          uint64 // sends that succeeded
	SendsFull     uint64 // TrySend found no room
	SendsCanceled uint64 // SendContext gave up
	SendsClosed   uint64 // sends that panicked on a closed channel
	Received      uint64 // never more than Sent

	SendBlocked Histogram // time that blocked sends took
	Wait        Histogram // time from sent to received, from weighted samples

	WaitTarget      time.Duration // set by WithWaitTarget, else 0
	Waits           uint64        // waits measured against the target
	WaitsOverTarget uint64        // those that were longer

	// OldestMessage is the age of the message at the head, or more by the time
	// between two stamps: the time it took to send a sixteenth of what is
	// buffered, or of up to 1,024 messages where they are fast (about 50 µs).
	OldestMessage       time.Duration
	BlockedSenders      int64 // goroutines waiting in Send or SendContext
	BlockedReceivers    int64 // goroutines waiting in Recv, RecvContext or All
	OldestBlockedSender time.Duration

	StallAfter time.Duration // the threshold, 5 minutes unless set
	Stalled    int           // members that hold messages and had no receive for StallAfter

	Created    uint64 // members ever registered
	Closed     uint64 // Close calls that succeeded
	Abandoned  uint64 // undelivered messages of collected members
	Unverified uint64 // messages of collected members that may have been received natively

	Stranded int // those of them that are closed

	stalledSince  int64 // stamp of the earliest stall of one that is open
	strandedSince int64
	growing       int    // members whose floor has only risen for StallAfter
	growingSince  int64  // since when the first does
	passedSenders int    // members whose oldest sender waits for StallAfter in a line that grows
	passedSince   int64  // since when the first does
	lost          uint64 // of the Abandoned messages, those that nobody ever came for
	lostAt        int64  // when the latest were found
}

// SemaphoreStats is a reading of a semaphore, or of all of one name: numbers
// add up and ages are maxima.
type SemaphoreStats struct {
	Info

	// Moves is false where all members are channels of WatchSemaphore: then there
	// is nothing to say about acquires, waits and leaks, and those fields are 0.
	Moves bool

	Members    int
	Limit      int64 // permits there are
	InUse      int64 // permits taken now
	InUsePeak  int64 // highest in the last window (30 to 60 s)
	InUseFloor int64 // lowest in the last window; 0 in the first 30 s

	// FloorRatioMax is InUseFloor / Limit of the member with the highest one: at 1
	// one of them had no permit free for a whole window, whatever the others had.
	FloorRatioMax float64

	Waiters      int64
	OldestWaiter time.Duration

	Acquired uint64 // acquires that succeeded
	Rejected uint64 // TryAcquire found too few permits
	Canceled uint64 // Acquire gave up

	// UntrackedReleases is the permits of wrapped semaphores that went in or out
	// past the wrapper: InUse would be below 0 or above Limit without them.
	UntrackedReleases uint64

	AcquireWait Histogram // time that blocked acquires took, successful or not
	Hold        Histogram // time from acquire to release, of tracked Permits

	HasPermits   bool          // a Permit was ever taken: only then Hold and OldestPermit mean something
	OldestPermit time.Duration // age of the oldest tracked Permit
	HoldLimit    time.Duration // set by WithHoldLimit, else 0
	HeldTooLong  int           // tracked Permits older than HoldLimit
	TrackAll     bool          // set by WithTrackAll, or WithReclaim
	Reclaim      bool          // set by WithReclaim
	WaitLimit    time.Duration // after which a waiter is a suspect: WithWaitLimit, else HoldLimit, else 5 minutes

	Leaked []LeakSite // permits collected unreleased, by the place that took them

	wrapped          bool // a member was made by WrapSemaphore
	oldestPermitSite string
	missing          finding // permits that live semaphores lost for good
	still            finding // permits in use, none of which was released for HoldLimit
	rising           finding // permits by which the floor has only risen for HoldLimit
	blocked          finding // those that wait where the first has for WaitLimit, and in vain
}

// LeakSite counts the permits that were taken at one place and never released.
type LeakSite struct {
	Site    string // "other" after the first 50 places
	Permits uint64
}

// PoolStats is a reading of a worker pool, or of all of one name: numbers add
// up and ages are maxima.
type PoolStats struct {
	Info

	// What a name has depends on what stands under it: a TaskMeter has no queue,
	// a Group without a limit no number of workers, and a watched pool no times.
	// Where one of these is false the fields that it speaks of are 0.
	HasWorkers bool // Workers
	HasBusy    bool // Busy
	HasQueue   bool // QueueDepth and QueueCapacity
	HasTasks   bool // BusyTime, TaskWait, TaskRun and OldestTask

	Members       int
	Workers       int64
	Busy          int64 // workers, or tasks of a Group or TaskMeter, that run
	QueueDepth    int64
	QueueCapacity int64

	TasksOK    uint64
	TasksError uint64 // tasks of a Group that returned an error
	TasksPanic uint64 // panics and runtime.Goexit
	Rejected   uint64 // TrySubmit found the queue full, TryGo the limit reached

	BusyTime time.Duration // summed over workers, running tasks included

	// TaskWait is the time from submitted to started, from samples weighted by
	// what they stand for where tasks come faster than one in a microsecond.
	TaskWait Histogram
	// TaskRun is the time from started to ended. Of tasks faster than a microsecond
	// up to 32 are timed together: then each counts as their mean.
	TaskRun Histogram

	OldestTask     time.Duration // age of the longest running task
	OldestTaskSite string        // entry of its function, once it is over TaskLimit
	TaskLimit      time.Duration // set by WithTaskLimit, else 0
	TasksOverLimit int

	oldestEntry uintptr // of the function of OldestTask, once it is over TaskLimit
}

// SelfStats is what a registry says of itself.
type SelfStats struct {
	Version            string        // of this library, as the program was built with it
	Start              time.Time     // when the registry was made, and its counters began
	Identity           string        // "channel", or "wrapper" where the runtime's channels could not be tracked
	LeakProof          string        // "on", "off" without WithLeakProof, "absent" where the runtime has no leak profile
	Disabled           bool          // WEIR_DISABLE=1: constructors return the bare thing
	SeriesOverflow     uint64        // constructor calls that went to the name "_overflow"
	ConflictingOptions uint64        // options that differ from what the name already has
	CollectFaults      uint64        // user callbacks that panicked, or did not return in time
	SnapshotDuration   time.Duration // what this reading took

	suspects     []classCount
	lookInterval time.Duration // between two looks at the goroutines; 0 is never
}

// Evidence says how sure a Suspect is.
type Evidence string

// The kinds of evidence, the weakest first.
const (
	Heuristic Evidence = "heuristic" // behaviour that leaks have and healthy programs rarely do
	Collected Evidence = "collected" // the garbage collector found it unreleased
	Proven    Evidence = "proven"    // the runtime found that nothing can ever end it
)

// Suspect is something that looks, or is, leaked or stuck.
type Suspect struct {
	Kind     string // "channel", "semaphore", "pool" or "goroutine", whose name is its site
	Name     string
	Reason   string // see the section on leaks above
	Evidence Evidence
	Since    time.Time
	Count    uint64 // members, permits, tasks, messages or goroutines concerned
	Site     string // the line that made it, took it or runs it
	Stack    string // of a goroutine: the calls it is in, the inner one first, one a line
}
