package instrument

import (
	"context"
	"strings"
	"testing"
)

// siteOfLast returns the site of the Permit that was taken last.
func siteOfLast(s *Semaphore) string { return siteOf(s.m.permits.held.last.value.pc) }

//go:noinline
func takenHere(s *Semaphore) (*Permit, error) { return s.AcquirePermit(context.Background(), 1) }

//go:noinline
func takenThere(acquire func(context.Context, int64) (*Permit, error)) *Permit {
	p, _ := acquire(context.Background(), 1)
	return p
}

func takenInlined(s *Semaphore) *Permit { p, _ := s.TryAcquirePermit(1); return p }

// permitter is how a program may see a Semaphore.
type permitter interface {
	TryAcquirePermit(n int64) (*Permit, bool)
}

// The site is the program's line, whatever the compiler inlines.
func TestPermitSite(t *testing.T) {
	s := NewSemaphore("sites", 1000, WithRegistry(quietRegistry()))
	var held []*Permit
	expect := func(p *Permit, want string) {
		t.Helper()
		held = append(held, p)
		if got := siteOfLast(s); !strings.HasPrefix(got, "instrument."+want) || !strings.Contains(got, " permitsite_test.go:") {
			t.Errorf("taken at %q, not in %s", got, want)
		}
	}
	p, _ := takenHere(s)
	expect(p, "takenHere ")
	expect(takenInlined(s), "takenInlined ")
	expect(takenThere(s.AcquirePermit), "takenThere ")
	p, _ = permitter(s).TryAcquirePermit(1)
	expect(p, "TestPermitSite ")
	func() {
		p, _ = s.TryAcquirePermit(1)
		expect(p, "TestPermitSite.func")
	}()
	got := make(chan *Permit)
	go func() { p, _ := s.TryAcquirePermit(1); got <- p }()
	expect(<-got, "TestPermitSite.func")
	for _, p := range held {
		p.Release()
	}
	if c := s.Stats(); c.InUse != 0 || c.OldestPermit != 0 {
		t.Errorf("%d in use", c.InUse)
	}
}
