package exporter_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

// start serves on a free port and returns its address, and what stops it and
// reports how it ended.
func start(t *testing.T, addr string) (string, func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- exporter.Serve(ctx, addr, exporter.WithRegistry(instrument.NewRegistry()),
			exporter.OnListen(func(a net.Addr) { listening <- a }))
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
