package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestHealthyHour replays hours of the game server to the shipped rules, with the
// durations that they are shipped with. The hours are played in fake time, by the
// game's own code. Under a load that it can bear there is no alert; under twice of
// that it refuses, and that is said and nothing else; and as a check of the replay
// itself, the server that leaks is not silent.
func TestHealthyHour(t *testing.T) {
	t.Parallel()
	play := gameTest(t)
	for name, c := range map[string]struct {
		mode    string
		players int
		lasts   time.Duration
		fires   []string
	}{
		"fixed":                {"fixed", 1000, time.Hour, nil},
		"fixed, at the limit":  {"fixed", 1150, 15 * time.Minute, nil},
		"fixed, with overload": {"fixed", 2000, 20 * time.Minute, []string{"WeirSemaphoreRefusing move-permits warning"}},
		"leaky": {"leaky", 1250, 20 * time.Minute, []string{
			"WeirChannelGrowing player-moves warning", "WeirQueueGrowing player-moves critical",
			"WeirWaitBudgetBurning player-moves critical", "WeirWaitBudgetBurning player-moves warning"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			out, err := output(exec.Command(play, "-test.run=^TestScrapes$", "-scrapes.dir", dir, "-scrapes.mode", c.mode,
				"-scrapes.players", strconv.Itoa(c.players), "-scrapes.for", c.lasts.String()))
			if err != nil {
				t.Fatalf("%v\n%s", err, tail(out, 2000))
			}
			h := readHistory(t, dir)
			if want := int(c.lasts/(30*time.Second)) + 1; h.scrapes != want {
				t.Fatalf("there are %d scrapes, want %d", h.scrapes, want)
			}
			file := filepath.Join(dir, "replay.yaml")
			write(t, file, h.unitTest(t, c.lasts, c.fires))
			if out, err := output(exec.Command(tool(t, "promtool"), "test", "rules", file)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// gameTest builds the game server's tests, one of which plays for hours.
func gameTest(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "gameserver.test")
	cmd := exec.Command("go", "test", "-c", "-o", bin, "./examples/gameserver")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOWORK=")
	if _, err := output(cmd); err != nil {
		t.Fatal(err)
	}
	return bin
}

// history is what a number of scrapes saw: the values of each series that the rules
// ask, one a scrape.
type history struct {
	scrapes int
	values  map[string][]float64 // NaN where it was not there
}

func readHistory(t *testing.T, dir string) history {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.prom"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("../alerts/dist/weir-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h := history{values: make(map[string][]float64)}
	for _, file := range files { // in order
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, f := range families {
			if bytes.Contains(rules, []byte(name)) {
				h.add(name, f)
			}
		}
		h.scrapes++
	}
	return h
}

func (h *history) add(name string, f *dto.MetricFamily) {
	for _, m := range f.Metric {
		switch {
		case m.Gauge != nil:
			h.set(name, m, m.Gauge.GetValue())
		case m.Counter != nil:
			h.set(name, m, m.Counter.GetValue())
		case m.Histogram != nil:
			h.set(name+"_sum", m, m.Histogram.GetSampleSum())
			h.set(name+"_count", m, float64(m.Histogram.GetSampleCount()))
		}
	}
}

func (h *history) set(name string, m *dto.Metric, v float64) {
	series := name + `{job="game", instance="a:1"`
	for _, l := range m.Label {
		series += fmt.Sprintf(", %s=%q", l.GetName(), l.GetValue())
	}
	series += "}"
	for len(h.values[series]) < h.scrapes {
		h.values[series] = append(h.values[series], math.NaN())
	}
	h.values[series] = append(h.values[series], v)
}

// unitTest writes a test for promtool: that over all the time these alerts fire, and
// no others.
func (h *history) unitTest(t *testing.T, lasts time.Duration, fires []string) string {
	t.Helper()
	rules, err := filepath.Abs("../alerts/dist/weir-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [%q]\nevaluation_interval: 30s\ntests:\n- interval: 30s\n  input_series:\n", rules)
	for _, series := range slices.Sorted(maps.Keys(h.values)) {
		var values []string
		for _, v := range h.values[series] {
			if math.IsNaN(v) {
				values = append(values, "_")
			} else {
				values = append(values, strconv.FormatFloat(v, 'f', -1, 64))
			}
		}
		fmt.Fprintf(&b, "  - {series: %s, values: %q}\n", strconv.Quote(series), strings.Join(values, " "))
	}
	span := model.Duration(lasts)
	fmt.Fprintf(&b, "  promql_expr_test:\n  - eval_time: %s\n    expr: 'count by (alertname, name, severity) (max_over_time(ALERTS{alertstate=\"firing\"}[%s]))'\n    exp_samples:\n", span, span)
	for _, f := range fires {
		alert := strings.Fields(f)
		fmt.Fprintf(&b, "    - {labels: '{alertname=%q, name=%q, severity=%q}', value: 1}\n", alert[0], alert[1], alert[2])
	}
	return b.String()
}
