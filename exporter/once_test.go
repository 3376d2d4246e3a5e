package exporter_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

func TestWriteTextfile(t *testing.T) {
	r := instrument.NewRegistry()
	q := instrument.NewQueue[int]("q", instrument.WithRegistry(r))
	path := filepath.Join(t.TempDir(), "job.prom")
	for sent := range 3 {
		q.Send(sent)
		if err := exporter.WriteTextfile(path, r, map[string]string{"batch": "nightly"}); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(file)
		_ = file.Close()
		if err != nil {
			t.Fatal(err)
		}
		depth := families["weir_channel_depth"].GetMetric()
		if len(depth) != 1 || depth[0].GetGauge().GetValue() != float64(sent+1) || len(depth[0].GetLabel()) != 2 {
			t.Errorf("depth %v after %d sends", depth, sent+1)
		}
		for name := range families {
			if !strings.HasPrefix(name, "weir_") {
				t.Errorf("%s would stand beside the node exporter's own", name)
			}
		}
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	q.Close()
}

func TestWriteTextfileRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "job.prom")
	if err := exporter.WriteTextfile(missing, nil, nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "weir: textfile: ") {
		t.Errorf("into a folder that is not there: %v", err)
	}
	path := filepath.Join(t.TempDir(), "job.prom")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exporter.WriteTextfile(path, nil, map[string]string{"name": "mine"}); err == nil {
		t.Error("a label that the metrics have already is taken")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "old" {
		t.Errorf("the old file has %q, %v", text, err)
	}
}

func TestPush(t *testing.T) {
	var method, path, body string
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		method, path, body = r.Method, r.URL.Path, string(text)
	}))
	defer gateway.Close()
	r := instrument.NewRegistry()
	q := instrument.NewQueue[int]("q", instrument.WithRegistry(r))
	if err := exporter.Push(t.Context(), gateway.URL, "nightly", r); err != nil {
		t.Fatal(err)
	}
	if method != http.MethodPut || path != "/metrics/job/nightly" || !strings.Contains(body, "weir_channel_depth") {
		t.Errorf("%s %s with %d bytes", method, path, len(body))
	}
	q.Close()
}

func TestPushRefuses(t *testing.T) {
	angry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no more room", http.StatusInsufficientStorage)
	}))
	defer angry.Close()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx                context.Context
		address, job, want string
	}{
		{t.Context(), "localhost:9091", "j", "is not the address of a Pushgateway"},
		{t.Context(), "", "j", "is not the address of a Pushgateway"},
		{t.Context(), angry.URL, "", "the job has no name"},
		{t.Context(), angry.URL, "j", "no more room"},
		{done, angry.URL, "j", "context canceled"},
	} {
		err := exporter.Push(c.ctx, c.address, c.job, instrument.NewRegistry())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "weir: push: ") {
			t.Errorf("Push(%q, %q) = %v, want %q", c.address, c.job, err, c.want)
		}
	}
}
