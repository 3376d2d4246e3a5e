package instrument

// maxSpareWaiters bounds the waiters a list keeps for reuse.
const maxSpareWaiters = 16

// waiter is a goroutine that waits, by the time it began. It holds nothing
// else: what the goroutine waits for must not be reachable from here.
type waiter = node[int64]

// waitlist is the goroutines that wait for something. Its user locks it. Ended
// waiters are kept for reuse, so that blocking does not allocate.
type waitlist struct {
	list[int64]
	spare list[int64]
}

func (l *waitlist) begin(t int64) *waiter {
	w := l.spare.takeFirst()
	if w == nil {
		w = new(waiter)
	}
	w.value = t
	l.add(w)
	return w
}

// end takes w out and returns when it began.
func (l *waitlist) end(w *waiter) int64 {
	l.remove(w)
	if l.spare.len < maxSpareWaiters {
		l.spare.add(w)
	}
	return w.value
}

// oldestSince returns when the oldest waiter began, or 0.
func (l *waitlist) oldestSince() int64 {
	if l.first == nil {
		return 0
	}
	return l.first.value
}
