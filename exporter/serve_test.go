package exporter_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/exporter/live"
	"github.com/weir-go/weir/instrument"
)

// start serves on a free port and returns its address, and what stops it and
// reports how it ended.
func start(t *testing.T, addr string, opts ...exporter.Option) (string, func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- exporter.Serve(ctx, addr, append(opts, exporter.WithRegistry(instrument.NewRegistry()),
			exporter.OnListen(func(a net.Addr) { listening <- a }))...)
	}()
	select {
	case a := <-listening:
		return a.String(), func() error { cancel(); return <-ended }
	case err := <-ended:
		t.Fatal(err)
		return "", nil
	}
}

func get(t *testing.T, url, accept string) (status int, contentType, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(text)
}

func TestServe(t *testing.T) {
	address, stop := start(t, "127.0.0.1:0")
	formats := map[string]string{
		"": "text/plain",
		"application/openmetrics-text;version=1.0.0":                                                               "application/openmetrics-text",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;version=0.0.4": "application/vnd.google.protobuf",
	}
	for accept, want := range formats {
		status, got, body := get(t, "http://"+address+"/metrics", accept)
		if status != http.StatusOK || !strings.HasPrefix(got, want) {
			t.Errorf("Accept %q: %d with %s, want %s", accept, status, got, want)
		}
		for _, metric := range []string{"weir_build_info", "go_memstats_heap_inuse_bytes", "process_start_time_seconds"} {
			if !strings.Contains(body, metric) {
				t.Errorf("Accept %q: no %s", accept, metric)
			}
		}
	}
	if status, _, body := get(t, "http://"+address+"/", ""); status != http.StatusOK || !strings.Contains(body, "/metrics") {
		t.Errorf("/ answers %d %q", status, body)
	}
	if status, _, _ := get(t, "http://"+address+"/nothing", ""); status != http.StatusNotFound {
		t.Errorf("/nothing answers %d", status)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve ended with %v", err)
	}
}

func TestServeListensOnLoopbackUnlessTold(t *testing.T) {
	for addr, want := range map[string]string{":0": "127.0.0.1", "127.0.0.1:0": "127.0.0.1", "0.0.0.0:0": "0.0.0.0"} {
		address, stop := start(t, addr)
		host, _, err := net.SplitHostPort(address)
		if err != nil || (host != want && !net.ParseIP(host).IsUnspecified()) || (want == "127.0.0.1") != (host == want) {
			t.Errorf("%q listens on %s, want %s", addr, address, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestServeLive: the live page is there for this machine, and for others only where
// that was asked for.
func TestServeLive(t *testing.T) {
	for name, tt := range map[string]struct {
		addr string
		opts []exporter.Option
		want int
	}{
		"loopback":        {"127.0.0.1:0", nil, http.StatusOK},
		"no host":         {":0", nil, http.StatusOK},
		"any host":        {"0.0.0.0:0", nil, http.StatusNotFound},
		"any host, asked": {"0.0.0.0:0", []exporter.Option{exporter.WithLive()}, http.StatusOK},
		"authorized":      {"127.0.0.1:0", []exporter.Option{exporter.WithLive(live.WithAuthorize(func(*http.Request) bool { return false }))}, http.StatusUnauthorized},
	} {
		address, stop := start(t, tt.addr, tt.opts...)
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{live.Path, live.Path + "snapshot"} {
			if status, _, _ := get(t, "http://127.0.0.1:"+port+path, ""); status != tt.want {
				t.Errorf("%s: %s answers %d, want %d", name, path, status, tt.want)
			}
		}
		if _, _, index := get(t, "http://127.0.0.1:"+port, ""); strings.Contains(index, live.Path) != (tt.want != http.StatusNotFound) {
			t.Errorf("%s: the first page is %s", name, index)
		}
		if err := stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestServeEndsStreams: who looks at the live page does not hold up the end.
func TestServeEndsStreams(t *testing.T) {
	address, stop := start(t, "127.0.0.1:0")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+live.Path+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := response.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve ended with %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	used, stop := start(t, "127.0.0.1:0")
	defer func() { _ = stop() }()
	for addr, want := range map[string]string{
		used:              "address already in use",
		"nonsense":        `"nonsense" is not host:port`,
		"127.0.0.1:http!": "http!",
		"127.0.0.1:70000": "70000",
	} {
		err := exporter.Serve(t.Context(), addr)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Serve(%q) = %v, want one line with %q", addr, err, want)
		}
	}
}
