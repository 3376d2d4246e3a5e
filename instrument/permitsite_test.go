package instrument

import (
	"context"
	"sync"
	"testing"
)

// siteOfLast returns the site of the Permit that was taken last.
func siteOfLast(s *Semaphore) string { return siteOf(s.m.permits.held.last.value.pc) }

// here is where it is called; the functions below call it in the line of theirs that
// takes the Permit.
func here() string { return siteOf(callerOf(1)) }

type acquireFunc = func(context.Context, int64) (*Permit, error)

//go:noinline
func takenHere(s *Semaphore) (*Permit, string) { p, _ := s.AcquirePermit(nil, 1); return p, here() } //nolint:staticcheck // nil is never done

//go:noinline
func takenBy(acquire acquireFunc) (*Permit, string) { p, _ := acquire(nil, 1); return p, here() }

//go:noinline
func takenByToo(acquire acquireFunc) (*Permit, string) { p, _ := acquire(nil, 1); return p, here() }

// permitter is how a program may see a Semaphore.
type permitter interface {
	TryAcquirePermit(n int64) (*Permit, bool)
}

//go:noinline
func takenOf(o permitter) (*Permit, string) { p, _ := o.TryAcquirePermit(1); return p, here() }

//go:noinline
func takenOfToo(o permitter) (*Permit, string) { p, _ := o.TryAcquirePermit(1); return p, here() }

type of[T any] struct{ s *Semaphore }

func (o of[T]) take() (*Permit, string) { p, _ := o.s.TryAcquirePermit(1); return p, here() }

// around has its methods from a Semaphore.
type around struct{ *Semaphore }

// places take a Permit in the ways that a program can. Those that the compiler could
// mix up stand one after the other.
var places = []func(s *Semaphore) (*Permit, string){
	takenHere,
	func(s *Semaphore) (*Permit, string) { return takenBy(s.AcquirePermit) },
	func(s *Semaphore) (*Permit, string) { return takenByToo(s.AcquirePermit) },
	func(s *Semaphore) (*Permit, string) { return takenBy(around{s}.AcquirePermit) },
	func(s *Semaphore) (*Permit, string) { return takenByToo(around{s}.AcquirePermit) },
	func(s *Semaphore) (*Permit, string) { return takenOf(s) },
	func(s *Semaphore) (*Permit, string) { return takenOfToo(s) },
	func(s *Semaphore) (*Permit, string) { return takenOf(around{s}) },
	func(s *Semaphore) (*Permit, string) { return takenOfToo(around{s}) },
	func(s *Semaphore) (*Permit, string) { return takenOfToo(&around{s}) },
	func(s *Semaphore) (*Permit, string) { return takenOf(&around{s}) },
	func(s *Semaphore) (*Permit, string) { return of[int]{s}.take() },
	func(s *Semaphore) (*Permit, string) { return of[string]{s}.take() },
	func(s *Semaphore) (*Permit, string) { p, _ := s.TryAcquirePermit(1); return p, here() },
	func(s *Semaphore) (*Permit, string) { p, _ := s.AcquirePermit(nil, 1); return p, here() }, //nolint:staticcheck // as above
	func(s *Semaphore) (*Permit, string) { p, _ := around{s}.TryAcquirePermit(1); return p, here() },
	func(s *Semaphore) (*Permit, string) { p, _ := (*Semaphore).TryAcquirePermit(s, 1); return p, here() },
	func(s *Semaphore) (p *Permit, site string) {
		func() { p, _ = s.TryAcquirePermit(1); site = here() }()
		return p, site
	},
	func(s *Semaphore) (p *Permit, site string) {
		func() { p, _ = s.TryAcquirePermit(1); site = here() }()
		return p, site
	},
	func(s *Semaphore) (p *Permit, site string) {
		defer func() { p, _ = s.TryAcquirePermit(1); site = here() }()
		return nil, ""
	},
	func(s *Semaphore) (p *Permit, site string) {
		done := make(chan bool)
		go func() { defer close(done); p, _ = s.TryAcquirePermit(1); site = here() }()
		<-done
		return p, site
	},
}

// The site is the line that took the Permit, whatever the compiler inlines, the first
// time and whenever it is known already; also where many are taken at once.
func TestPermitSite(t *testing.T) {
	for range 3 {
		s := NewSemaphore("sites", 1000, WithRegistry(quietRegistry()), WithTrackAll())
		for i, take := range places {
			p, want := take(s)
			if got := siteOfLast(s); got != want {
				t.Errorf("place %d: taken at %q, not at %q", i, got, want)
			}
			p.Release()
		}
		if c := s.Stats(); c.InUse != 0 || c.OldestPermit != 0 {
			t.Errorf("%d in use", c.InUse)
		}
	}
}

func TestPermitSiteInParallel(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s := NewSemaphore("sites", 1, WithRegistry(quietRegistry()), WithTrackAll())
			for i := range 20 * len(places) {
				p, want := places[i%len(places)](s)
				if got := siteOfLast(s); got != want {
					t.Errorf("place %d: taken at %q, not at %q", i%len(places), got, want)
				}
				p.Release()
			}
		})
	}
	all.Wait()
}

// Where the compiler inlines, a call that is made again is known by its mark. Else
// nothing is wrong, but the stack is looked at each time.
func TestPermitSiteIsKnown(t *testing.T) {
	if !marksDiffer() {
		t.Skip("built without inlining")
	}
	s := NewSemaphore("known", 1, WithRegistry(quietRegistry()), WithTrackAll())
	p, _ := s.TryAcquirePermit(1)
	pc := s.m.permits.held.last.value.pc
	p.Release()
	for i := range marks {
		if m := marks[i].Load(); m != nil && m.pc == pc {
			return
		}
	}
	t.Errorf("%s has no mark", siteOf(pc))
}

// When there is no room for more marks, the stack is looked at.
func TestPermitSiteBeyondTheMarks(t *testing.T) {
	for i := range marks {
		defer marks[i].Store(marks[i].Swap(new(marked)))
	}
	s := NewSemaphore("beyond", 1, WithRegistry(quietRegistry()), WithTrackAll())
	for range 2 {
		p, want := takenHere(s)
		if got := siteOfLast(s); got != want {
			t.Errorf("taken at %q, not at %q", got, want)
		}
		p.Release()
	}
}
