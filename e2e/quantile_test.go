package e2e

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

// nativeWidth is how much wider each native bucket is than the one before.
var nativeWidth = math.Exp2(1.0 / 8)

// scrapeModes are the ways in which Prometheus can scrape, and how far the
// quantile of one may be from the observation: a bucket of either kind.
var scrapeModes = map[string]struct {
	config string
	series string
	factor float64
}{
	"native":      {"scrape_native_histograms: true", "weir_channel_wait_seconds", nativeWidth},
	"text":        {"scrape_protocols: [PrometheusText0.0.4]", "weir_channel_wait_seconds_bucket", 4},
	"openmetrics": {"scrape_protocols: [OpenMetricsText1.0.0]", "weir_channel_wait_seconds_bucket", 4},
}

// TestQuantiles asks a real Prometheus the same quantiles of what it scraped in
// each mode.
func TestQuantiles(t *testing.T) {
	m := newMeasured(t)
	truth := m.wait(t)
	config := "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
	for mode, s := range scrapeModes {
		config += fmt.Sprintf("- {job_name: %s, %s, static_configs: [{targets: [%q]}]}\n", mode, s.config, m.address)
	}
	p := runPrometheus(t, config)
	for mode, s := range scrapeModes {
		for _, q := range []float64{0.1, 0.5, 0.9, 0.99} {
			expr := fmt.Sprintf("histogram_quantile(%v, %s{job=%q,name=\"waits\"})", q, s.series, mode)
			var got float64
			eventually(t, time.Minute, expr+" has an answer", func() (bool, string) {
				result, err := p.query(expr)
				if err != nil || len(result) != 1 {
					return false, fmt.Sprint(result, err)
				}
				got, err = strconv.ParseFloat(fmt.Sprint(result[0].Value[1]), 64)
				return err == nil, fmt.Sprint(err)
			})
			// Prometheus may mean the observation next to ours: another bucket.
			factor := s.factor * nativeWidth
			low, high := truth.Quantile(q)/factor, truth.Quantile(q)*factor
			if got < low || got > high {
				t.Errorf("%s: %v, want %v to %v", expr, got, low, high)
			}
			t.Logf("%-11s q%v = %v, the truth is %v", mode, q, got, truth.Quantile(q))
		}
	}
}

// wait makes messages wait for times from a microsecond to tenths of a second,
// and returns how long they did.
func (m measured) wait(t *testing.T) instrument.Histogram {
	t.Helper()
	c := instrument.NewChan[int]("waits", 512, instrument.WithRegistry(m.registry))
	for i := range 120 {
		c.Send(i)
		time.Sleep(time.Duration(math.Exp2(float64(i)/7)) * time.Microsecond) // the message's wait, nobody else's
		c.Recv()
	}
	t.Cleanup(c.Close)
	h := c.Stats().Wait
	if h.Count != 120 || len(h.Buckets) < 40 {
		t.Fatalf("%d waits in %d buckets", h.Count, len(h.Buckets))
	}
	return h
}

// TestCheckMetrics has promtool lint what is exported, live and golden.
func TestCheckMetrics(t *testing.T) {
	m := newMeasured(t)
	m.use(t)
	live := filepath.Join(t.TempDir(), "live.prom")
	if err := exporter.WriteTextfile(live, m.registry, nil); err != nil {
		t.Fatal(err)
	}
	served, err := fetch("http://" + m.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(filepath.Dir(live), "served.prom"), served)
	for _, file := range []string{live, filepath.Join(filepath.Dir(live), "served.prom"), "../exporter/promexport/testdata/golden.prom"} {
		cmd := exec.Command("sh", "-c", `exec "$0" check metrics --extended < "$1"`, tool(t, "promtool"), file)
		out, err := output(cmd)
		if err != nil || !strings.Contains(out, "weir_channel_depth") {
			t.Errorf("promtool check metrics < %s: %v\n%s", filepath.Base(file), err, out)
		}
	}
	bad := exec.Command("sh", "-c", `printf '# TYPE bad_counter counter\nbad_counter 1\n' | "$0" check metrics`, tool(t, "promtool"))
	if out, err := output(bad); err == nil {
		t.Errorf("promtool check metrics takes a counter without _total: %s", out)
	}
}
