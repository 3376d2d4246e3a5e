package instrumenttest

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

// points are values by what identifies a series.
type points map[string]Point

// read exports and takes the result apart.
func read(t *testing.T, export func() ([]Point, error)) points {
	t.Helper()
	exported, err := export()
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	table := descs()
	all := make(points, len(exported))
	for _, p := range exported {
		d, ok := table[p.Name]
		if !ok {
			t.Errorf("%s is not in the table", p.Name)
			continue
		}
		p.Name = d.PrometheusName()
		if _, twice := all[p.key()]; twice {
			t.Errorf("%s is exported twice", p.key())
		}
		all[p.key()] = p
	}
	return all
}

// descs is the table by both names.
func descs() map[string]instrument.Desc {
	table := make(map[string]instrument.Desc)
	for _, d := range instrument.Metrics() {
		table[d.Name], table[d.PrometheusName()] = d, d
	}
	return table
}

// truth is what an exporter of r should write.
func truth(r *instrument.Registry) points {
	s := r.Snapshot()
	all := make(points)
	for _, d := range instrument.Metrics() {
		for x := range d.Samples(&s) {
			p := Point{Name: d.PrometheusName(), Kind: d.Kind, Help: d.Help, Start: x.Start, Value: x.Value, Histogram: x.Histogram}
			p.Labels = make(map[string]string, len(d.Labels))
			for i, l := range d.Labels {
				p.Labels[l] = x.Labels[i]
			}
			all[p.key()] = p
		}
	}
	return all
}

// key is the series: the metric and its labels.
func (p Point) key() string {
	var b strings.Builder
	b.WriteString(p.Name)
	for _, l := range slices.Sorted(maps.Keys(p.Labels)) {
		if p.Labels[l] != "" {
			fmt.Fprintf(&b, " %s=%q", l, p.Labels[l])
		}
	}
	return b.String()
}

// compare reports every difference between what was exported and the truth.
func compare(t *testing.T, got, want points) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[key]
		if !ok {
			t.Errorf("%s is missing", key)
			continue
		}
		for _, wrong := range g.differences(want[key]) {
			t.Errorf("%s: %s", key, wrong)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is exported, but is not in the snapshot", key)
		}
	}
}

func (p Point) differences(want Point) (wrong []string) {
	differ := func(what string, got, want any) {
		wrong = append(wrong, fmt.Sprintf("%s %v, want %v", what, got, want))
	}
	if p.Kind != want.Kind {
		differ("kind", p.Kind, want.Kind)
	}
	if p.Help != "" && p.Help != want.Help {
		differ("help", p.Help, want.Help)
	}
	if !p.Start.IsZero() && !p.Start.Truncate(time.Millisecond).Equal(want.Start.Truncate(time.Millisecond)) {
		differ("start", p.Start, want.Start)
	}
	if p.Value != want.Value && !(math.IsNaN(p.Value) && math.IsNaN(want.Value)) {
		differ("value", p.Value, want.Value)
	}
	if (p.Histogram == nil) != (want.Histogram == nil) {
		differ("histogram", p.Histogram, want.Histogram)
	} else if p.Histogram != nil && !sameHistogram(*p.Histogram, *want.Histogram) {
		differ("histogram", *p.Histogram, *want.Histogram)
	}
	return wrong
}

// sameHistogram compares what two histograms say, not how they are cut.
func sameHistogram(a, b instrument.Histogram) bool {
	return a.Count == b.Count && a.Sum == b.Sum && a.Zero == b.Zero &&
		reflect.DeepEqual(buckets(a), buckets(b))
}

// buckets are those that are not empty, by their index.
func buckets(h instrument.Histogram) map[int]uint64 {
	all := make(map[int]uint64)
	for k, n := range h.Buckets {
		if n > 0 {
			all[h.Start+k] = n
		}
	}
	return all
}

// value returns the value of a metric with the labels given in pairs, and fails
// the test where there is none.
func (p points) value(t *testing.T, metric string, labels ...string) float64 {
	t.Helper()
	want := Point{Name: metric, Labels: make(map[string]string)}
	for i := 0; i+1 < len(labels); i += 2 {
		want.Labels[labels[i]] = labels[i+1]
	}
	got, ok := p[want.key()]
	if !ok {
		t.Errorf("no %s", want.key())
	}
	return got.Value
}

// names are the values that the label name has in a metric.
func (p points) names(metric string) []string {
	var all []string
	for _, x := range p {
		if x.Name == metric {
			all = append(all, x.Labels["name"])
		}
	}
	slices.Sort(all)
	return all
}
