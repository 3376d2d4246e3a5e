// Package semaphore is weir's semaphore by the names of x/sync's package semaphore,
// for tests that hold it against that one: x/sync's own tests, random programs that
// must go the same way on both, histories that must be linearizable, and a long run
// that must lose no permit. It stands in this module so that the published one needs
// neither x/sync nor a checker; it may import anything.
package semaphore

import (
	"log/slog"

	"github.com/weir-go/weir/instrument"
)

// Weighted is what x/sync's tests call a semaphore.
type Weighted = instrument.Semaphore

var registry = instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))

// NewWeighted is the constructor: all that has to change in x/sync's tests.
func NewWeighted(n int64) *Weighted {
	return instrument.NewSemaphore("weighted", n, instrument.WithRegistry(registry))
}
