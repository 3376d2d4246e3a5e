package instrument

import "time"

// epoch is the origin of every stamp. It is never compared with the wall
// clock: only differences between stamps mean anything.
var epoch = time.Now()

// epochOffset (73 years, in nanoseconds) keeps stamps positive also inside a
// synctest bubble, whose clock starts decades before epoch. A stamp of zero
// therefore always means "none".
const epochOffset = 1 << 61

// now returns the current stamp in nanoseconds. It costs one clock read, so
// callers on a hot path say why they need it.
func now() int64 { return int64(time.Since(epoch)) + epochOffset }

// since returns the time from stamp at to stamp t, never negative, and zero
// where there is no stamp.
func since(t, at int64) time.Duration {
	if at == 0 || at > t {
		return 0
	}
	return time.Duration(t - at)
}

// wallTime turns a stamp into a time of day, given one moment on both clocks.
func wallTime(at, t int64, wall time.Time) time.Time { return wall.Add(-since(t, at)) }
