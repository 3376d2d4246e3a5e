// Package instrumenttest tests exporters of package instrument: whatever it is
// that they write, it must say what the registry says, for every metric of the
// table. It imports instrument and the standard library only.
package instrumenttest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

// Point is one value as an exporter wrote it.
type Point struct {
	Name   string // instrument.Desc's Name or PrometheusName
	Kind   instrument.Kind
	Help   string            // empty where the format has none
	Labels map[string]string // one with an empty value is as good as none
	Start  time.Time         // of counters and histograms; zero where the format has none

	Value     float64               // of gauges and counters
	Histogram *instrument.Histogram // of histograms
}

// Run tests an exporter. open is to make one for a registry and to return what
// exports everything once, cumulative since the start; nil is the default
// registry. Some of the tests call it inside a synctest bubble.
//
// What is exported is compared with instrument.Metrics() and
// Registry.Snapshot(), so a metric that is added to the table is tested from
// then on. Where a format rounds, such as times to milliseconds, so may its
// points: starts are compared to the millisecond, values exactly.
func Run(t *testing.T, open func(r *instrument.Registry) (export func() ([]Point, error))) {
	t.Helper()
	s := suite{open}
	for _, test := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"every metric of the table", inBubble(s.table)},
		{"the default registry", s.defaultRegistry},
		{"nothing but itself when disabled", s.disabled},
		{"names that break formats", inBubble(s.hostileNames)},
		{"more names than the cap", s.overflow},
		{"callbacks that panic or hang", inBubble(s.callbacks)},
		{"many readers while members come and go", s.concurrent},
	} {
		t.Run(test.name, test.run)
	}
}

type suite struct {
	open func(*instrument.Registry) func() ([]Point, error)
}

func inBubble(test func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// forever holds what was made inside a bubble: its cleanup would run outside,
// by another clock.
var forever []any
