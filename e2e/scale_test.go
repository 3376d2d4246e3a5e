package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

var (
	scaleInstances = flag.Int("scale.instances", 20, "how many instances TestScale has, with 50 names each")
	scaleClassic   = flag.Bool("scale.classic", false, "scrape classic histograms, as text, instead of native ones")
	scaleSlowest   = flag.Duration("scale.slowest", 0, "fail where a query of a board takes longer; 0 is no bound, and other tests may run meanwhile")
)

const (
	scaleNames = 50
	scaleEvery = 30 * time.Second // scrapes, as in examples/scale/agent.yaml
	scaleRange = time.Hour        // what a board shows when it is opened
)

// TestScale asks one real Prometheus, which has an hour of many instances with 50
// names each and evaluates the shipped rules, every query of every board, and
// prints how long each takes. The instances are real registries in this process;
// what is before the test is made from their expositions. Make scale has 200 of
// them, and a bound on the time.
func TestScale(t *testing.T) {
	if *scaleSlowest == 0 {
		t.Parallel()
	}
	f := newFleet(t, *scaleInstances)
	dir := shippedFleet(t)
	write(t, filepath.Join(dir, "prometheus.yml"), fmt.Sprintf(`
global: {scrape_interval: %v, evaluation_interval: %[1]v}
rule_files: [recording-rules.yaml, weir-rules.yaml]
scrape_configs: [{job_name: fleet, scrape_native_histograms: %t, file_sd_configs: [{files: [targets.yaml], refresh_interval: 1s}]}]
`, scaleEvery, !*scaleClassic))
	write(t, filepath.Join(dir, "targets.yaml"), "[]")
	p := startConfigured(t, filepath.Join(dir, "prometheus.yml"), "--web.enable-remote-write-receiver", "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--storage.tsdb.min-block-duration=4h") // takes samples that are up to half as old

	began := time.Now()
	samples := f.backfill(t, p)
	t.Logf("%d samples of the past written in %v", samples, time.Since(began).Round(time.Second))
	write(t, filepath.Join(dir, "targets.yaml"), f.targets())
	p.eventuallyIs(t, fmt.Sprintf(`count(up{job="fleet"} == 1) == %d`, len(f.instances)))
	p.eventuallyIs(t, `count(job:weir_channel_depth:sum) > 0`)
	p.logSeries(t)
	p.timeBoards(t)
}

// logSeries prints how many series there are, and how many of them are aggregates.
func (p prometheus) logSeries(t *testing.T) {
	t.Helper()
	for what, expr := range map[string]string{
		"series of weir":        `count({__name__=~"weir_.+"})`,
		"aggregates of them":    `count({__name__=~"job:weir_.+"})`,
		"series of the targets": `sum(scrape_samples_post_metric_relabeling)`,
	} {
		result, err := p.query(expr)
		if err != nil || len(result) != 1 {
			t.Errorf("%s: %v %v", expr, result, err)
			continue
		}
		t.Logf("%v %s", result[0].Value[1], what)
	}
	body, err := fetch(p.url + "/api/v1/rules")
	var rules struct {
		Data struct {
			Groups []struct{ EvaluationTime float64 }
		}
	}
	if err = errors.Join(err, json.Unmarshal([]byte(body), &rules)); err != nil {
		t.Fatal(err)
	}
	var took float64
	for _, g := range rules.Data.Groups {
		took += g.EvaluationTime
	}
	t.Logf("%.3f s for all rules, every %v", took, scaleEvery)
}

// eventuallyIs waits until a query has a result.
func (p prometheus) eventuallyIs(t *testing.T, expr string) {
	t.Helper()
	eventually(t, 3*time.Minute, expr, func() (bool, string) {
		result, err := p.query(expr)
		return err == nil && len(result) > 0, fmt.Sprint(err)
	})
}

// fleet is many instances of a program, each at a path of one server.
type fleet struct {
	address   string
	instances []*instance
}

// instance is one of them.
type instance struct {
	registry *instrument.Registry
	channels []*instrument.Chan[int]
	slots    []*instrument.Semaphore
	pools    []*instrument.Pool
}

func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := new(fleet)
	paths := http.NewServeMux()
	for i := range n {
		x := newInstance(t)
		metrics := exporter.Handler(x.registry)
		paths.HandleFunc(path(i), func(w http.ResponseWriter, r *http.Request) {
			x.use() // or rates would be 0
			metrics.ServeHTTP(w, r)
		})
		f.instances = append(f.instances, x)
	}
	server := httptest.NewServer(paths)
	t.Cleanup(server.Close)
	f.address = strings.TrimPrefix(server.URL, "http://")
	return f
}

func path(i int) string { return fmt.Sprintf("/%d/metrics", i) }

func newInstance(t *testing.T) *instance {
	t.Helper()
	x := &instance{registry: instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))}
	with := instrument.WithRegistry(x.registry)
	for i := range scaleNames {
		switch i % 5 {
		case 0:
			x.slots = append(x.slots, instrument.NewSemaphore(fmt.Sprint("semaphore ", i/5), 64, with))
		case 1:
			x.pools = append(x.pools, instrument.NewPool(fmt.Sprint("pool ", i/5), 1, 64, with))
		default:
			x.channels = append(x.channels, instrument.NewChan[int](fmt.Sprint("channel ", len(x.channels)), 64, with, instrument.WithOwner("scale")))
		}
	}
	t.Cleanup(func() {
		for _, p := range x.pools {
			_ = p.Shutdown(context.Background())
		}
		runtime.KeepAlive(x)
	})
	return x
}

// use has all objects do some work, and leaves something in each.
func (x *instance) use() {
	for i, c := range x.channels {
		for range 8 + i {
			c.TrySend(i)
		}
		for range 8 {
			c.TryRecv()
		}
	}
	for _, s := range x.slots {
		if p, ok := s.TryAcquirePermit(1); ok {
			p.Release()
		}
		s.TryAcquire(1)
	}
	for _, p := range x.pools {
		_ = p.TrySubmit(func() {})
	}
}

// backfill gives all instances an hour, but for the last minute, which is scraped.
func (f *fleet) backfill(t *testing.T, p prometheus) (samples int) {
	t.Helper()
	accept := "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	if *scaleClassic {
		accept = "text/plain;version=0.0.4"
	}
	now := time.Now().Truncate(time.Second)
	over := past{now.Add(time.Minute - scaleRange), now, scaleEvery}
	for i := range f.instances {
		body, contentType, err := fetchAs("http://"+f.address+path(i), accept)
		if err != nil {
			t.Fatal(err)
		}
		samples += p.backfill(t, over, body, contentType, labels.FromStrings("job", "fleet", "instance", fmt.Sprint("host-", i)))
	}
	return samples
}

// targets is the instances as a file of targets.
func (f *fleet) targets() string {
	var b strings.Builder
	for i := range f.instances {
		fmt.Fprintf(&b, "- {targets: [%q], labels: {instance: host-%d, __metrics_path__: %s}}\n", f.address, i, path(i))
	}
	return b.String()
}

// timeBoards asks every query of every board, each a few times.
func (p prometheus) timeBoards(t *testing.T) {
	t.Helper()
	names := map[string]string{"weir-channel": "channel 0", "weir-semaphore": "semaphore 0", "weir-pool": "pool 0"}
	times, results := make(map[string]time.Duration), make(map[string]int)
	for uid, b := range shippedBoards(t) {
		c := b.choose(chosen{"name": names[uid]})
		for _, q := range b.questions() {
			where := uid + ": " + q.where
			var took []time.Duration
			for range 3 {
				began := time.Now()
				a, err := p.askQuestion(q, c, period{scaleRange, scaleEvery, scaleEvery})
				if err != nil || a.fault != "" {
					t.Errorf("%s: %v %s", where, err, a.fault)
				}
				took = append(took, time.Since(began))
				results[where] = a.results
			}
			slices.Sort(took)
			times[where] = took[1]
		}
	}
	order := slices.SortedFunc(maps.Keys(times), func(a, b string) int { return cmp.Compare(times[b], times[a]) })
	for _, where := range order {
		t.Logf("%8.3f s %6d series  %s", times[where].Seconds(), results[where], where)
	}
	if slowest := times[order[0]]; *scaleSlowest > 0 && slowest > *scaleSlowest {
		t.Errorf("the slowest of %d queries takes %v, more than %v", len(order), slowest, *scaleSlowest)
	}
}
