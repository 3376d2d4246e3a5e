package live

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/instrument"
)

// TestGuard holds who may look.
func TestGuard(t *testing.T) {
	loopback, outside := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	on := func(a net.Addr) func(*http.Request) {
		return func(r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, a))
		}
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	asked := 0
	password := WithAuthorize(func(r *http.Request) bool {
		asked++
		_, p, ok := r.BasicAuth()
		return ok && p == "right"
	})
	tests := map[string]struct {
		opts   []Option
		change []func(*http.Request)
		want   int
	}{
		"localhost":                   {nil, []func(*http.Request){on(loopback), host("localhost:8080")}, 200},
		"an address":                  {nil, []func(*http.Request){on(loopback), host("127.0.0.1")}, 200},
		"an address of six":           {nil, []func(*http.Request){on(loopback), host("[::1]:8080")}, 200},
		"a name under localhost":      {nil, []func(*http.Request){on(loopback), host("weir.localhost.")}, 200},
		"a rebound name":              {nil, []func(*http.Request){on(loopback), host("evil.example:8080")}, 403},
		"a name that looks local":     {nil, []func(*http.Request){on(loopback), host("localhost.evil.example")}, 403},
		"no host":                     {nil, []func(*http.Request){on(loopback), host("")}, 403},
		"where nobody knows":          {nil, []func(*http.Request){host("evil.example")}, 403},
		"beyond loopback":             {nil, []func(*http.Request){on(outside), host("box.example")}, 200},
		"a Unix socket":               {nil, []func(*http.Request){on(&net.UnixAddr{}), host("whatever")}, 200},
		"a host of the list":          {[]Option{WithHosts("a.example", "Box.example")}, []func(*http.Request){on(outside), host("box.EXAMPLE:80")}, 200},
		"a host of the list, proxied": {[]Option{WithHosts("box.example")}, []func(*http.Request){on(loopback), host("box.example")}, 200},
		"a host not of the list":      {[]Option{WithHosts("box.example")}, []func(*http.Request){on(outside), host("evil.example")}, 403},

		"own origin":          {nil, []func(*http.Request){header("Origin", "http://localhost:8080"), header("Sec-Fetch-Site", "same-origin")}, 200},
		"other origin":        {nil, []func(*http.Request){header("Origin", "http://evil.example")}, 403},
		"other port":          {nil, []func(*http.Request){header("Origin", "http://localhost:8081")}, 403},
		"no origin's origin":  {nil, []func(*http.Request){header("Origin", "null")}, 403},
		"two origins":         {nil, []func(*http.Request){header("Origin", "http://localhost:8080", "http://evil.example")}, 403},
		"broken origin":       {nil, []func(*http.Request){header("Origin", "http://%zz")}, 403},
		"other site":          {nil, []func(*http.Request){header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "no-cors")}, 403},
		"other site, framed":  {nil, []func(*http.Request){header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "navigate"), header("Sec-Fetch-Dest", "iframe")}, 403},
		"a link from Grafana": {nil, []func(*http.Request){header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "navigate"), header("Sec-Fetch-Dest", "document")}, 200},
		"typed":               {nil, []func(*http.Request){header("Sec-Fetch-Site", "none")}, 200},

		"no password":    {[]Option{password}, nil, 401},
		"wrong password": {[]Option{password}, []func(*http.Request){func(r *http.Request) { r.SetBasicAuth("me", "wrong") }}, 401},
		"right password": {[]Option{password}, []func(*http.Request){func(r *http.Request) { r.SetBasicAuth("me", "right") }}, 200},
		"nothing set":    {[]Option{nil, WithAuthorize(nil)}, nil, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := Handler(newRegistry(), tt.opts...)
			for _, path := range []string{Path, Path + "snapshot", Path + "events", Path + "nothing"} {
				want := tt.want
				if want == 200 && strings.HasSuffix(path, "nothing") {
					want = 404
				}
				ended, cancel := context.WithCancel(t.Context()) // streams end after the first event
				cancel()
				w := get(h, path, append([]func(*http.Request){func(r *http.Request) { *r = *r.WithContext(ended) }}, tt.change...)...)
				body := w.Body.String()
				if w.Code != want || want != 200 && (strings.Count(body, "\n") != 1 || strings.Contains(body, "version")) {
					t.Errorf("%s answers %d, %q; want %d", path, w.Code, body, want)
				}
				if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
					t.Errorf("%d asks for %q", w.Code, w.Header().Get("WWW-Authenticate"))
				}
				checkHeaders(t, path, w.Header())
			}
		})
	}
	if asked != 12 {
		t.Errorf("authorization was asked for %d times, want once for each of 12 requests", asked)
	}
}

// checkHeaders holds what keeps other sites away.
func checkHeaders(t *testing.T, path string, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "no-referrer",
		"Cache-Control":                "no-store",
	} {
		if got := h.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s has %s %q, want %q", path, name, got, want)
		}
	}
	if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("%s has the policy %s", path, policy)
	}
	if got := h.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("%s may be read by %s", path, got)
	}
}

func TestAnswers(t *testing.T) {
	r := newRegistry()
	c := instrument.NewChan[string]("a&b <script>", 4, instrument.WithRegistry(r), instrument.WithOwner("game"))
	c.Send("the message itself")
	defer c.Close()
	h := Handler(r)
	for path, want := range map[string]struct {
		code int
		kind string
	}{
		"":             {200, "text/html"},
		"snapshot":     {200, "application/json"},
		"snapshot?x=1": {200, "application/json"},
		"snapshot?kind=channel&name=" + url.QueryEscape("a&b <script>"): {200, "application/json"},
		"snapshot?kind=pool&name=" + url.QueryEscape("a&b <script>"):    {404, "text/plain"},
		"snapshot?kind=channel": {404, "text/plain"},
		"snapshot/":             {200, "text/html"}, // wherever it is mounted
		"nothing":               {404, "text/plain"},
	} {
		w := get(h, Path+path)
		body := w.Body.String()
		if w.Code != want.code || !strings.HasPrefix(w.Header().Get("Content-Type"), want.kind) {
			t.Errorf("%s answers %d, %s: %.200s", path, w.Code, w.Header().Get("Content-Type"), body)
		}
		if strings.Contains(body, "the message itself") || strings.Contains(body, "<script>\n") && want.kind != "text/html" {
			t.Errorf("%s tells too much: %s", path, body)
		}
		if want.kind == "application/json" {
			o := find(t, decode(t, []byte(body)), "a&b <script>")
			if o.Level != 1 || o.Limit != 4 || o.Owner != "game" || o.Elem != "string" || (o.Detail != nil) != strings.Contains(path, "name=") {
				t.Errorf("%s has %+v", path, o)
			}
		}
	}
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodOptions: 405, "BREW": 405} {
		for _, path := range []string{"", "snapshot", "events"} {
			w := get(h, Path+path, func(r *http.Request) { r.Method = method })
			if w.Code != want || (want == 405) != (w.Header().Get("Allow") == "GET, HEAD") {
				t.Errorf("%s %s answers %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

// TestPage holds that it needs nothing besides, and runs nothing but what is in it.
func TestPage(t *testing.T) {
	w := get(Handler(newRegistry()), Path)
	body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	if n := w.Body.Len(); n > 150<<10 || n < 5<<10 {
		t.Errorf("the page has %d bytes", n)
	}
	for _, what := range []string{"http://", "https://", "//cdn", "@import", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", " onclick=", "*style*", "*script*"} {
		if strings.Contains(strings.ReplaceAll(body, "http://www.w3.org/2000/svg", ""), what) {
			t.Errorf("the page has %q", what)
		}
	}
	for _, inline := range []string{between(body, "<style>", "</style>"), between(body, "<script>", "</script>")} {
		if inline == "" || !strings.Contains(policy, hashOf([]byte(inline))) {
			t.Errorf("the policy %q does not allow what is in the page: %.60q", policy, inline)
		}
	}
}

func between(s, start, end string) string {
	_, s, _ = strings.Cut(s, start)
	s, _, _ = strings.Cut(s, end)
	return s
}

// TestStream follows a real server, whose own time-out for an answer is long over,
// and then shuts it down.
func TestStream(t *testing.T) {
	r := newRegistry()
	c := instrument.NewChan[int]("moves", 100, instrument.WithRegistry(r))
	defer c.Close()
	server := httptest.NewUnstartedServer(Handler(r))
	server.Config.WriteTimeout = time.Nanosecond
	server.Start()
	defer server.Close()
	streams := make([]*bufio.Reader, 3)
	for i := range streams {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+Path+"events", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%s, %v", response.Status, response.Header)
		}
		streams[i] = bufio.NewReader(response.Body)
		if e := readEvent(t, streams[i]); e.name != "snapshot" || e.Program == nil || find(t, e.Snapshot, "moves").Made == nil {
			t.Errorf("a stream begins with %+v", e)
		}
	}
	c.Send(1)
	e := readEvent(t, streams[0])
	for len(e.Objects) == 0 { // read before the send
		e = readEvent(t, streams[0])
	}
	if o := find(t, e.Snapshot, "moves"); e.name != "update" || o.Level != 1 || o.Made != nil || o.History != nil {
		t.Errorf("and goes on with %+v", e)
	}
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Errorf("the server does not end: %v", err)
	}
}

// TestTooManyStreams refuses what would be too much, and lets in again.
func TestTooManyStreams(t *testing.T) {
	h := Handler(newRegistry()).(*handler)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	stream := func(r *http.Request) { *r = *r.WithContext(ended) }
	h.streams.open = maxStreams
	if w := get(h, Path+"events", stream); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("answers %d", w.Code)
	}
	h.streams.open--
	for range 3 {
		if w := get(h, Path+"events", stream); w.Code != 200 {
			t.Errorf("answers %d", w.Code)
		}
	}
	if h.streams.open != maxStreams-1 {
		t.Errorf("%d streams are counted as open", h.streams.open)
	}
}

// FuzzRequest: whatever is asked, there is an answer, and never somebody else's page.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "snapshot", "kind=channel&name=moves", "localhost:8080", "", "same-origin", "")
	f.Add("HEAD", "", "", "[::1]", "http://[::1]", "none", "navigate")
	f.Add("GET", "%2e%2e/events", "name=%ff&name=2&%", "a.example:99999", "http://a.example:99999", "cross-site", "navigate")
	f.Add("POST", "snapshot/x", "&&;=", "", "null", "\x00", "cors")
	r := newRegistry()
	c := instrument.NewChan[int]("moves", 1, instrument.WithRegistry(r))
	f.Cleanup(c.Close)
	h := Handler(r, WithHosts("a.example"))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	f.Fuzz(func(t *testing.T, method, path, query, host, origin, site, mode string) {
		request := &http.Request{Method: method, URL: &url.URL{Path: Path + path, RawQuery: query}, Host: host,
			Header: http.Header{"Origin": {origin}, "Sec-Fetch-Site": {site}, "Sec-Fetch-Mode": {mode}}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request.WithContext(ended))
		checkHeaders(t, path, w.Header())
		switch {
		case w.Code == 200 && w.Header().Get("Content-Type") == "application/json":
			if body := w.Body.Bytes(); !json.Valid(body) && method == http.MethodGet {
				t.Errorf("no JSON: %s", body)
			}
		case w.Code == 200:
		case w.Code >= 400 && w.Code < 500:
			if text := strings.TrimSuffix(w.Body.String(), "\n"); !strings.HasPrefix(text, "weir: ") {
				t.Errorf("%d says %q", w.Code, text)
			}
		default:
			t.Errorf("answers %d", w.Code)
		}
	})
}
