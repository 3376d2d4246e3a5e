package instrument

// The time that a channel is full. A stretch begins when somebody finds it full and
// ends with the operation that made room, where that is seen.

// enterFull notes that the channel was found full at t.
func (m *chanMember) enterFull(t int64) {
	if m.capacity > 0 && m.fullSince.CompareAndSwap(0, t) {
		m.scheduleSoon()
	}
}

// settleFull adds the time up to t to the time full; the channel is still full.
func (m *chanMember) settleFull(t int64) {
	if from := m.fullSince.Load(); from != 0 && t > from && m.fullSince.CompareAndSwap(from, t) {
		m.fullTime.Add(t - from)
	}
}

// madeRoom ends a stretch of being full with a receive that left depth messages.
// Where a native receiver may have ended it before, only the step from full to
// one less is known to be the end.
func (m *chanMember) madeRoom(depth int64) {
	if room := m.capacity - depth; room > 0 {
		m.leaveFull(room == 1 || !m.exposed.Load())
	}
}

// leaveFull ends a stretch of being full. Where a native receiver made the room
// nobody knows when, so what came after the last settled moment is left out.
func (m *chanMember) leaveFull(seen bool) {
	from := m.fullSince.Swap(0)
	if from == 0 || !seen {
		return
	}
	if t := now(); t > from { // once a stretch, after somebody found it full
		m.fullTime.Add(t - from)
	}
}

// tryFailed counts a TrySend that found no room.
func (m *chanMember) tryFailed() {
	m.full.Add(1)
	if m.capacity > 0 && m.fullSince.Load() == 0 {
		m.enterFull(now()) // once a stretch, not once a refusal
	}
}

func (m *chanMember) updateFull(t, depth int64) {
	switch {
	case m.capacity > 0 && depth >= m.capacity:
		m.enterFull(t)
		m.settleFull(t)
	case m.fullSince.Load() != 0:
		m.leaveFull(false)
	}
}
