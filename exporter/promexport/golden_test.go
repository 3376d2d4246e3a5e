package promexport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/weir-go/weir/instrument"
)

var update = flag.Bool("update", false, "rewrite the golden expositions")

// forever holds what was made inside a bubble: its cleanup has another clock.
var forever []any

// example fills a registry with one object of each kind, in fake time.
func example(r *instrument.Registry) {
	with := instrument.WithRegistry(r)
	moves := instrument.NewChan[string]("moves", 4, with, instrument.WithOwner("game"),
		instrument.WithWaitTarget(time.Second), instrument.WithBytes(func(s string) int { return len(s) }))
	for range 5 {
		moves.TrySend("north-west")
	}
	time.Sleep(2 * time.Second)
	moves.Recv()

	inbox := instrument.NewQueue[int]("inbox", with)
	inbox.Send(1)

	sem := instrument.NewSemaphore("slots", 8, with, instrument.WithHoldLimit(time.Minute))
	permit, _ := sem.TryAcquirePermit(3)
	sem.TryAcquire(6)

	pool := instrument.NewPool("workers", 2, 4, with, instrument.WithTaskLimit(time.Minute))
	for range 3 {
		_ = pool.Submit(context.Background(), func() { time.Sleep(time.Second) })
	}
	time.Sleep(10 * time.Second)
	_ = pool.Shutdown(context.Background())
	forever = append(forever, moves, inbox, sem, permit, pool)
}

// TestGolden holds the whole exposition of a known program in every format. What
// differs from build to build, the version, is left out.
func TestGolden(t *testing.T) {
	for file, format := range map[string]expfmt.Format{
		"golden.prom":        expfmt.NewFormat(expfmt.TypeTextPlain),
		"golden.openmetrics": expfmt.NewFormat(expfmt.TypeOpenMetrics),
		"golden.proto.jsonl": expfmt.NewFormat(expfmt.TypeProtoDelim),
	} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := instrument.NewRegistry()
				example(r)
				got := encode(t, pedantic(t, r), format)
				if format.FormatType() == expfmt.TypeProtoDelim {
					got = readable(t, got)
				}
				checkGolden(t, filepath.Join("testdata", file), got)
			})
		})
	}
}

func checkGolden(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i, line := range gotLines {
		if i >= len(wantLines) || line != wantLines[i] {
			t.Fatalf("exposition differs from %s (go test ./exporter/promexport -update rewrites it), first in line %d:\n%s", golden, i+1, line)
		}
	}
	if len(wantLines) > len(gotLines) {
		t.Errorf("exposition ends before %s does (go test ./exporter/promexport -update rewrites it)", golden)
	}
}

// encode writes what g gathers in a format, OpenMetrics with created times.
func encode(t *testing.T, g prometheus.Gatherer, format expfmt.Format) string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	encoder := expfmt.NewEncoder(&out, format, expfmt.WithCreatedLines())
	for _, f := range families {
		if f.GetName() == "weir_build_info" {
			continue
		}
		if err := encoder.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// readable decodes delimited protobuf and writes a line for each metric, because
// the protobuf library's own text differs from build to build on purpose.
func readable(t *testing.T, wire string) string {
	t.Helper()
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	lines.SetEscapeHTML(false)
	decoder := expfmt.NewDecoder(bytes.NewReader([]byte(wire)), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return out.String()
		} else if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.GetMetric() {
			line := struct {
				Name, Type string
				Metric     *dto.Metric
			}{f.GetName(), f.GetType().String(), m}
			if err := lines.Encode(line); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLint has Prometheus' linter read everything there can be.
func TestLint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := instrument.NewRegistry()
		example(r)
		p := pedantic(t, r)
		problems, err := testutil.GatherAndLint(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
		if n, err := testutil.GatherAndCount(p); err != nil || n < 80 {
			t.Errorf("linted %d series only, %v", n, err)
		}
	})
}
