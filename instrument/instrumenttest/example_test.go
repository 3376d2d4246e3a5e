package instrumenttest_test

import (
	"fmt"
	"testing"

	"github.com/weir-go/weir/instrument"
	"github.com/weir-go/weir/instrument/instrumenttest"
)

// The test of an exporter is one call; what it needs of its own is the way to
// read back what was exported. This one hands the table on as it is.
func ExampleRun() {
	test := func(t *testing.T) {
		instrumenttest.Run(t, func(r *instrument.Registry) func() ([]instrumenttest.Point, error) {
			return func() ([]instrumenttest.Point, error) { return export(r), nil }
		})
	}
	_ = test // as TestConformance, go test runs it

	r := instrument.NewRegistry()
	jobs := instrument.NewQueue[int]("jobs", instrument.WithRegistry(r))
	jobs.Send(1)
	for _, p := range export(r) {
		if p.Name == "weir.channel.depth" {
			fmt.Println(p.Name, p.Labels, p.Value)
		}
	}
	jobs.Close()
	// Output: weir.channel.depth map[name:jobs] 1
}

func export(r *instrument.Registry) (all []instrumenttest.Point) {
	s := r.Snapshot()
	for _, d := range instrument.Metrics() {
		for x := range d.Samples(&s) {
			p := instrumenttest.Point{Name: d.Name, Kind: d.Kind, Value: x.Value, Histogram: x.Histogram, Labels: map[string]string{}}
			for i, l := range d.Labels {
				p.Labels[l] = x.Labels[i]
			}
			all = append(all, p)
		}
	}
	return all
}
