// Command cost measures in a process of its own what detection costs a program of
// many goroutines, with the library as it is, and prints it as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/weir-go/weir/instrument"
	"github.com/weir-go/weir/leakscore/watch"
)

func main() {
	var kind string
	var n int
	var d time.Duration
	if err := arguments(&kind, &n, &d); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(2)
	}
	r := instrument.NewRegistry()
	kept := block(kind, n, r)
	c := watch.Cost{Unread: share(func() { time.Sleep(d / 4) })}
	c.Read = share(func() {
		for range d / watch.ReadEvery {
			s := r.Snapshot()
			c.Members = s.Channels[0].Members
			time.Sleep(watch.ReadEvery)
		}
	})
	c.Proof = proof()
	runtime.KeepAlive(kept)
	if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
		panic(err) // the parent shows it
	}
}

func arguments(kind *string, n *int, d *time.Duration) error {
	if len(os.Args) != 4 {
		return fmt.Errorf("want a kind, a number and a time, not %q", os.Args[1:])
	}
	*kind = os.Args[1]
	if _, err := fmt.Sscan(os.Args[2], n); err != nil {
		return err
	}
	var err error
	*d, err = time.ParseDuration(os.Args[3])
	return err
}

// block has n goroutines wait, at the bottom of some calls, and returns what they wait
// for.
func block(kind string, n int, r *instrument.Registry) (kept []any) {
	made := func(capacity int) *instrument.Chan[int] {
		c := instrument.NewChan[int](kind, capacity, instrument.WithRegistry(r))
		kept = append(kept, c)
		return c
	}
	one := made(0)
	for range n {
		switch kind {
		case "native": // one channel that nobody wrapped
			go deeper(6, func() { <-one.C() })
		case "one":
			go deeper(6, func() { one.Recv() })
		case "own":
			c := made(4)
			go deeper(6, func() { c.Recv() })
		case "looked at": // as own, natively received
			ch := made(4).C()
			go deeper(6, func() { <-ch })
		}
	}
	time.Sleep(2 * time.Second) // what the start costs is no part of it
	runtime.GC()
	return kept
}

//go:noinline
func deeper(calls int, f func()) {
	if calls == 0 {
		f()
		return
	}
	deeper(calls-1, f)
}

// share returns the processor time that passes while f runs, in percent.
func share(f func()) float64 {
	began, before := time.Now(), processor()
	f()
	return 100 * float64(processor()-before) / float64(time.Since(began))
}

func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // no such system
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// proof times the runtime's profile, which is what a proof is.
func proof() time.Duration {
	p := pprof.Lookup("goroutineleak")
	if p == nil {
		return 0
	}
	began := time.Now()
	_ = p.WriteTo(io.Discard, 1) // does not fail
	return time.Since(began)
}
