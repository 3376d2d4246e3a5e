package watch

import (
	"testing"

	"github.com/weir-go/weir/instrument"
)

func TestSuspect(t *testing.T) {
	for _, c := range []struct {
		Suspect
		tier Tier
		in   bool
	}{
		{Suspect{Kind: "channel", Name: "a.go:7", Evidence: "heuristic"}, Wrappers, true},
		{Suspect{Kind: "semaphore", Evidence: "collected", Site: "main.f b.go:7"}, Wrappers, false},
		{Suspect{Kind: "goroutine", Evidence: "heuristic", Site: "main.f a.go:7"}, Profile, true},
		{Suspect{Kind: "goroutine", Evidence: "proven", Site: "main.f a.gone:7"}, Proof, false},
		{Suspect{Kind: "pool", Evidence: "proven", Name: "workers", Site: "main.f a.go:7"}, Proof, true},
	} {
		if got := c.Tier(); got != c.tier || c.In("a.go") != c.in {
			t.Errorf("%+v: tier %d, in a.go %v", c.Suspect, got, c.In("a.go"))
		}
	}
}

func TestReport(t *testing.T) {
	r := instrument.NewRegistry()
	w := NewWatcher(r)
	for range 2 {
		instrument.NewChan[int]("made", 1, instrument.WithRegistry(r))
	}
	w.Look()
	if got := w.Report(); got.Members != 2 || len(got.Suspects) != 0 || got.LeakProof != "off" {
		t.Errorf("%+v", got)
	}
}

// The crowd starts at a hundred copies, grows where nothing leaks, and is never
// more than the case would start.
func TestCopies(t *testing.T) {
	c := crowd{before: 1 << 20} // nothing was left
	c.next()
	if got := Copies(3000); got != 100 {
		t.Errorf("%d copies at first", got)
	}
	c.next()
	if got := Copies(3000); got != mostCopies {
		t.Errorf("%d copies where nothing leaks", got)
	}
	if got := Copies(10); got != 10 {
		t.Errorf("%d copies of 10", got)
	}
	c.before = -1000 // a thousand were left
	c.next()
	if got := Copies(3000); got != fewestCopies+1 && got != fewestCopies {
		t.Errorf("%d copies where each one leaks", got)
	}
}
