package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// fewMessages is enough to fill a channel some times.
const fewMessages = 20_000

// Every contender counts what it moves, in every shape. Nothing here is timed.
func TestContendersCount(t *testing.T) {
	l := newLab()
	stop := l.readEvery(100 * time.Millisecond)
	defer stop()
	for _, r := range races(l) {
		t.Run(r.what+" "+r.shape, func(t *testing.T) {
			t.Parallel()
			for _, c := range append(r.rivals, r.native) {
				if c.run(fewMessages+1) <= 0 {
					t.Errorf("%s took no time", c.name)
				}
			}
			if err := r.check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A check must fail where something does not count, or it says nothing.
func TestCheckSeesWhatDoesNotCount(t *testing.T) {
	l := newLab()
	for _, m := range makers(l, "uncounted")[1:] {
		c := course{maker: m, shape: shapes[0]}
		c.run(fewMessages)
		if m.same {
			continue // counts no messages
		}
		if err := m.check(c.messages.Load() + 1); err == nil {
			t.Errorf("%s: one message less than there should be passes its check", m.name)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	l := newLab()
	for _, m := range makers(l, "allocations") {
		q := m.open()
		q.pairs(fewMessages) // the stamps grow
		least := 1.0
		for range 10 { // what else runs in this process allocates now and then
			least = min(least, testing.AllocsPerRun(10, func() { q.pairs(1000) }))
		}
		if least != 0 {
			t.Errorf("%s: allocates in 1000 messages", m.name)
		}
	}
}

func TestTaskMeter(t *testing.T) {
	l := newLab()
	for _, m := range taskMeterMeasurements(l) {
		if values, err := m.measure(2); err != nil || len(values) == 0 {
			t.Errorf("%s: %v, %v", m.what, values, err)
		}
	}
}

func TestSemaphoreAllocations(t *testing.T) {
	for _, m := range semaphoreMeasurements(newLab()) {
		values, err := m.measure(1)
		if err != nil || len(values) != 1 || values[0] > m.must {
			t.Errorf("%s: %v, %v", m.what, values, err)
		}
	}
}

func TestMembers(t *testing.T) {
	const rounds, members, names = 1, 2000, 90
	for what, measure := range map[string]func() ([]float64, error){
		"bytes":     func() ([]float64, error) { return memberBytes(members) },
		"make":      func() ([]float64, error) { return makeAndDrop(rounds, members) },
		"counted":   func() ([]float64, error) { return snapshotMembers(rounds, members, false) },
		"looked at": func() ([]float64, error) { return snapshotMembers(rounds, members, true) },
		"names":     func() ([]float64, error) { return snapshotNames(rounds, names) },
		"scrape":    func() ([]float64, error) { return scrapeNames(rounds, names) },
		"members":   func() ([]float64, error) { return scrapeMembers(rounds, members, names) },
		"held up":   func() ([]float64, error) { return sendsDuringScrape(rounds, names, members) },
	} {
		if values, err := measure(); err != nil || len(values) != rounds {
			t.Errorf("%s: %v, %v", what, values, err)
		}
	}
}

func TestTable(t *testing.T) {
	values := []float64{1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7}
	var out strings.Builder
	printTable(&out, []row{
		{what: "good", shape: "1:1", unit: "x", values: values, must: 1.5, aim: 1.4},
		{what: "fair", shape: "1:1", unit: "x", values: values, must: 1.5, aim: 1.25},
		{what: "bad", shape: "8:8", unit: "x", values: values, must: 1.2},
		{what: "same", shape: "8:8", unit: "x", values: values, must: 1.1, same: true},
		{what: "fast", shape: "8:8", unit: "x", values: values, must: 1.4, atLeast: true},
		{what: "size", shape: "idle", unit: "B", values: []float64{472}, must: 512},
	})
	want := `
what  shape  median  95% interval  must      aim     mark
good  1:1    1.40 x  [1.10, 1.70]  ≤ 1.50    ≤ 1.40  ok
fair  1:1    1.40 x  [1.10, 1.70]  ≤ 1.50    ≤ 1.25  ok, short of aim
bad   8:8    1.40 x  [1.10, 1.70]  ≤ 1.20            SHORT
same  8:8    1.40 x  [1.10, 1.70]  1, noise          ok
fast  8:8    1.40 x  [1.10, 1.70]  ≥ 1.40            ok
size  idle   472 B   exact         ≤ 512             ok
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range []string{"-rounds 5", "-time 0s", "-read -1s", "-only (", "-nonsense", "argument"} {
		var stderr strings.Builder
		if code := run(strings.Fields(args), io.Discard, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%s: exit %d, %q", args, code, stderr.String())
		}
	}
	if code := run([]string{"-h"}, io.Discard, io.Discard); code != 0 {
		t.Errorf("-h: exit %d", code)
	}
}
