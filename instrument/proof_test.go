package instrument

import (
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func needLeakProfile(t *testing.T) {
	t.Helper()
	if pprof.Lookup("goroutineleak") == nil {
		t.Skip("NOT TESTED: this runtime has no goroutineleak profile")
	}
}

// TestLeakProfileIsTakenOnSuspicionOnly reads a registry for hours, with a suspicion
// for half an hour in the middle.
func TestLeakProfileIsTakenOnSuspicionOnly(t *testing.T) {
	needLeakProfile(t)
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(WithLeakProof())
		c := NewChan[int]("c", 4, WithRegistry(r))
		readFor := func(d time.Duration) (proofs int) {
			for range d / time.Minute {
				r.Snapshot()
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			r.proof.mu.Lock()
			defer r.proof.mu.Unlock()
			return r.proof.runs
		}
		if n := readFor(2 * time.Hour); n != 0 {
			t.Errorf("%d proofs without a suspicion", n)
		}
		c.Send(1)
		if n := readFor(4 * time.Minute); n != 0 {
			t.Errorf("%d proofs before the suspicion", n)
		}
		if n := readFor(2 * time.Minute); n != 1 {
			t.Errorf("%d proofs after it began, want 1", n)
		}
		if n := readFor(30 * time.Minute); n != 4 {
			t.Errorf("%d proofs in half an hour more, want one every ten minutes", n)
		}
		c.Recv()
		if n := readFor(2 * time.Hour); n != 4 {
			t.Errorf("%d proofs after the suspicion ended, want no more than 4", n)
		}
	})
}

// TestLeakProfileIsAffordable: nobody knows what the first one costs.
func TestLeakProfileIsAffordable(t *testing.T) {
	needLeakProfile(t)
	p := &leakProof{wanted: true}
	var many sync.WaitGroup
	stop := make(chan struct{})
	for range maxProofGoroutines + 1 {
		many.Go(func() { <-stop })
	}
	if p.due(now(), true, time.Minute) {
		t.Errorf("a first proof with more than %d goroutines", maxProofGoroutines)
	}
	p.runs = 1
	claimed := now()
	if !p.due(claimed, true, time.Minute) {
		t.Error("not taken where its cost is known")
	}
	if p.due(now(), true, time.Minute) {
		t.Error("taken twice at once")
	}
	close(stop)
	many.Wait()
	if p.run(time.Now()); p.next-claimed < int64(20*time.Minute) || p.runs != 2 {
		t.Errorf("the next one is due after %v", time.Duration(p.next-claimed))
	}
	p.next = 0
	began := now()
	p.run(time.Now())
	if took := now() - began; p.next-began < proofShare*1000 || p.next-began > (proofShare+1)*took {
		t.Errorf("one of at most %v, and the next is due after %v", time.Duration(took), time.Duration(p.next-began))
	}
	if (&leakProof{wanted: true}).due(now(), false, time.Minute) || (&leakProof{}).due(now(), true, time.Minute) {
		t.Error("taken without a suspicion, or without being asked for")
	}
}

// TestNobodyReadsNobodyLooks: the goroutines are looked at while somebody reads, and
// for three minutes after.
func TestNobodyReadsNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		looked := func() int64 {
			r.goroutines.mu.Lock()
			defer r.goroutines.mu.Unlock()
			return r.goroutines.last
		}
		if time.Sleep(time.Hour); looked() != 0 {
			t.Error("looked before anybody read")
		}
		r.Snapshot()
		time.Sleep(sampleFor - time.Second)
		if since(now(), looked()) > scanEvery+2*sampleEvery {
			t.Errorf("three minutes after the reading the last look was %v ago", since(now(), looked()))
		}
		time.Sleep(2 * time.Second)
		last := looked()
		if time.Sleep(time.Hour); looked() != last {
			t.Error("looked while nobody read")
		}
		if r.Snapshot(); looked() != last {
			t.Error("a reader had to wait for a look")
		}
		if time.Sleep(time.Minute); looked() == last {
			t.Error("no look after somebody read again")
		}
	})
}

// TestProfileIsRead reads a profile as the runtime writes it.
func TestProfileIsRead(t *testing.T) {
	found := parseLeaks(strings.Join([]string{
		"goroutineleak profile: total 3",
		"2 @ 0x1 0x2",
		`# labels: {"other":"x", "weir_pool":"a \"b\""}`,
		"#\t0x1\tmain.f+0x1\t/x/main.go:1",
		"",
		"1 @ 0x3",
		"#\t0x3\tmain.g+0x1\t/x/main.go:2",
		"garbage",
	}, "\n"), time.Now())
	if len(found) != 2 || found[0].Kind != "pool" || found[0].Name != `a "b"` || found[0].Count != 2 ||
		found[1].Kind != "goroutine" || found[1].Count != 1 || found[1].Evidence != Proven {
		t.Errorf("%+v", found)
	}
}
