package instrument

import "time"

// ChanOption configures a channel or a queue.
type ChanOption interface{ applyChan(*chanConfig) }

// SemaphoreOption configures a semaphore.
type SemaphoreOption interface{ applySemaphore(*semaphoreConfig) }

// PoolOption configures a worker pool.
type PoolOption interface{ applyPool(*poolConfig) }

// Option configures an object of any kind.
type Option interface {
	ChanOption
	SemaphoreOption
	PoolOption
}

// commonConfig is what every kind of object can be told.
type commonConfig struct {
	registry *Registry
	owner    string
}

type chanConfig struct {
	commonConfig
	bytes      any // func(T) int
	stallAfter time.Duration
	waitTarget time.Duration
}

type semaphoreConfig struct {
	commonConfig
	holdLimit time.Duration
	waitLimit time.Duration
	trackAll  bool
	reclaim   bool
}

type poolConfig struct {
	commonConfig
	taskLimit time.Duration
	onPanic   func(v any, stack []byte)
}

type option func(*commonConfig)

func (o option) applyChan(c *chanConfig)           { o(&c.commonConfig) }
func (o option) applySemaphore(c *semaphoreConfig) { o(&c.commonConfig) }
func (o option) applyPool(c *poolConfig)           { o(&c.commonConfig) }

type chanOption func(*chanConfig)

func (o chanOption) applyChan(c *chanConfig) { o(c) }

type semaphoreOption func(*semaphoreConfig)

func (o semaphoreOption) applySemaphore(c *semaphoreConfig) { o(c) }

type poolOption func(*poolConfig)

func (o poolOption) applyPool(c *poolConfig) { o(c) }

// WithRegistry registers the object with r instead of with Default. A nil r is
// Default.
func WithRegistry(r *Registry) Option {
	return option(func(c *commonConfig) { c.registry = r })
}

// WithOwner names the team that is to be woken. It travels in
// weir_instrument_info into alerts and their routing.
func WithOwner(owner string) Option {
	return option(func(c *commonConfig) { c.owner = sanitize(owner) })
}

// WithBytes estimates the memory that buffered messages hold, in
// weir_channel_buffered_bytes: size is asked for a sample of the messages sent,
// by the goroutine that sends and before it sends, at most about 300,000 times a
// second. A size that panics or is negative counts as 0. Its T must be the
// channel's, else it is ignored and counted in weir_conflicting_options_total.
// Watch does not see messages, so it has no effect there; a nil size has none.
func WithBytes[T any](size func(T) int) ChanOption {
	if size == nil {
		return nil
	}
	return chanOption(func(c *chanConfig) { c.bytes = size })
}

// defaultStallAfter is two of the garbage collections that the runtime forces
// every two minutes, and a margin: what nobody drains for that long is not
// merely waiting for a collector or a timer.
const defaultStallAfter = 5 * time.Minute

// WithStallAfter sets how long a channel may hold messages or blocked senders
// without a receive before it counts as stalled; 5 minutes unless set. A queue that
// only grows is a suspect after twice as long. Zero and less is ignored.
func WithStallAfter(d time.Duration) ChanOption {
	return chanOption(func(c *chanConfig) { c.stallAfter = max(d, 0) })
}

// WithWaitTarget sets how long a message may wait in the channel. It turns on
// weir_channel_waits_total and weir_channel_waits_over_target_total, from which
// error budgets are made. Zero and less is ignored.
func WithWaitTarget(d time.Duration) ChanOption {
	return chanOption(func(c *chanConfig) { c.waitTarget = max(d, 0) })
}

// WithHoldLimit makes a Permit that is held for longer than d a suspect, with
// the place that took it. Permits taken by Acquire have no age; for them, and for
// Permits that are not tracked, two things stand in: some are in use, and none was
// released for longer than d (seen to the second, while somebody reads); or the
// fewest in use have only risen for longer than d. Zero and less is ignored.
func WithHoldLimit(d time.Duration) SemaphoreOption {
	return semaphoreOption(func(c *semaphoreConfig) { c.holdLimit = max(d, 0) })
}

// WithWaitLimit makes a goroutine that has waited for permits for longer than d a
// suspect where it waits in vain: no permit was released in that time, or the line
// behind it has only grown, or it wants more than there are. A line that gets shorter,
// however long it is, is none. Unless set it is the limit of WithHoldLimit, and 5
// minutes where there is none: set it where permits are held for longer by design.
// Zero and less is ignored.
func WithWaitLimit(d time.Duration) SemaphoreOption {
	return semaphoreOption(func(c *semaphoreConfig) { c.waitLimit = max(d, 0) })
}

// WithTrackAll tracks every Permit, also above about 10,000 acquires a second,
// where 1 in 64 is tracked otherwise. leaked_permits_total is then exact. A tracked
// Permit costs about 80 ns more, most of it for two clock reads, and allocates only
// where more than 64 come and go at once.
func WithTrackAll() SemaphoreOption {
	return semaphoreOption(func(c *semaphoreConfig) { c.trackAll = true })
}

// WithReclaim gives the permits of a collected, unreleased Permit back to its
// semaphore. It implies WithTrackAll. The danger: that the Permit is garbage
// does not mean that the work it stood for has ended, so more work than the
// limit may run at once. Keep the Permit reachable for as long as the work runs.
// A semaphore inside WrapSemaphore gets them by its Release, in a goroutine of their
// own; what that panics with is counted in weir_collect_faults_total.
// Inside a synctest bubble, which a cleanup must not reach into, it only reports.
func WithReclaim() SemaphoreOption {
	return semaphoreOption(func(c *semaphoreConfig) { c.reclaim, c.trackAll = true, true })
}

// WithTaskLimit makes a task that runs for longer than d a suspect, with the
// entry of its function. Zero and less is ignored.
func WithTaskLimit(d time.Duration) PoolOption {
	return poolOption(func(c *poolConfig) { c.taskLimit = max(d, 0) })
}

// WithPanicHandler contains the panics of tasks: handle gets the value and the
// stack, and the worker lives on. Without it a panic is counted and then ends
// the program, as it would in a goroutine of its own. A nil handle changes
// nothing.
func WithPanicHandler(handle func(v any, stack []byte)) PoolOption {
	return poolOption(func(c *poolConfig) { c.onPanic = handle })
}
