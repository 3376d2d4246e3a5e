package instrument

import (
	"sync/atomic"
	"time"
)

// semaphoreMember is the stats block of one semaphore, with the numbers it works
// with: where they are changed anyway, counting costs next to nothing. It holds
// integers and times only; see chanMember.
type semaphoreMember struct {
	ledger

	// What waited, was refused or gave up: rarer than what goes through the
	// ledger, and not in its cache line.
	waitedFor, rejected, canceled, untracked atomic.Uint64

	// Guarded by mu.
	waiters     int64
	oldestSince int64
	doomedSince int64 // of the oldest that wants more than there is
	permits     permitList
	lostAt      int64 // when the first lost permit was found
	stillSince  int64 // permits are in use and none was released since then; 0 is none
	rise        rise  // of the floor
	line        rise  // of the waiters

	thinning thinning

	// Set once.
	kind    semaphoreKind
	series  *semaphoreSeries // nil where nothing is measured
	shard   *semaphoreShard
	object  object // the channel of WatchSemaphore
	created int64

	// Guarded by shard.mu.
	index  int   // in shard.members
	seenAt int64 // when the channel of WatchSemaphore was looked at
}

// semaphoreKind is what a constructor knows about what it registers.
type semaphoreKind struct {
	wrapped bool // by WrapSemaphore
	moves   bool // false for a channel that is watched
	skip    int  // frames between the constructor's caller and register
}

// sinceOf returns since when an acquirer waits, or 0 where there is none.
func sinceOf(w *node[acquirer]) int64 {
	if w == nil {
		return 0
	}
	return w.value.since
}

// addTo adds the member's numbers to the stats of its name. The caller holds
// shard.mu.
func (m *semaphoreMember) addTo(c *SemaphoreStats, t int64) {
	holdLimit := c.HoldLimit
	m.ageHeld(t, holdLimit)
	m.mu.Lock()
	inUse, _ := m.peek()
	c.Members++
	c.Limit += m.limit
	c.InUse += inUse
	peak, floor := m.levels.read(t, inUse, m.created)
	c.InUsePeak += peak
	c.InUseFloor += floor
	if m.limit > 0 {
		c.FloorRatioMax = max(c.FloorRatioMax, ratio(floor, m.limit))
	}
	m.follow(t, inUse, floor)
	c.Waiters += m.waiters
	c.OldestWaiter = max(c.OldestWaiter, since(t, m.oldestSince))
	m.totals().addTo(c)
	oldest := m.permits.addTo(c)
	c.addLost(m.lost.Load(), m.lostAt)
	if holdLimit > 0 {
		m.addStill(c, t, inUse, holdLimit)
	}
	m.addBlocked(c, t)
	m.mu.Unlock()
	c.addOldest(oldest, t, holdLimit) // it looks for a line of code, which takes long
}

// follow notes what only a reading can see coming. The caller holds mu.
func (m *semaphoreMember) follow(t, inUse, floor int64) {
	m.thinning.adapt(t)
	if t-m.created >= int64(windowLength) {
		m.thinning.drift(t, floor)
		m.rise.look(t, floor)
	}
	switch released := m.wasReleased(); {
	case inUse == 0 || !m.kind.moves:
		m.stillSince = 0
	case released || m.stillSince == 0:
		m.stillSince = t
	}
	m.line.look(t, m.waiters)
}

// permitRises is how often the floor of the permits in use must have gone up,
// and never down, whatever the limit.
const permitRises = 4

// addStill adds what stands in for the age of permits that nobody can see: those
// of Acquire, and of Permits that are not tracked. The caller holds mu.
func (m *semaphoreMember) addStill(c *SemaphoreStats, t, inUse int64, limit time.Duration) {
	unseen := inUse - m.permits.permits - m.lost.Load()
	if unseen <= 0 {
		return
	}
	if m.stillSince != 0 && since(t, m.stillSince) > limit {
		c.still.add(unseen, m.stillSince)
	}
	if by := m.rise.suspect(t, limit, permitRises); by > 0 {
		c.rising.add(min(by, unseen), m.rise.since)
	}
}

// addBlocked adds those that wait where the first of them has for too long, and is
// no nearer to its turn. Others in a line that moves and does not grow will have
// theirs: that is what a fan of goroutines, or a batch, looks like.
func (m *semaphoreMember) addBlocked(c *SemaphoreStats, t int64) {
	long := func(from int64) bool { return from != 0 && since(t, from) > c.WaitLimit }
	if m.waiters == 0 || !long(m.oldestSince) {
		return
	}
	if long(m.stillSince) || long(m.doomedSince) || m.line.grows(t, c.WaitLimit) > 0 {
		c.blocked.add(m.waiters, m.oldestSince)
	}
}

// finding is how many permits something was found of, and since when.
type finding struct{ permits, since int64 }

func (f *finding) add(n, at int64) {
	f.permits += n
	if f.since == 0 || at < f.since {
		f.since = at
	}
}

func (c *SemaphoreStats) addLost(lost, at int64) {
	if lost > 0 {
		c.missing.add(lost, at)
	}
}

// semaphoreTotals are the counters of a member, or the sums of those of retired
// ones.
type semaphoreTotals struct{ acquired, rejected, canceled, untracked uint64 }

// totals reads the counters. The caller holds mu.
func (m *semaphoreMember) totals() semaphoreTotals {
	_, acquired := m.peek()
	return semaphoreTotals{acquired + m.waitedFor.Load(), m.rejected.Load(), m.canceled.Load(), m.untracked.Load()}
}

func (x *semaphoreTotals) add(y semaphoreTotals) {
	x.acquired += y.acquired
	x.rejected += y.rejected
	x.canceled += y.canceled
	x.untracked += y.untracked
}

func (x semaphoreTotals) addTo(c *SemaphoreStats) {
	c.Acquired += x.acquired
	c.Rejected += x.rejected
	c.Canceled += x.canceled
	c.UntrackedReleases += x.untracked
}
