package instrument

import "time"

// rise follows a floor from window to window. Permits that get lost one after
// another raise it for good, and so does a queue that is filled faster than it is
// drained; one that falls again is load.
type rise struct {
	at, floor int64
	rises     int
	from      int64 // the floor before the first rise
	since     int64 // and when that was
	last      int64 // when it rose last
}

// look takes the floor into account, once a window.
func (x *rise) look(t, floor int64) {
	if t-x.at < int64(windowLength) {
		return
	}
	switch {
	case x.at == 0 || floor < x.floor:
		x.rises, x.since = 0, 0
	case floor > x.floor:
		if x.rises == 0 {
			x.from, x.since = x.floor, t
		}
		x.rises++
		x.last = t
	}
	x.at, x.floor = t, floor
}

// suspect returns by how much the floor has only risen for longer than limit and
// at least so many times, or 0: a load that grows does that too, but not for as
// long.
func (x *rise) suspect(t int64, limit time.Duration, times int) int64 {
	if x.rises < times || since(t, x.since) <= limit {
		return 0
	}
	return x.floor - x.from
}

// minGrowths is how often what grows must have grown, whatever the limit.
const minGrowths = 3

// grows is suspect for what still rises: what stands as high as it did is full, or
// long, and no leak. Once it has risen for a while it may rest for a window.
func (x *rise) grows(t int64, limit time.Duration) int64 {
	rests := since(t, x.last) > 2*windowLength || x.last < x.at && x.rises <= minGrowths+1
	if rests {
		return 0
	}
	return x.suspect(t, limit, minGrowths)
}
