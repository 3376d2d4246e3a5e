// Package instrument measures the channels, semaphores and worker pools of a
// program. It imports the standard library only.
//
// # Wrapping
//
// [Watch] takes any channel and returns the same channel: its depth is looked at
// once a second while somebody reads, and nothing on it gets slower. [NewChan] and
// [WrapChan] give a [Chan], whose methods are the operations of a channel and
// which measures those too: rates, refusals, waits, blocked goroutines, the age of
// the oldest message. Sends must go through the Chan; receivers may stay native,
// because what was received is what was sent and is no longer there. [NewQueue]
// makes an unbounded queue that says that it is one.
//
// [NewSemaphore] makes a [Semaphore] with the method set of Weighted in
// golang.org/x/sync/semaphore. [Semaphore.AcquirePermit] takes permits as a
// [Permit], which is released once however often Release is called, and reported,
// with the line that took it, when it is dropped unreleased. [WrapSemaphore]
// measures a semaphore that exists, [WatchSemaphore] a buffered channel that is used
// as one.
//
// [NewPool] makes a [Pool] of workers behind a bounded queue. [NewGroup] and
// [GroupWithContext] make a [Group] with the method set of Group in
// golang.org/x/sync/errgroup. A [TaskMeter] measures the tasks of any other pool, or
// of a loop over jobs, and [WatchPool] the numbers that a pool tells of itself.
//
// A wrapper has the semantics of what it wraps: order, blocking, closing, panics,
// contexts, fairness. Taking it out again is a rename.
//
// # Names
//
// A name is one series. All objects of a kind that are made under it add up, so a
// server with 50,000 connections measures 50,000 outboxes as one. When one of them
// is collected its counters stay in the total. What one bad member does among many
// shows in the fields that are maxima: FillRatioMax, FloorRatioMax, Stalled, and
// the ages. The first object under a name decides its options; differing ones are
// counted in weir_conflicting_options_total.
//
// Names are cleaned: bad UTF-8 becomes U+FFFD, control characters go, and 128
// bytes are kept. An empty name measures nothing and costs nothing. A registry has
// at most 1,000 names of a kind ([WithMaxNames]); what comes after shares
// "_overflow". A name without objects for an hour is forgotten.
//
// # Reading
//
// [Registry.Snapshot] reads everything, and each object has Stats. [Metrics] is the
// table of what is exported: exporters, dashboards and alerts are made from it.
// Packages exporter and exporter/promexport serve it to Prometheus.
//
// Depths have a peak and a floor over the last 30 to 60 seconds. A burst that
// drains is healthy and moves only the peak; a floor that rises is a queue that
// does not drain. So it is with the permits of a semaphore that are in use: a floor
// that only rises is how lost permits look.
//
// Waits are measured on samples, each weighted by the messages it stands for:
// every message where they are rare, one in 1,024 where they are fast. Tasks of
// pools are timed each, but where they take less than a microsecond up to 32 together;
// the time that workers were busy is exact all the same. Blocked times are measured
// exactly, at the cost of two clock reads for those that block.
// Histograms are exponential with eight buckets an octave.
//
// # Leaks
//
// [Snapshot] lists suspects, and each says how sure it is. [Heuristic]: a channel
// holds messages and nothing was received for longer than [WithStallAfter], or its
// lowest depth has only risen for twice that long; a goroutine waits in vain for
// permits for longer than [WithWaitLimit]; a Permit is held for longer than
// [WithHoldLimit]; a task runs for longer than [WithTaskLimit]; ever more goroutines
// wait at one place of the program. [Collected]: the garbage collector found permits
// that were never released, or a channel with messages that nobody ever came for.
// [Proven], with [WithLeakProof]: the runtime found goroutines that nothing can ever
// wake. Detection runs while somebody reads, and for three minutes after.
// docs/suspects.md in the repository says what each reason means and can miss.
//
// What can be known of a forgotten permit depends on how permits are taken:
//
//   - [Semaphore.AcquirePermit]: hold times; the age and the line of code of what is
//     held, also by a goroutine that is stuck; and the proof by the collector. Above
//     about 10,000 acquires a second that is so for one Permit in 64, until the floor
//     rises; [WithTrackAll] has it of all, and [WithReclaim] gives back what was
//     collected.
//   - [Semaphore.Acquire], of [NewSemaphore] and [WrapSemaphore]: nobody owns these
//     permits, so nothing is proven. What stands in, with WithHoldLimit: permits are
//     in use and none was released for the limit; or the floor has only risen, four
//     windows or more, for the limit. Both name the line that made the semaphore.
//   - WatchSemaphore: the rising floor alone.
//
// # What it does to the program
//
// The registry knows objects weakly: it keeps no channel, message or wrapper alive,
// and hides no leaked goroutine from the runtime's own leak profile. Importing the
// package and constructing a channel or a semaphore starts no goroutine; a Pool
// starts its workers. A send or receive that does not wait allocates nothing and
// reads no clock, but for the samples.
//
// WEIR_DISABLE=1 in the environment makes every constructor return the bare thing.
package instrument
