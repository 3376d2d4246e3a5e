package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"time"

	"github.com/weir-go/weir/instrument"
)

// At most so many queries run at once; the rest waits, first come, first served.
func ExampleNewSemaphore() {
	queries := instrument.NewSemaphore("db.queries", 8)
	query := func(ctx context.Context) error {
		if err := queries.Acquire(ctx, 1); err != nil {
			return err // ctx was done before there was a permit
		}
		defer queries.Release(1)
		return nil
	}
	fmt.Println(query(context.Background()), queries.Stats().Acquired)
	// Output: <nil> 1
}

func ExampleSemaphore_Acquire() {
	memory := instrument.NewSemaphore("import.mebibytes", 512)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()

	fmt.Println(memory.Acquire(ctx, 400))
	fmt.Println(memory.Acquire(ctx, 200)) // waits for those 400 in vain
	memory.Release(400)
	// Output:
	// <nil>
	// context deadline exceeded
}

func ExampleSemaphore_Release() {
	memory := instrument.NewSemaphore("export.mebibytes", 512)
	fmt.Println(memory.TryAcquire(400), memory.TryAcquire(200))
	memory.Release(400)
	fmt.Println(memory.TryAcquire(200))
	// Output:
	// true false
	// true
}

// What finds no free permit is refused and told so, instead of queueing up.
func ExampleSemaphore_TryAcquire() {
	uploads := instrument.NewSemaphore("uploads", 0)
	handler := func(w http.ResponseWriter, _ *http.Request) {
		if !uploads.TryAcquire(1) {
			http.Error(w, "busy, try again", http.StatusServiceUnavailable)
			return
		}
		defer uploads.Release(1)
	}
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodPost, "/upload", nil))
	fmt.Println(w.Code, uploads.Stats().Rejected)
	// Output: 503 1
}

// A Permit travels with the work. Whoever ends the work releases it, and should
// nobody do so, the place that took it is reported.
func ExampleSemaphore_AcquirePermit() {
	type job struct {
		name   string
		permit *instrument.Permit
	}
	slots := instrument.NewSemaphore("encoder.slots", 2)
	jobs := make(chan job, 2)

	permit, err := slots.AcquirePermit(context.Background(), 1)
	if err != nil {
		return
	}
	jobs <- job{"intro.mov", permit}

	j := <-jobs
	fmt.Println(j.name, slots.Stats().InUse)
	j.permit.Release()
	fmt.Println(slots.Stats().InUse)
	// Output:
	// intro.mov 1
	// 0
}

func ExampleSemaphore_TryAcquirePermit() {
	slots := instrument.NewSemaphore("preview.slots", 1)
	first, ok := slots.TryAcquirePermit(1)
	fmt.Println(ok)
	_, ok = slots.TryAcquirePermit(1)
	fmt.Println(ok)
	first.Release()
	// Output:
	// true
	// false
}

// Release may be called twice, and where there is no Permit, so a deferred call
// covers every path.
func ExamplePermit_Release() {
	slots := instrument.NewSemaphore("parser.slots", 1)
	parse := func(ctx context.Context) error {
		permit, err := slots.AcquirePermit(ctx, 1)
		defer permit.Release()
		if err != nil {
			return err
		}
		permit.Release() // done early, so that others can go on
		return errors.New("bad header")
	}
	fmt.Println(parse(context.Background()))
	fmt.Println(slots.Stats().InUse)
	// Output:
	// bad header
	// 0
}

func ExampleSemaphore_Stats() {
	logins := instrument.NewSemaphore("logins", 3)
	logins.TryAcquire(2)
	logins.TryAcquire(2)

	s := logins.Stats()
	fmt.Printf("%d of %d in use, %d acquired, %d rejected, %d waiting\n",
		s.InUse, s.Limit, s.Acquired, s.Rejected, s.Waiters)
	// Output: 2 of 3 in use, 1 acquired, 1 rejected, 0 waiting
}

// The numbers of all semaphores stand in the registry's snapshot.
func ExampleSemaphoreStats() {
	r := instrument.NewRegistry()
	eu := instrument.NewSemaphore("payments", 10, instrument.WithRegistry(r))
	us := instrument.NewSemaphore("payments", 20, instrument.WithRegistry(r)) // adds to the same series
	eu.TryAcquire(4)
	us.TryAcquire(5)
	for _, s := range r.Snapshot().Semaphores {
		fmt.Println(s.Name, s.Members, s.InUse, s.Limit)
	}
	runtime.KeepAlive(eu)
	runtime.KeepAlive(us)
	// Output: payments 2 9 30
}

// Code that takes a Weighted runs with this semaphore and with that of x/sync.
func ExampleWeighted() {
	fetch := func(ctx context.Context, limit instrument.Weighted) error {
		if err := limit.Acquire(ctx, 1); err != nil {
			return err
		}
		defer limit.Release(1)
		return nil
	}
	fmt.Println(fetch(context.Background(), instrument.NewSemaphore("fetch", 4)))
	// Output: <nil>
}

func ExampleWithHoldLimit() {
	slots := instrument.NewSemaphore("render.slots", 4, instrument.WithHoldLimit(time.Minute))
	permit, _ := slots.TryAcquirePermit(1)
	defer permit.Release()
	s := slots.Stats()
	fmt.Println(s.HeldTooLong, "held for longer than", s.HoldLimit)
	// Output: 0 held for longer than 1m0s
}

// Exports take an hour each, so that to wait for one is no sign of a leak.
func ExampleWithWaitLimit() {
	exports := instrument.NewSemaphore("exports", 1, instrument.WithWaitLimit(3*time.Hour))
	s := exports.Stats()
	fmt.Println(s.Waiters, "wait,", s.WaitLimit, "is too long")
	// Output: 0 wait, 3h0m0s is too long
}

// A Permit that was forgotten is found by the garbage collector.
func ExampleWithTrackAll() {
	slots := instrument.NewSemaphore("mail.slots", 4, instrument.WithTrackAll())
	send := func() {
		_, _ = slots.TryAcquirePermit(1) // and never released
	}
	send()
	for range 1000 {
		runtime.GC()
		for _, leak := range slots.Stats().Leaked {
			if leak.Permits > 0 {
				function, _, _ := strings.Cut(leak.Site, " ")
				fmt.Println(leak.Permits, "leaked by", function)
				return
			}
		}
	}
	// Output: 1 leaked by instrument_test.ExampleWithTrackAll.func1
}

// With reclaiming, whoever waits for a forgotten permit goes on.
func ExampleWithReclaim() {
	slots := instrument.NewSemaphore("scan.slots", 1, instrument.WithReclaim())
	_, _ = slots.TryAcquirePermit(1) // and never released
	acquired := make(chan error)
	go func() { acquired <- slots.Acquire(context.Background(), 1) }()
	for range 1000 {
		runtime.GC()
		select {
		case err := <-acquired:
			fmt.Println("went on:", err)
			return
		default:
		}
	}
	// Output: went on: <nil>
}

// wide is a semaphore that a program has already; here weir's own stands for it.
var wide = instrument.NewSemaphore("", 3)

// A semaphore that exists is measured by wrapping it, and used through the wrapper.
func ExampleWrapSemaphore() {
	uploads := instrument.WrapSemaphore("bucket.uploads", wide, 3) // wide may be x/sync's
	permit, err := uploads.AcquirePermit(context.Background(), 2)
	if err != nil {
		return
	}
	fmt.Println(uploads.TryAcquire(2))
	permit.Release()
	s := uploads.Stats()
	fmt.Println(s.Acquired, s.Rejected, s.UntrackedReleases)
	// Output:
	// false
	// 1 1 0
}

// A buffered channel that is used as a semaphore stays the channel that it is.
func ExampleWatchSemaphore() {
	r := instrument.NewRegistry()
	slots := instrument.WatchSemaphore("resize.slots", make(chan struct{}, 4), instrument.WithRegistry(r))
	slots <- struct{}{} // acquire

	s := r.Snapshot().Semaphores[0]
	fmt.Println(s.InUse, "of", s.Limit)
	<-slots // release
	// Output: 1 of 4
}
