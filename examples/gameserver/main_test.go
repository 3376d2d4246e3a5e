package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestBadInput(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()

	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"-mode quick", 2, `unknown -mode "quick": want leaky, bounded-128, bounded-1024, fixed, as-published, forgotten-permit, stuck-worker`},
		{"-mode=", 2, "unknown -mode"},
		{"-players -1", 2, "-players -1: want 0 to 200000"},
		{"-players 200001", 2, "-players 200001"},
		{"-players many", 2, `invalid value "many" for flag -players`},
		{"-players", 2, "flag needs an argument: -players"},
		{"-duration -1s", 2, "-duration -1s: want 0 or more"},
		{"-duration 10", 2, `invalid value "10" for flag -duration`},
		{"-seed -1", 2, "-seed"},
		{"-addr localhost", 2, `-addr "localhost": want host:port`},
		{"-transport udp", 2, `unknown -transport "udp": want mem or tcp`},
		{"-every 0", 2, "-every 0s: want 1ms to 1h"},
		{"-capacity -1", 2, "-capacity -1: want 0 to 1000000"},
		{"-soak 10s", 2, "-soak 10s: want 2m0s or more"},
		{"-soak 5m -duration 5m", 2, "leave -duration out"},
		{"-compare 0", 2, "-compare 0: want 1 or more pairs"},
		{"-experiment -compare 3", 2, "-experiment and -compare: want one of them"},
		{"-experiment -addr :0", 2, "-addr is for a single game"},
		{"-out here", 2, "-out is for -experiment alone"},
		{"-experiment -out main_test.go", 1, "-out: mkdir main_test.go"},
		{"-transport tcp -players 200000 -addr 127.0.0.1:0", 1, "players over TCP need 400,100 open files, and the limit is"},
		{"-speed 9", 2, "flag provided but not defined: -speed"},
		{"leaky", 2, `unexpected argument "leaky"`},
		{"-addr 127.0.0.1:99999", 1, "99999"},
		{"-addr " + taken.Addr().String(), 1, "address already in use"},
	} {
		t.Run(test.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), strings.Fields(test.args), nil, &stdout, &stderr)
			if code != test.code || !strings.Contains(stderr.String(), test.says) {
				t.Errorf("exit %d with %q, want %d with %q", code, stderr.String(), test.code, test.says)
			}
			if strings.Count(stderr.String(), "\n") != 1 || stdout.Len() > 0 {
				t.Errorf("want one line on stderr and none on stdout, got %q and %q", stderr.String(), stdout.String())
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, nil, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, stderr.String())
	}
	for _, want := range []string{"-mode", "-players", "-addr", "-duration", "-seed", "-soak", "-experiment", "-compare", "leaky", "bounded-128", "fixed"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("help lacks %q", want)
		}
	}
}

func TestDurationEnds(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := strings.Fields("-mode fixed -players 100 -addr 127.0.0.1:0 -duration 1ms")
	if code := run(t.Context(), args, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	if !regexp.MustCompile(`sent +\d+ = \d+ accepted \+ \d+ refused \+ \d+ timed out`).MatchString(stdout.String()) {
		t.Errorf("no summary in\n%s", stdout.String())
	}
}

// TestRun plays each mode as a user would, reads /metrics after the first line,
// and interrupts.
func TestRun(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			out, stdout := io.Pipe()
			var stderr bytes.Buffer
			exit := make(chan int, 1)
			go func() {
				exit <- run(ctx, strings.Fields("-players 1500 -every 1s -addr 127.0.0.1:0 -mode "+m.name), nil, stdout, &stderr)
				_ = stdout.Close()
			}()

			lines := bufio.NewScanner(out)
			url := lineWith(t, lines, regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`))
			lineWith(t, lines, regexp.MustCompile(`depth .* permits free .* refused .* heap`))
			lineWith(t, lines, regexp.MustCompile(`^ +1s .* MB$`))
			for tick := 1; len(tooLow(m.name, get(t, url))) > 0; tick++ {
				if tick > maxTicks {
					t.Fatal(tooLow(m.name, get(t, url)))
				}
				lineWith(t, lines, regexp.MustCompile(`^ +\d+s .* MB$`))
			}

			interrupt()
			lineWith(t, lines, regexp.MustCompile(`sent .* accepted .* refused .* timed out`))
			for lines.Scan() {
			}
			if code := <-exit; code != 0 || stderr.Len() > 0 {
				t.Errorf("exit %d, stderr %q", code, stderr.String())
			}
		})
	}
}

// maxTicks is for how many seconds a slow machine may take for what a fast one has
// after the first.
const maxTicks = 60

// tooLow says which series are not what they come to in time.
func tooLow(modeName, text string) (wrong []string) {
	atLeast := map[string]float64{
		`weir_channel_depth_peak{name="player-moves"}`:               1,
		`weir_channel_sends_total{name="player-moves",outcome="ok"}`: 1,
		`weir_semaphore_permits_limit{name="logins"}`:                loginsAtOnce,
		`weir_semaphore_acquires_total{name="logins",outcome="ok"}`:  1500,
		`weir_pool_workers{name="score-writers"}`:                    scoreWriters,
		`weir_pool_tasks_total{name="score-writers",outcome="ok"}`:   1,
	}
	switch modeName {
	case "bounded-128", "bounded-1024":
		atLeast[`weir_channel_sends_total{name="player-moves",outcome="canceled"}`] = 1
	case "fixed":
		atLeast[`weir_semaphore_in_use_peak{name="move-permits"}`] = 1
	}
	for series, least := range atLeast {
		if got, ok := valueOf(text, series); !ok || got < least {
			wrong = append(wrong, fmt.Sprintf("%s is %v (%v), want at least %v", series, got, ok, least))
		}
	}
	return wrong
}

func valueOf(text, series string) (float64, bool) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return v, err == nil
		}
	}
	return 0, false
}

// lineWith reads lines until one matches, and returns the match.
func lineWith(t *testing.T, lines *bufio.Scanner, want *regexp.Regexp) string {
	t.Helper()
	for lines.Scan() {
		if found := want.FindString(lines.Text()); found != "" {
			return found
		}
	}
	t.Fatalf("the output ended without %v", want)
	return ""
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(body)
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1024: "1,024", -1234567: "-1,234,567", 1000000: "1,000,000"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}
