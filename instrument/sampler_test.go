package instrument

import (
	"testing"
	"testing/synctest"
	"time"
)

func (s *sampler) sampling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

func (m *chanMember) seenAt() int64 {
	m.shard.mu.Lock()
	defer m.shard.mu.Unlock()
	return m.seen.at
}

func TestSamplerEndsAfterTheLastReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 1, WithRegistry(r))
		forever = append(forever, c)
		time.Sleep(time.Hour)
		if r.sampler.sampling() || c.m.seenAt() != 0 {
			t.Error("sampling before the first reading")
		}
		r.Snapshot()
		time.Sleep(2 * time.Minute)
		r.Snapshot()
		time.Sleep(sampleFor - time.Second)
		if !r.sampler.sampling() {
			t.Error("sampling ended too early")
		}
		last := c.m.seenAt()
		time.Sleep(2 * time.Second)
		if r.sampler.sampling() {
			t.Error("sampling goes on without a reader")
		}
		if since(now(), last) > 4*time.Second {
			t.Errorf("last sampled %v ago", since(now(), last))
		}
		last = c.m.seenAt()
		if time.Sleep(time.Hour); c.m.seenAt() != last {
			t.Error("somebody reads without being asked")
		}
		r.Snapshot()
		if time.Sleep(time.Minute); since(now(), c.m.seenAt()) > time.Second {
			t.Error("sampling does not start again")
		}
	})
}

// TestSamplerOutlivesABubble starts sampling in a bubble, whose timer never fires
// again, and reads outside.
func TestSamplerOutlivesABubble(t *testing.T) {
	r := NewRegistry()
	synctest.Test(t, func(*testing.T) { r.Snapshot() })
	before := r.sampler.round
	r.Snapshot()
	if r.sampler.round == before || apart(now(), r.sampler.sampled) > time.Minute {
		t.Error("sampling waits for the timer of a bubble that has ended")
	}
	round := r.sampler.round
	if r.Snapshot(); r.sampler.round != round {
		t.Error("a second chain of samples")
	}
}

// TestSamplingKeepsItsBudget: what takes long is done less often, and not for one
// sample that was kept waiting.
func TestSamplingKeepsItsBudget(t *testing.T) {
	var s sampler
	for _, c := range []struct{ took, pause time.Duration }{
		{time.Hour, 0}, {10 * time.Microsecond, 40 * time.Millisecond}, {time.Hour, 40 * time.Millisecond},
		{time.Millisecond, 4 * time.Second}, {3 * time.Millisecond, 4 * time.Second}, {3 * time.Millisecond, 7500 * time.Millisecond},
	} {
		if s.note(c.took); s.pause != c.pause {
			t.Errorf("after one that took %v the next one comes after %v, want %v", c.took, s.pause, c.pause)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		c := NewChan[int]("c", 1, WithRegistry(r))
		forever = append(forever, c)
		r.sampler.pause = 4 * time.Second
		r.Snapshot()
		time.Sleep(3500 * time.Millisecond)
		if ago := since(now(), c.m.seenAt()); ago != 3500*time.Millisecond {
			t.Errorf("sampled %v ago, though it is expensive", ago)
		}
		time.Sleep(time.Second)
		if ago := since(now(), c.m.seenAt()); ago > time.Second {
			t.Errorf("sampled %v ago", ago)
		}
	})
}
