package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// server is a process that a test started.
type server struct {
	name string
	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan struct{}
	stop func()
}

// lockedBuffer takes the output of a process while the test may read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start starts a process that ends with the test, and waits until url answers, or
// takes connections if it is a tcp one.
func start(t *testing.T, url, bin string, args ...string) *server {
	t.Helper()
	s := &server{name: filepath.Base(bin), log: new(lockedBuffer), done: make(chan struct{})}
	s.cmd = exec.Command(bin, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	s.stop = sync.OnceFunc(func() { s.end() })
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", s.name, tail(s.log.String(), 4000))
		}
	})
	eventually(t, time.Minute, s.name+" answers", func() (bool, string) {
		select {
		case <-s.done:
			t.Fatalf("%s ended: %s", s.name, tail(s.log.String(), 4000))
		default:
		}
		err := reach(url)
		return err == nil, fmt.Sprint(err)
	})
	return s
}

func reach(url string) error {
	address, ok := strings.CutPrefix(url, "tcp://")
	if !ok {
		_, err := fetch(url)
		return err
	}
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// end asks the process to end, and makes it after ten seconds.
func (s *server) end() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// eventually waits for something outside this process, where there is no event
// to wait for, and fails with what was last seen.
func eventually(t *testing.T, atMost time.Duration, what string, check func() (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := check()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v; last seen: %s", what, atMost, seen)
		}
	}
}

// client waits for as long as Prometheus may take for a query.
var client = &http.Client{Timeout: 2 * time.Minute}

func fetch(url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s answers %s: %s", url, response.Status, tail(string(body), 300))
	}
	return string(body), err
}

// prometheus is a real Prometheus.
type prometheus struct {
	*server
	url string
}

// startPrometheus scrapes the addresses of jobs every second, with the rules and the
// Alertmanager given.
func startPrometheus(t *testing.T, jobs map[string]string, rules, alertmanager string) prometheus {
	t.Helper()
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs:
`, rules, alertmanager)
	for _, job := range slices.Sorted(maps.Keys(jobs)) {
		config += fmt.Sprintf("- {job_name: %s, static_configs: [{targets: [%q]}]}\n", job, jobs[job])
	}
	return runPrometheus(t, config)
}

// runPrometheus runs one with a configuration and more flags.
func runPrometheus(t *testing.T, config string, flags ...string) prometheus {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	write(t, file, config)
	return startConfigured(t, file, append(flags, "--storage.tsdb.path="+filepath.Join(dir, "data"))...)
}

// startConfigured runs one with a configuration file; the flags say where it stores.
func startConfigured(t *testing.T, file string, flags ...string) prometheus {
	t.Helper()
	address := freeAddress(t)
	url := "http://" + address
	flags = append([]string{"--config.file=" + file, "--web.listen-address=" + address, "--log.level=warn"}, flags...)
	return prometheus{start(t, url+"/-/ready", tool(t, "prometheus"), flags...), url}
}

// series is one result of an instant query.
type series struct {
	Metric    map[string]string
	Value     [2]any
	Histogram [2]any // instead of Value, where it is a native histogram
}

// query asks an instant query.
func (p prometheus) query(expr string) ([]series, error) {
	body, err := fetch(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct{ Result []series }
	}
	err = json.Unmarshal([]byte(body), &answer)
	return answer.Data.Result, err
}

// startAlertmanager runs a real Alertmanager with config and returns its address.
func startAlertmanager(t *testing.T, config string) string {
	t.Helper()
	address := freeAddress(t)
	start(t, "http://"+address+"/-/ready", tool(t, "alertmanager"),
		"--config.file="+config, "--storage.path="+t.TempDir(), "--web.listen-address="+address,
		"--cluster.listen-address=", "--log.level=warn")
	return address
}

// containsAll reports the first of wants that s lacks.
func containsAll(s string, wants ...string) (missing string, ok bool) {
	for _, w := range wants {
		if !strings.Contains(s, w) {
			return w, false
		}
	}
	return "", true
}
