package main

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

// quiet is for registries whose suspects are what a test wants.
var quiet = instrument.WithLogger(slog.New(slog.DiscardHandler))

// asProgram makes the test binary the program, for runs that start themselves.
const asProgram = "GAMESERVER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "1" {
		main()
	}
	os.Exit(m.Run())
}

func TestExperiment(t *testing.T) {
	t.Setenv(asProgram, "1")
	out := filepath.Join(t.TempDir(), "out")
	var stdout, stderr bytes.Buffer
	args := []string{"-experiment", "-duration", "1ms", "-players", "50", "-every", "100ms", "-out", out}
	if code := run(t.Context(), args, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	doc, err := os.ReadFile(filepath.Join(out, "experiment.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modes {
		if !strings.Contains(stdout.String(), "\n"+m.name) || !strings.Contains(string(doc), "\n| "+m.name+" |") {
			t.Errorf("%s is not in the tables:\n%s", m.name, stdout.String())
		}
		picture, err := os.Open(filepath.Join(out, m.name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = picture.Close() }()
		if _, err := png.Decode(picture); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	if !strings.Contains(string(doc), "| story, before | 4.2 GB |") {
		t.Errorf("the story is missing:\n%s", doc)
	}
}

// TestExperimentInterrupted: what was begun ends by itself, also the child.
func TestExperimentInterrupted(t *testing.T) {
	t.Setenv(asProgram, "1")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	progress := writerFunc(func(p []byte) (int, error) { // the first line comes after some seconds
		interrupt()
		return len(p), nil
	})
	var stdout bytes.Buffer
	args := []string{"-experiment", "-duration", "1h", "-players", "50", "-every", "100ms", "-out", t.TempDir()}
	if code := run(ctx, args, nil, &stdout, progress); code != 0 || !strings.Contains(stdout.String(), "interrupted in leaky") {
		t.Errorf("exit %d:\n%s", code, stdout.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestCompare holds that both kinds of runs are played and compared; what weir
// costs, no test says.
func TestCompare(t *testing.T) {
	t.Setenv(asProgram, "1")
	t.Setenv("WEIR_DISABLE", "1") // the run with weir is to have it all the same
	var stdout, stderr bytes.Buffer
	args := []string{"-compare", "1", "-duration", "1ms", "-players", "50", "-every", "10ms"}
	code := run(t.Context(), args, nil, &stdout, &stderr)
	if code > 1 || !strings.Contains(stdout.String(), "what weir adds, ns") || !strings.Contains(stderr.String(), "pair  1") {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
	}
}

func TestJudge(t *testing.T) {
	run := func(cpu, p99 time.Duration) result {
		return result{During: During{Ran: time.Second, Handled: 1000, CPU: cpu}, P99: p99}
	}
	bare := run(1000*time.Millisecond, 100*time.Millisecond)
	for _, test := range []struct {
		weir result
		says string
	}{
		{run(1020*time.Millisecond, 105*time.Millisecond), ""},
		{run(1100*time.Millisecond, 100*time.Millisecond), "fewer moves"},
		{run(1000*time.Millisecond, 120*time.Millisecond), "99th percentile"},
	} {
		var pairs []pair
		for range 10 {
			pairs = append(pairs, pair{test.weir, bare})
		}
		err := judge(pairs, io.Discard)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v, want %q", err, test.says)
		}
	}
}

func TestFloorIsNamed(t *testing.T) {
	o := observer{floors: make(map[string]floor)}
	floors := func(depths ...int64) int {
		for i, d := range depths {
			o.lookAtFloor(&instrument.ChanStats{Info: instrument.Info{Name: "q", Site: "f.go:1"}, DepthFloor: d}, time.Duration(i+1)*floorEvery)
		}
		return len(o.findings)
	}
	if floors(0, 1000, 0, 1000) != 0 {
		t.Errorf("a floor that comes back was named: %v", o.findings)
	}
	o = observer{floors: make(map[string]floor)}
	if floors(0, 300, 900) != 1 || o.findings[0].What != "channel q: its lowest depth rises by 20 messages a second, f.go:1" {
		t.Errorf("findings %v", o.findings)
	}
}
