package instrumenttest

import (
	"testing"

	"github.com/weir-go/weir/instrument"
)

// table compares everything that is exported with everything that was measured,
// twice, because an exporter may keep something between two readings.
func (s suite) table(t *testing.T) {
	r := quiet()
	f := newFixture(t, r)
	export := s.open(r)
	first := read(t, export)
	compare(t, first, truth(r))
	first.holdsAll(t)

	f.use(t)
	forever = append(forever, instrument.NewSemaphore("new", 1, instrument.WithRegistry(r)))
	second := read(t, export)
	compare(t, second, truth(r))
	second.follows(t, first)
}

// holdsAll fails for each metric of the table that was not exported: then the
// comparison said nothing of it.
func (p points) holdsAll(t *testing.T) {
	t.Helper()
	seen := make(map[string]bool)
	for _, x := range p {
		seen[x.Name] = true
	}
	for _, d := range instrument.Metrics() {
		if !seen[d.PrometheusName()] {
			t.Errorf("%s has no sample: newFixture wants an object that has one", d.Name)
		}
	}
}

// follows fails for each counter and histogram that went back or began anew.
func (p points) follows(t *testing.T, before points) {
	t.Helper()
	moved := 0
	for key, b := range before {
		x, ok := p[key]
		switch {
		case b.Kind == instrument.Gauge:
		case !ok:
			t.Errorf("%s is gone", key)
		case x.total() < b.total():
			t.Errorf("%s went from %v back to %v", key, b.total(), x.total())
		case !x.Start.Equal(b.Start):
			t.Errorf("%s began at %v and then at %v", key, b.Start, x.Start)
		case x.total() > b.total():
			moved++
		}
	}
	if moved < 10 {
		t.Errorf("only %d counters moved", moved)
	}
}

// total is what only goes up in a counter or histogram.
func (p Point) total() float64 {
	if p.Histogram != nil {
		return float64(p.Histogram.Count)
	}
	return p.Value
}

func (s suite) defaultRegistry(t *testing.T) {
	const name = "instrumenttest default"
	c := instrument.NewChan[int](name, 2)
	c.Send(1)
	got := read(t, s.open(nil))
	if depth := got.value(t, "weir_channel_depth", "name", name); depth != 1 {
		t.Errorf("depth %v, want 1", depth)
	}
	c.Close()
}

func (s suite) disabled(t *testing.T) {
	t.Setenv("WEIR_DISABLE", "1")
	r := quiet()
	c := instrument.NewChan[int]("c", 1, instrument.WithRegistry(r))
	c.Send(1)
	got := read(t, s.open(r))
	if n := len(got.names("weir_channel_depth")) + len(got.names("weir_instrument_info")); n != 0 {
		t.Errorf("%d series of a channel that is not measured", n)
	}
	if len(got.names("weir_build_info")) != 1 {
		t.Error("no weir_build_info: a program that is disabled should still say that it is there")
	}
	c.Close()
}
