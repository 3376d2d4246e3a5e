package live

import (
	"net/http"
	"path"
	"strings"

	"github.com/weir-go/weir/instrument"
)

// Path is where the page is mounted, if nothing speaks against it.
const Path = "/debug/weir/"

// Option configures Handler.
type Option func(*config)

type config struct {
	authorize func(*http.Request) bool
	hosts     []string
}

// WithAuthorize asks ok about every request, for the page and for its data. Where
// it returns false the answer is 401 and asks for a user and a password, so that a
// browser and weir top can have them from whoever looks; ok may look at
// Request.BasicAuth, or at anything else. A stream is asked about when it begins.
func WithAuthorize(ok func(*http.Request) bool) Option {
	return func(c *config) { c.authorize = ok }
}

// WithHosts names the hosts, without ports, under which the page is reached besides
// localhost and addresses, and refuses all others. Without it any host will do, but
// not where a request comes in on loopback: there another host is either a proxy on
// this machine, which is to be named, or a page that somebody else made this
// browser take for its own (DNS rebinding).
func WithHosts(hosts ...string) Option {
	return func(c *config) { c.hosts = append(c.hosts, hosts...) }
}

// Handler returns a handler for the live page of r and its data. Mount it at
// [Path], or at any other path that ends in a slash:
//
//	mux.Handle(live.Path, live.Handler(nil))
//
// A nil r is instrument.Default(). Have one handler for a registry: those who look at
// the same handler share one reading a second.
func Handler(r *instrument.Registry, opts ...Option) http.Handler {
	var cfg config
	for _, o := range opts {
		if o != nil {
			o(&cfg)
		}
	}
	return &handler{config: cfg, hub: newHub(r)}
}

type handler struct {
	config
	hub     *hub
	streams streams
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if code, why := h.refuse(r); code != 0 {
		if code == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="weir", charset="UTF-8"`)
		}
		http.Error(w, "weir: "+why, code)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "weir: there is nothing to change here", http.StatusMethodNotAllowed)
		return
	}
	switch _, file := path.Split(r.URL.Path); file {
	case "":
		servePage(w)
	case "snapshot":
		h.serveSnapshot(w, r)
	case "events":
		h.serveEvents(w, r)
	default:
		http.Error(w, "weir: there is no "+strings.ToValidUTF8(file, "?")+" here", http.StatusNotFound)
	}
}

// serveSnapshot answers with everything, or with one object: ?kind=channel&name=moves.
func (h *handler) serveSnapshot(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	kind, name := query.Get("kind"), query.Get("name")
	var body []byte
	if kind == "" && name == "" {
		_, _, body = h.hub.latest(0)
	} else {
		var ok bool
		if body, ok = h.hub.detail(kind, name); !ok {
			http.Error(w, "weir: there is no such object; ask for ?kind=channel&name=NAME, or semaphore, or pool", http.StatusNotFound)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
