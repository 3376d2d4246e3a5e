package instrument

import "time"

// minRises is how often the floor must have gone up, and never down, to be called
// rising: a load that grows does that too, but not for as long.
const minRises = 4

// rise follows the floor of the permits in use from window to window. Permits that
// get lost one after another raise it for good; one that falls again is load.
type rise struct {
	at, floor int64
	rises     int
	from      int64 // the floor before the first rise
	since     int64 // and when that was
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
	}
	x.at, x.floor = t, floor
}

// suspect returns by how much the floor has only risen for longer than limit, or
// 0.
func (x *rise) suspect(t int64, limit time.Duration) int64 {
	if x.rises < minRises || since(t, x.since) <= limit {
		return 0
	}
	return x.floor - x.from
}
