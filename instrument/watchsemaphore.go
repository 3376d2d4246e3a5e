package instrument

// WatchSemaphore measures a buffered channel that is used as a semaphore: a send
// takes a permit and a receive gives it back, so its length is the permits in use
// and its capacity is the limit. It returns ch itself, and no operation on it
// changes or gets slower.
//
// It knows len and cap alone, looked at once a second while somebody reads: limit,
// permits in use, sampled peak and floor. Nothing is known of acquires, waits and
// who holds what, so of the signs of a leak there is only the rising floor. The
// channel is not kept alive. A nil channel is not measured.
func WatchSemaphore(name string, ch chan struct{}, opts ...SemaphoreOption) chan struct{} {
	cfg := semaphoreConfigOf(opts)
	if p := addressOf(ch); p != nil && registryOr(cfg.registry).identity {
		registerWatched(name, p, int64(cap(ch)), cfg)
	}
	return ch
}

// look takes the level of a watched channel at t. It dereferences a weak pointer,
// so the registry decides when. The caller holds shard.mu.
func (m *semaphoreMember) look(t int64) {
	if m.kind.moves {
		return
	}
	m.seenAt = t
	p := m.object.Value()
	if p == nil {
		return
	}
	inUse := int64(len(channelAt(p)))
	m.lock()
	if by := inUse - m.inUse; by >= 0 {
		m.takeHome(by)
	} else {
		m.giveHome(-by)
	}
	m.unlock(true)
}
