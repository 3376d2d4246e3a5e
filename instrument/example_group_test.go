package instrument_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/weir-go/weir/instrument"
)

// A Group is errgroup's: the first error is what Wait returns. Errors are counted
// as an outcome of their own.
func ExampleNewGroup() {
	r := instrument.NewRegistry()
	g := instrument.NewGroup("fetch", instrument.WithRegistry(r))
	for _, page := range []string{"a", "b", "missing"} {
		g.Go(func() error {
			if page == "missing" {
				return errors.New("no such page")
			}
			return nil
		})
	}
	fmt.Println(g.Wait())
	s := r.Snapshot().Pools[0]
	fmt.Println(s.Name, s.TasksOK, "ok,", s.TasksError, "with an error")
	// Output:
	// no such page
	// fetch 2 ok, 1 with an error
}

// An error cancels the context of the others.
func ExampleGroupWithContext() {
	g, ctx := instrument.GroupWithContext(context.Background(), "search")
	g.Go(func() error { return errors.New("index is gone") })
	g.Go(func() error {
		<-ctx.Done()
		return ctx.Err()
	})
	fmt.Println(g.Wait())
	fmt.Println(context.Cause(ctx))
	// Output:
	// index is gone
	// index is gone
}

// The zero Group works, as errgroup's does; it is not measured.
func ExampleGroup() {
	var g instrument.Group
	g.Go(func() error { return errors.New("first") })
	fmt.Println(g.Wait())
	// Output: first
}

// With a limit Go waits for a place, and TryGo does not.
func ExampleGroup_SetLimit() {
	g := instrument.NewGroup("resize")
	g.SetLimit(1)
	gate := make(chan struct{})
	g.Go(func() error { <-gate; return nil })
	fmt.Println(g.TryGo(func() error { return nil }))
	close(gate)
	fmt.Println(g.Wait())
	// Output:
	// false
	// <nil>
}

// A contained panic ends the group as an error does.
func ExampleErrTaskPanic() {
	g := instrument.NewGroup("plugins", instrument.WithPanicHandler(func(any, []byte) {}))
	g.Go(func() error { panic("bad plugin") })
	err := g.Wait()
	fmt.Println(err, errors.Is(err, instrument.ErrTaskPanic))
	// Output: weir: task panicked: bad plugin true
}
