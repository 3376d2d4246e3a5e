package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/weir-go/weir/instrument"
)

func newRegistry() *instrument.Registry {
	return instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
}

// forever holds what was made inside a bubble: its cleanup has another clock.
var forever []any

// look returns everything there is to see.
func look(t *testing.T, h *hub) Snapshot {
	t.Helper()
	_, _, body := h.latest(0)
	return decode(t, body)
}

func decode(t *testing.T, body []byte) (s Snapshot) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return s
}

// find returns the object of a name.
func find(t *testing.T, s Snapshot, name string) Object {
	t.Helper()
	for _, o := range s.Objects {
		if o.Name == name {
			return o
		}
	}
	t.Fatalf("there is no %s in %+v", name, s.Objects)
	return Object{}
}

// detailOf returns the one object of a kind and name with everything about it.
func detailOf(t *testing.T, h *hub, kind, name string) Object {
	t.Helper()
	body, ok := h.detail(kind, name)
	if !ok {
		t.Fatalf("there is no %s %s", kind, name)
	}
	return find(t, decode(t, body), name)
}

// get asks a handler as somebody on this machine does.
func get(h http.Handler, url string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, url, nil)
	r.Host = "localhost:8080"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// event is one of a stream.
type event struct {
	name string
	Snapshot
}

// readEvent takes the next event from a stream.
func readEvent(t *testing.T, in *bufio.Reader) event {
	t.Helper()
	var e event
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "event":
			e.name = value
		case "data":
			e.Snapshot = decode(t, []byte(value))
		case "":
			return e
		}
	}
}

// reader follows a stream inside a bubble. It takes what is written only when it is
// told to, so it is as slow as a test wants.
type reader struct {
	header http.Header
	out    *io.PipeWriter
	in     *bufio.Reader
	leave  func() // and wait until the handler has noticed
}

func follow(h http.Handler) *reader {
	in, out := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	x := &reader{header: http.Header{}, out: out, in: bufio.NewReaderSize(in, 1<<20)}
	var serving sync.WaitGroup
	serving.Go(func() {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, Path+"events", nil)
		r.Host = "localhost"
		h.ServeHTTP(x, r)
		_ = out.Close()
	})
	x.leave = func() { cancel(); _ = in.Close(); serving.Wait() }
	return x
}

// Header implements http.ResponseWriter.
func (x *reader) Header() http.Header { return x.header }

// WriteHeader implements http.ResponseWriter.
func (x *reader) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (x *reader) Write(p []byte) (int, error) { return x.out.Write(p) }

// Flush implements http.Flusher.
func (x *reader) Flush() {}
