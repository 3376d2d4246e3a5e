package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

const shippedScale = "../examples/scale/"

// shippedFleet returns a folder with the configuration for many machines as it is
// to be laid out: with the alerts beside it.
func shippedFleet(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"agent.yaml", "collector.yaml", "prometheus.yaml", "recording-rules.yaml", "../../alerts/dist/weir-rules.yaml"} {
		text, err := os.ReadFile(shippedScale + file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(file)), string(text))
	}
	return dir
}

// change replaces what a test must have other than a user: every old is to be found.
func change(t *testing.T, file string, oldNew ...string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := string(text)
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(changed, oldNew[i]) {
			t.Fatalf("%s has no %q to change", filepath.Base(file), oldNew[i])
		}
		changed = strings.ReplaceAll(changed, oldNew[i], oldNew[i+1])
	}
	write(t, file, changed)
}

// TestShippedFleet has every file for many machines read by the program that it is
// for, as it is shipped.
func TestShippedFleet(t *testing.T) {
	t.Parallel()
	dir := shippedFleet(t)
	at := func(file string) string { return filepath.Join(dir, file) }
	commands := [][]string{
		{tool(t, "promtool"), "check", "config", "--agent", "--lint=all", "--lint-fatal", at("agent.yaml")},
		{tool(t, "promtool"), "check", "config", "--lint=all", "--lint-fatal", at("prometheus.yaml")},
		{tool(t, "promtool"), "check", "rules", "--lint=all", "--lint-fatal", at("recording-rules.yaml")},
		{tool(t, "promtool"), "test", "rules", shippedScale + "tests/recording.yaml"},
		{collector(t), "validate", "--config", at("collector.yaml")},
	}
	for _, c := range commands {
		if out, err := output(exec.Command(c[0], c[1:]...)); err != nil {
			t.Errorf("%v: %v", c[1:], err)
		} else {
			t.Logf("%v\n%s", c[1:], out)
		}
	}
	change(t, at("agent.yaml"), "send_native_histograms", "send_native")
	change(t, at("prometheus.yaml"), "promote_resource_attributes", "promote")
	change(t, at("recording-rules.yaml"), "sum without", "sum unless")
	change(t, at("collector.yaml"), "limit_percentage: 75", "limit: 75")
	for _, c := range append(commands[:3:3], commands[4]) {
		if out, err := output(exec.Command(c[0], c[1:]...)); err == nil {
			t.Errorf("%v takes nonsense: %s", c[1:], out)
		}
	}
}

// TestFleet runs two instances of a program behind the shipped agent and, by OTLP,
// behind the shipped collector. What the shipped Prometheus has in the end must be
// the same either way, and what it passes on must be the sums, without an instance.
// Only addresses and intervals are not as shipped.
func TestFleet(t *testing.T) {
	years := runPrometheus(t, "global: {}", "--web.enable-remote-write-receiver")
	behindAgent, behindCollector := runReceiver(t, years.url), runReceiver(t, years.url)
	agent := startAgent(t, behindAgent.url)
	gateway := startCollector(t, behindCollector.url)

	targets := ""
	for _, instance := range []string{"one", "two"} {
		m := newMeasured(t)
		m.use(t)
		targets += fmt.Sprintf("- {targets: [%q], labels: {job: app, instance: %s, namespace: game}}\n", m.address, instance)
		m.sendOTLP(t, gateway+"/v1/metrics", "app", instance, attribute.String("cluster", "eu-1"), attribute.String("namespace", "game"))
	}
	write(t, filepath.Join(agent, "targets", "weir.yaml"), targets)

	eventually(t, 3*time.Minute, "both have the same", func() (bool, string) {
		scraped, err := everything(behindAgent)
		pushed, err2 := everything(behindCollector)
		if err = errors.Join(err, err2); err != nil {
			return false, err.Error()
		}
		return sameAnswers(scraped, pushed)
	})
	checkAggregates(t, behindAgent, years)
}

// checkAggregates compares what is kept for years with what it was made of.
func checkAggregates(t *testing.T, from, years prometheus) {
	t.Helper()
	for aggregate, source := range map[string]string{
		`job:weir_channel_depth:sum{name="moves"}`:                `sum(weir_channel_depth{name="moves"})`,
		`job:weir_channel_fill_ratio_max:max{name="moves"}`:       `max(weir_channel_fill_ratio_max{name="moves"})`,
		`job:weir_instrument_info:count{name="slots"}`:            `count(weir_instrument_info{name="slots"})`,
		`job:weir_semaphore_permits_in_use:sum{name="slots"} > 1`: `sum(weir_semaphore_permits_in_use{name="slots"})`,
	} {
		eventually(t, 2*time.Minute, aggregate+" is "+source, func() (bool, string) {
			kept, err := years.query(aggregate)
			whole, err2 := from.query(source)
			if err = errors.Join(err, err2); err != nil || len(kept) == 0 || len(whole) != 1 {
				return false, fmt.Sprint(kept, whole, err)
			}
			for _, k := range kept {
				if l := k.Metric; l["instance"] != "" || l["job"] != "app" || l["cluster"] != "eu-1" || l["namespace"] != "game" || k.Value[1] != whole[0].Value[1] {
					return false, fmt.Sprint(k, whole)
				}
			}
			return true, ""
		})
	}
	for expr, want := range map[string]int{`histogram_count(job:weir_channel_wait_seconds:rate5m{name="moves"})`: 1, `{__name__=~"weir_.+"}`: 0} {
		if found, err := years.query(expr); err != nil || min(len(found), 1) != want {
			t.Errorf("%s: %d series (%v)", expr, len(found), err)
		}
	}
}

// runReceiver runs the shipped Prometheus, which passes on to another.
func runReceiver(t *testing.T, years string) prometheus {
	t.Helper()
	dir := shippedFleet(t)
	file := filepath.Join(dir, "prometheus.yaml")
	change(t, file, "30s", "1s", "http://mimir:8080/api/v1/push", years+"/api/v1/write", "alertmanager:9093", freeAddress(t))
	change(t, filepath.Join(dir, "recording-rules.yaml"), "interval: 30s", "interval: 1s")
	return startConfigured(t, file, "--web.enable-remote-write-receiver", "--web.enable-otlp-receiver", "--storage.tsdb.path="+filepath.Join(dir, "data"))
}

// startAgent runs the shipped agent, and returns the folder where it looks for
// targets.
func startAgent(t *testing.T, store string) string {
	t.Helper()
	dir := shippedFleet(t)
	if err := os.Mkdir(filepath.Join(dir, "targets"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "agent.yaml")
	change(t, file, "30s", "1s", "http://prometheus:9090", store)
	startConfigured(t, file, "--agent", "--storage.agent.path="+filepath.Join(dir, "data"))
	return dir
}

// startCollector runs the shipped collector, and returns where it listens.
func startCollector(t *testing.T, store string) string {
	t.Helper()
	address := freeAddress(t)
	t.Setenv("WEIR_OTLP_LISTEN", address)
	t.Setenv("WEIR_OTLP_LISTEN_GRPC", freeAddress(t))
	t.Setenv("WEIR_METRICS_STORE", store+strings.TrimSuffix(otlpPath, "/v1/metrics"))
	quiet := filepath.Join(t.TempDir(), "quiet.yaml") // or its own metrics take a port that is always the same
	write(t, quiet, "service: {telemetry: {metrics: {level: none}}}")
	start(t, "tcp://"+address, collector(t), "--config", shippedScale+"collector.yaml", "--config", quiet)
	return "http://" + address
}

// collector builds the OpenTelemetry Collector of this module.
func collector(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "collector")
	if _, err := output(exec.Command("go", "build", "-o", bin, "./collector")); err != nil {
		t.Fatal(err)
	}
	return bin
}
