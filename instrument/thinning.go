package instrument

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// thinAbove is the rate, in acquires a second, above which only one Permit
	// in thinTo is tracked.
	thinAbove = 10_000
	thinTo    = 64
	// thinCheck is how many acquires make a rate.
	thinCheck = 1024
)

// thinning decides which Permits are tracked: all of them while they are taken at
// an ordinary rate, one in 64 above that, and all again when the floor of the
// permits in use gets higher than it was, which is how a leak looks.
type thinning struct {
	// left counts down to the next tracked Permit. It is all that those which
	// are not tracked touch.
	left atomic.Int64

	// Guarded by the member's lock.
	gap      uint64 // what left began with
	count    uint64 // acquires
	thin     bool
	from     int64  // when the count for the rate began
	counted  uint64 // and what it was
	floor    int64  // the highest, slowly forgotten: a floor that goes up and down is no leak
	floorAt  int64
	allUntil int64
}

// next reports whether the next Permit is to be tracked.
func (x *thinning) next() bool { return x.left.Load() <= 0 || x.left.Add(-1) <= 0 }

// measure takes the rate, at a tracked Permit that knows the time.
func (x *thinning) measure(t int64) {
	if x.from == 0 {
		x.from, x.counted = t, x.count
	}
	x.count += max(x.gap, 1)
	if x.count-x.counted >= thinCheck {
		x.settle(t)
	}
	x.adapt(t)
	x.choose()
}

// choose sets how many Permits pass until the next tracked one. A fixed number
// would never see one of two places that take turns.
func (x *thinning) choose() {
	x.gap = 0
	if x.thin {
		x.gap = 1 + rand.Uint64N(2*thinTo-1)
	}
	x.left.Store(int64(x.gap))
}

func (x *thinning) settle(t int64) {
	n := x.count - x.counted
	fast := float64(n)*float64(time.Second) > thinAbove*float64(max(t-x.from, 1))
	x.set(fast && t >= x.allUntil)
	x.from, x.counted = t, x.count
}

// set turns thinning on or off.
func (x *thinning) set(thin bool) {
	if x.thin && !thin {
		x.gap = 0
		x.left.Store(0)
	}
	x.thin = thin
}

// adapt takes the rate once a second where Permits are rare; a reading calls it
// too, for when they stop.
func (x *thinning) adapt(t int64) {
	if x.from != 0 && t-x.from >= int64(time.Second) {
		x.settle(t)
	}
}

// drift looks, once a window, whether the floor of the permits in use rises.
func (x *thinning) drift(t, floor int64) {
	if t-x.floorAt < int64(windowLength) {
		return
	}
	if x.floorAt != 0 && floor > x.floor {
		x.allUntil = t + 2*int64(windowLength)
		x.set(false)
	}
	x.floor, x.floorAt = max(floor, x.floor-(x.floor-floor)/8), t
}
