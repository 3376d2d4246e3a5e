package main

import (
	"errors"
	"fmt"
	"time"
)

// expect collects what is not as it must be.
type expect struct{ failed []error }

func (e *expect) equal(what string, got, want uint64) {
	if got != want {
		e.failed = append(e.failed, fmt.Errorf("%s: %d, not %d", what, got, want))
	}
}

func (e *expect) above(what string, got uint64) {
	if got == 0 {
		e.failed = append(e.failed, fmt.Errorf("%s: did not move", what))
	}
}

func (e *expect) err() error { return errors.Join(e.failed...) }

// named says what an error is about.
func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// await waits until ok, at most ten seconds; then it lets the check that follows
// say what is missing.
func await(ok func() bool) {
	for end := time.Now().Add(10 * time.Second); !ok() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}
