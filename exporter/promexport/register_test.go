package promexport_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// TestRegister is what programs do with a collector and a registry.
func TestRegister(t *testing.T) {
	r := instrument.NewRegistry()
	c := instrument.NewChan[int]("c", 1, instrument.WithRegistry(r))
	defer c.Close()
	p := prometheus.NewPedanticRegistry()
	collector := promexport.NewCollector(r)
	for range 2 {
		if err := p.Register(collector); err != nil {
			t.Fatal(err)
		}
		if !errors.As(p.Register(promexport.NewCollector(r)), &prometheus.AlreadyRegisteredError{}) {
			t.Error("a second collector of everything is taken")
		}
		value(t, p, "weir_channel_depth", "c")
		if !p.Unregister(collector) {
			t.Fatal("Unregister did not find the collector")
		}
		if families, err := p.Gather(); err != nil || len(families) != 0 {
			t.Errorf("after Unregister: %d families, %v", len(families), err)
		}
	}
}

// TestWrappedRegisterer adds a prefix and labels to every series, also those of
// two registries side by side.
func TestWrappedRegisterer(t *testing.T) {
	p := prometheus.NewPedanticRegistry()
	for _, zone := range []string{"a", "b"} {
		r := instrument.NewRegistry()
		c := instrument.NewChan[int]("c", 1, instrument.WithRegistry(r))
		defer c.Close()
		labels := prometheus.Labels{"zone": zone, "aa": "first"}
		prometheus.WrapRegistererWithPrefix("my_", prometheus.WrapRegistererWith(labels, p)).MustRegister(promexport.NewCollector(r))
	}
	families, err := p.Gather()
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]int{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "my_weir_") {
			t.Errorf("%s has no prefix", f.GetName())
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetName() != "aa" {
				t.Errorf("%s: labels %v", f.GetName(), m.GetLabel())
			}
			for _, l := range m.GetLabel() {
				if l.GetName() == "zone" {
					zones[l.GetValue()]++
				}
			}
			if f.GetType().String() != "GAUGE" && m.GetCounter().GetCreatedTimestamp() == nil && m.GetHistogram().GetCreatedTimestamp() == nil {
				t.Errorf("%s lost its created time", f.GetName())
			}
		}
	}
	if zones["a"] != zones["b"] || zones["a"] < 20 {
		t.Errorf("series of each zone: %v", zones)
	}
}
