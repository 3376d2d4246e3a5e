package instrument

import "testing"

func TestWaitlist(t *testing.T) {
	var l waitlist
	a, b, c := l.begin(10), l.begin(20), l.begin(30)
	if l.len != 3 || l.oldestSince() != 10 {
		t.Errorf("%d wait, since %d", l.len, l.oldestSince())
	}
	if l.end(b) != 20 || l.end(a) != 10 || l.oldestSince() != 30 {
		t.Errorf("the oldest waits since %d", l.oldestSince())
	}
	if again := l.begin(40); again != b && again != a {
		t.Error("an ended waiter is not used again")
	}
	if l.end(c) != 30 || l.len != 1 || l.oldestSince() != 40 {
		t.Errorf("%d wait, since %d", l.len, l.oldestSince())
	}
	for range 100 {
		l.begin(1)
	}
	for l.first != nil {
		l.end(l.first)
	}
	if l.spare.len > maxSpareWaiters || l.oldestSince() != 0 {
		t.Errorf("%d spare, oldest %d", l.spare.len, l.oldestSince())
	}
}
