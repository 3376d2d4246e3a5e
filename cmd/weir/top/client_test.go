package top

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/exporter/live"
	"github.com/weir-go/weir/instrument"
)

// printed runs weir top without a terminal.
func printed(t *testing.T, cfg Config) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := Run(t.Context(), cfg, strings.NewReader(""), &out)
	return out.String(), err
}

// program serves a registry with something in it.
func program(t *testing.T) *httptest.Server {
	t.Helper()
	r := instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
	with := instrument.WithRegistry(r)
	moves := instrument.NewChan[int]("moves", 8, with, instrument.WithOwner("game"))
	moves.Send(1)
	stuck := instrument.NewQueue[int]("stuck", with, instrument.WithStallAfter(1))
	stuck.Send(1)
	slots := instrument.NewSemaphore("slots", 4, with)
	mux := http.NewServeMux()
	mux.Handle(live.Path, live.Handler(r))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		moves.Close()
		stuck.Close()
		slots.TryAcquire(0)
	})
	return server
}

func TestOnce(t *testing.T) {
	server := program(t)
	text, err := printed(t, Config{Address: server.URL, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text, "\n")
	for i, want := range []string{" · pid ", "2 messages  in ", "▲ stuck holds messages, and nothing is received (heuristic, ", "", "   NAME ", " ▲ stuck ", "    holds messages", "   moves "} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Fatalf("line %d has no %q:\n%s", i, want, text)
		}
	}
	if strings.Contains(text, "\x1b") || strings.Contains(text, "–    –") && !strings.Contains(text, " 0 ") {
		t.Errorf("it prints\n%q", text)
	}
	text, err = printed(t, Config{Address: server.URL, Once: true, Sort: "name", Kind: "channel", Filter: "game"})
	if err != nil || !strings.Contains(text, "\n   moves ") || strings.Contains(text, "   slots ") || strings.Contains(text, "\n ▲ stuck   ") {
		t.Errorf("chosen: %v\n%s", err, text)
	}
}

func TestJSON(t *testing.T) {
	server := program(t)
	text, err := printed(t, Config{Address: server.URL, JSON: true, Once: true, Sort: "name"})
	if err != nil {
		t.Fatal(err)
	}
	var s live.Snapshot
	if err := json.Unmarshal([]byte(text), &s); err != nil || strings.Count(text, "\n") != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	if len(s.Objects) != 3 || s.Objects[0].Name != "moves" || s.Objects[0].Level != 1 || !s.Objects[0].In.Known() || s.Objects[0].Made == nil || s.Program == nil {
		t.Errorf("it prints %s", text)
	}

	ctx, cancel := context.WithCancel(t.Context())
	out := make(documents, 4)
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Config{Address: server.URL, JSON: true}, strings.NewReader(""), out) }()
	first, second := <-out, <-out
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
	if !second.Time.After(first.Time) || len(second.Objects) != 3 || second.Objects[0].Made == nil {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

// documents takes what is printed, a document at a time.
type documents chan live.Snapshot

// Write implements io.Writer.
func (d documents) Write(p []byte) (int, error) {
	var s live.Snapshot
	if err := json.Unmarshal(p, &s); err != nil {
		return 0, err
	}
	select {
	case d <- s:
	default:
	}
	return len(p), nil
}

// TestErrors: whatever answers, there is one line that says what it was.
func TestErrors(t *testing.T) {
	answer := func(code int, kind, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		})
	}
	event := func(text string) http.Handler { return answer(200, "text/event-stream", text) }
	silent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for name, tt := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"nothing there":      {http.NotFoundHandler(), "has no live page of weir: it answers 404 Not Found"},
		"another page":       {answer(200, "text/html", "<html>"), "has no live page of weir: it answers 200 OK"},
		"a proxy's error":    {answer(502, "text/html", "<html>\nbad"), "it answers 502 Bad Gateway"},
		"who are you":        {answer(401, "text/plain", "weir: not authorized\n"), "asks who you are"},
		"another host":       {answer(403, "text/plain", "weir: this is not reached as x\x1b[2J\nmore"), "answers: this is not reached as x?[2J"},
		"too many":           {answer(503, "text/plain", "weir: 256 are looking already, try again later\n"), "256 are looking already"},
		"a later version":    {event("event: snapshot\ndata: {\"version\":2}\n\n"), "version 2 and this command version 1: install a newer weir"},
		"an older version":   {event("event: snapshot\ndata: {}\n\n"), "version 0 and this command version 1: it was built with an older weir"},
		"no document":        {event("event: snapshot\ndata: hello\n\n"), "not what a live page of weir sends"},
		"another document":   {event("event: snapshot\ndata: {\"version\":1,\"objects\":7}\n\n"), "cannot unmarshal"},
		"half an event":      {event("event: snapshot\ndata: {\"vers"), "the stream ended"},
		"no event":           {event(""), "the stream ended"},
		"other events":       {event("event: later\ndata: {}\n\n: a comment\n\n"), "the stream ended"},
		"a connection alone": {silent, "has said nothing for 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			c, err := newClient(server.URL, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			c.quiet = 50 * time.Millisecond
			if name != "a connection alone" {
				c.quiet = time.Minute
			}
			checkError(t, c.check(t.Context()), tt.want)
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("the error is %q, want one line with %q", err, want)
	}
}

func TestTLS(t *testing.T) {
	plain, secret := httptest.NewServer(http.NotFoundHandler()), httptest.NewUnstartedServer(http.NotFoundHandler())
	secret.Config.ErrorLog = log.New(io.Discard, "", 0)
	secret.StartTLS()
	defer plain.Close()
	defer secret.Close()
	for address, want := range map[string]string{
		secret.URL: "is not trusted",
		strings.Replace(secret.URL, "https", "http", 1): "speaks TLS: try https://",
		strings.Replace(plain.URL, "http", "https", 1):  "does not speak TLS: try http://",
	} {
		_, err := printed(t, Config{Address: address, Once: true})
		checkError(t, err, want)
	}
	_, err := printed(t, Config{Address: secret.URL, Once: true, Insecure: true})
	checkError(t, err, "has no live page")
	gone := httptest.NewServer(nil)
	gone.Close()
	_, err = printed(t, Config{Address: gone.URL, Once: true})
	checkError(t, err, "cannot reach 127.0.0.1:")
}

func TestUsage(t *testing.T) {
	for want, cfg := range map[string]Config{
		"is not an address":       {Address: ""},
		`"http://%zz"`:            {Address: "http://%zz"},
		"not ftp://":              {Address: "ftp://x"},
		"--sort speed: want":      {Address: "x", Sort: "speed"},
		`--header "nonsense"`:     {Address: "x", Header: []string{"nonsense"}},
		"weir top wants a termin": {Address: "x"},
	} {
		_, err := printed(t, cfg)
		checkError(t, err, want)
		if _, ok := err.(UsageError); !ok { //nolint:errorlint // it is the outermost
			t.Errorf("%v is not the caller's", err)
		}
	}
	for address, want := range map[string]string{
		"localhost:80":           "http://localhost:80/debug/weir/",
		"http://h/":              "http://h/debug/weir/",
		"https://u:p@h/x/weir?q": "https://h/x/weir/",
		"[::1]:8080":             "http://[::1]:8080/debug/weir/",
	} {
		if c, err := newClient(address, nil, false); err != nil || c.base.String() != want {
			t.Errorf("%s leads to %v (%v), want %s", address, c.base, err, want)
		}
	}
}

// TestRequests have what was given to go with them.
func TestRequests(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer server.Close()
	address := strings.Replace(server.URL, "http://", "http://me:pass@", 1) + "/x"
	_, err := printed(t, Config{Address: address, Once: true, Header: []string{"X-Team: game", "X-Team: core"}})
	checkError(t, err, "has no live page")
	user, password, _ := got.BasicAuth()
	if user != "me" || password != "pass" || fmt.Sprint(got.Header["X-Team"]) != "[game core]" || got.URL.Path != "/x/events" || strings.Contains(err.Error(), "pass") {
		t.Errorf("asked %s as %s, %s with %v: %v", got.URL, user, password, got.Header, err)
	}
}

// FuzzStream: whatever comes down a stream, the view shows it or says what is wrong.
func FuzzStream(f *testing.F) {
	f.Add("event: snapshot\ndata: {\"version\":1,\"slot\":3,\"objects\":[{\"kind\":\"channel\",\"name\":\"a\",\"level\":null,\"trouble\":9,\"history\":{\"level\":[1,null]}}]}\n\n" +
		"event: update\ndata: {\"version\":1,\"slot\":99,\"objects\":[{\"kind\":\"pool\",\"name\":\"b\",\"trouble\":-1,\"limit\":1e308}],\"suspects\":[{\"name\":\"a\"}]}\n\n")
	f.Add("data: x\rdata:\n\n\n:\nevent\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		m := newModel(t.Context(), &client{}, order{by: byTrouble})
		m.c, _ = newClient("localhost", nil, false)
		m.stop, m.width, m.height = func() {}, 80, 24
		in := bufio.NewReader(strings.NewReader(text))
		for {
			name, data, err := readEvent(in)
			if err != nil {
				return
			}
			s, err := decode(data)
			if err != nil {
				continue
			}
			m.receive(eventMsg{0, event{name == "update", s}})
			for i := range m.now.Objects {
				o := m.now.Objects[i]
				o.Detail, o.Made = &live.Detail{Worst: []live.Member{{}}}, new(live.Made)
				m.detail = &o
				checkScreen(t, m)
			}
			m.detail = nil
			checkScreen(t, m)
		}
	})
}
