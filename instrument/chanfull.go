package instrument

// The time that a channel is full. A stretch begins when somebody finds it full and
// ends with the operation that made room, where that is seen.

// enterFull notes that the channel was found full at t, and has the operation
// that makes room look closer. The caller holds m.mu.
func (m *chanMember) enterFull(t int64) {
	if m.capacity <= 0 || !m.fullSince.CompareAndSwap(0, t) {
		return
	}
	m.depths.observe(m.capacity, m.capacity) // who filled it may have passed by a look
	m.scheduleRecv(m.received.Load())
	if m.exposed.Load() {
		m.sendSoon() // a native receive is seen by the send after it
	}
}

// settleFull adds the time up to t to the time full; the channel is still full.
func (m *chanMember) settleFull(t int64) {
	if from := m.fullSince.Load(); from != 0 && t > from && m.fullSince.CompareAndSwap(from, t) {
		m.fullTime.Add(t - from)
	}
}

// madeRoom ends a stretch of being full with a receive at t that left depth messages.
// Where a native receiver may have ended it before, only the step from full to
// one less is known to be the end.
func (m *chanMember) madeRoom(t, depth int64) {
	if room := m.capacity - depth; room > 0 {
		m.leaveFull(t, room == 1 || !m.exposed.Load())
	}
}

// leaveFull ends a stretch of being full, at t if seen is true. Where a native
// receiver made the room nobody knows when, so what came after the last settled
// moment is left out.
func (m *chanMember) leaveFull(t int64, seen bool) {
	if from := m.fullSince.Swap(0); from != 0 && seen && t > from {
		m.fullTime.Add(t - from)
	}
}

// tryFailed counts a TrySend that found no room, and returns the time if it is the
// first of a stretch.
func (m *chanMember) tryFailed() (t int64) {
	m.full.Add(1)
	if m.capacity > 0 && m.fullSince.Load() == 0 {
		t = now() // once a stretch, not once a refusal
		m.mu.Lock()
		m.enterFull(t)
		m.mu.Unlock()
	}
	return t
}

// notFull takes back that the channel is full since t.
func (m *chanMember) notFull(t int64) { m.fullSince.CompareAndSwap(t, 0) }

func (m *chanMember) updateFull(t, depth int64) {
	switch {
	case m.capacity > 0 && depth >= m.capacity:
		if m.fullSince.Load() == 0 {
			m.mu.Lock()
			m.enterFull(t)
			m.mu.Unlock()
		}
		m.settleFull(t)
	case m.fullSince.Load() != 0:
		m.leaveFull(t, false)
	}
}
