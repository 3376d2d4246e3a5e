package instrument

import (
	"math/rand/v2"
	"testing"
	"time"
)

// sendAll pushes the messages 1 to n, one every gap, as a sender does.
func (s *stamps) sendAll(n uint64, at, gap int64) {
	next := uint64(0)
	for i := uint64(1); i <= n; i++ {
		if i >= next {
			next = s.push(i, at+int64(i)*gap)
		}
	}
}

func TestStampsAdapt(t *testing.T) {
	const n = 100_000
	for _, c := range []struct {
		name     string
		gap      time.Duration
		received bool // as fast as it is sent
		lo, hi   int64
	}{
		{"slow, received", time.Millisecond, true, n, n},
		{"every sixty microseconds, received", 60 * time.Microsecond, true, n, n},
		{"a million a second, received: one every 51 to 205 µs", time.Microsecond, true, n / 256, n / 32},
		{"as fast as can be, received", 20 * time.Nanosecond, true, n / 2048, n / 512},
		{"slow, kept: the ring halves", time.Millisecond, false, 64, 64 + 32*12},
		{"fast, kept", 20 * time.Nanosecond, false, 64, 64 + 32*12},
	} {
		var s stamps
		next, stamped := uint64(0), int64(0)
		for i := uint64(1); i <= n; i++ {
			if i < next {
				continue
			}
			next = s.push(i, 1000+int64(i)*int64(c.gap))
			stamped++
			if c.received {
				s.drop(i)
			}
		}
		if stamped < c.lo || stamped > c.hi {
			t.Errorf("%s: %d of %d stamped, want %d to %d", c.name, stamped, n, c.lo, c.hi)
		}
		if s.count > maxStamps || len(s.ring) > maxStamps {
			t.Errorf("%s: %d stamps", c.name, s.count)
		}
	}
}

// TestStampsStandForAll pops at random and checks that the weights add up to the
// messages, that ages are upper bounds, and that they are within a stride.
func TestStampsStandForAll(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var s stamps
		var sent, received, next, weights, widest uint64
		at := make([]int64, 1, 2000) // by message number
		clock := int64(1)
		for range 2000 {
			clock += rnd.Int64N(20_000)
			if rnd.IntN(3) > 0 || sent == received {
				sent++
				at = append(at, clock)
				if sent >= next {
					next = s.push(sent, clock)
					widest = max(widest, s.stride)
				}
			} else {
				received++
			}
			if rnd.IntN(4) == 0 {
				for x, ok := s.pop(received); ok; x, ok = s.pop(received) {
					weights += x.weight
					if x.at != at[x.n] || x.n > received {
						t.Fatalf("popped %+v, received %d", x, received)
					}
				}
				if weights > received {
					t.Fatalf("%d messages received stand for %d", received, weights)
				}
			}
			if received == sent {
				continue
			}
			if got := s.sentAt(received + 1); got > at[received+1] || (got != 0 && got < at[max(int64(received+1)-int64(widest)*2, 1)]) {
				t.Fatalf("head %d of %d: said to be sent at %d, was at %d; widest stride %d", received+1, sent, got, at[received+1], widest)
			}
		}
		for x, ok := s.pop(sent); ok; x, ok = s.pop(sent) {
			weights += x.weight
		}
		if weights > sent || weights+widest < sent {
			t.Errorf("%d messages stand for %d, the widest stride is %d", weights, sent, widest)
		}
	}
}

func TestStampsOutOfOrder(t *testing.T) {
	var s stamps
	s.push(5, 100)
	if next := s.push(3, 101); next <= 5 || s.count != 1 {
		t.Errorf("a sender that lost the race: next %d, %d stamps", next, s.count)
	}
	if got := s.next(); got != 5 {
		t.Errorf("next wait is for %d", got)
	}
}

func TestStampsEmpty(t *testing.T) {
	var s stamps
	s.sendAll(10, 100, int64(time.Millisecond))
	s.empty(10, 5e9)
	if s.count != 0 || s.next() != ^uint64(0) {
		t.Errorf("%d stamps left, next %d", s.count, s.next())
	}
	if got := s.sentAt(11); got != 5e9 {
		t.Errorf("what comes after was sent at %d or later", got)
	}
	s.push(11, 6e9)
	if x, ok := s.pop(11); !ok || x.weight != 1 || x.at != 6e9 {
		t.Errorf("popped %+v, %v", x, ok)
	}
	s.empty(3, 7e9) // from a reader that is late
	if got := s.sentAt(12); got != 6e9 {
		t.Errorf("a late reader moves the bound to %d", got)
	}
}
