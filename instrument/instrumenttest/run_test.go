package instrumenttest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/weir-go/weir/instrument"
	"github.com/weir-go/weir/instrument/instrumenttest"
)

// TestRun passes an exporter that tells the truth.
func TestRun(t *testing.T) {
	run(t, func(p []instrumenttest.Point) []instrumenttest.Point { return p })
}

func run(t *testing.T, spoil func([]instrumenttest.Point) []instrumenttest.Point) {
	t.Helper()
	instrumenttest.Run(t, func(r *instrument.Registry) func() ([]instrumenttest.Point, error) {
		return func() ([]instrumenttest.Point, error) { return spoil(export(r)), nil }
	})
}

// liars are exporters with a fault each, and what the suite must say of it.
var liars = map[string]struct {
	says  string
	spoil func(p *instrumenttest.Point)
}{
	"value":      {"value", func(p *instrumenttest.Point) { p.Value++ }},
	"kind":       {"kind", func(p *instrumenttest.Point) { p.Kind = instrument.Gauge }},
	"label":      {"is missing", func(p *instrumenttest.Point) { p.Labels["zone"] = "a" }},
	"help":       {"help", func(p *instrumenttest.Point) { p.Help = "?" }},
	"start":      {"start", func(p *instrumenttest.Point) { p.Start = p.Start.AddDate(1, 0, 0) }},
	"unknown":    {"is not in the table", func(p *instrumenttest.Point) { p.Name += ".x" }},
	"off by one": {"histogram", func(p *instrumenttest.Point) { shift(p) }},
}

func shift(p *instrumenttest.Point) {
	if p.Histogram != nil {
		h := *p.Histogram
		h.Start--
		p.Histogram = &h
	}
}

// TestRunFailsLiars starts this test anew for each liar, because a test that
// fails fails.
func TestRunFailsLiars(t *testing.T) {
	if name := os.Getenv("WEIR_TEST_LIAR"); name != "" {
		run(t, func(all []instrumenttest.Point) []instrumenttest.Point {
			for i := range all {
				liars[name].spoil(&all[i])
			}
			return all
		})
		return
	}
	for name, liar := range liars {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRunFailsLiars$")
		cmd.Env = append(os.Environ(), "WEIR_TEST_LIAR="+name)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), liar.says) {
			t.Errorf("an exporter with a wrong %s: %v, want %q in\n%s", name, err, liar.says, out)
		}
	}
}
