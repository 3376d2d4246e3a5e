package live

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
	"weak"
)

const (
	// maxStreams is how many may be looked at at once.
	maxStreams = 256
	// patient is how long a reader may take for one event. Meanwhile it misses
	// those that come, and then it has the latest.
	patient = 10 * time.Second
)

// serveEvents sends the latest reading as often as there is a new one: an event
// "snapshot" first, and an "update" with what changed after each that arrived.
//
// See https://html.spec.whatwg.org/multipage/server-sent-events.html for the format.
func (h *handler) serveEvents(w http.ResponseWriter, r *http.Request) {
	ctx, leave, ok := h.streams.enter(r)
	if !ok {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "weir: "+strconv.Itoa(maxStreams)+" are looking already, try again later", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for nginx, which would hold it back
	if r.Method == http.MethodHead {
		return
	}
	out := http.NewResponseController(w)
	for had := uint64(0); ; {
		f, update, body := h.hub.latest(had)
		had = f.n
		// A server's own limit is for a whole answer, and this one has no end.
		// Where there is none to set, a reader who is gone is noticed by TCP.
		_ = out.SetWriteDeadline(time.Now().Add(patient))
		if send(w, update, body) != nil || out.Flush() != nil {
			return
		}
		if !f.wait(ctx) {
			return
		}
	}
}

func send(w http.ResponseWriter, update bool, body []byte) error {
	head := "event: snapshot\ndata: "
	if update {
		head = "event: update\ndata: "
	}
	for _, part := range [][]byte{[]byte(head), body, []byte("\n\n")} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// wait waits until there is a newer reading, or it is time to make one; false: ctx
// is done.
func (f *frame) wait(ctx context.Context) bool {
	due := time.NewTimer(time.Until(f.at.Add(interval)))
	defer due.Stop()
	select {
	case <-f.replaced:
	case <-due.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// streams are those that are open. They end when the server that they came by shuts
// down: http.Server.Shutdown waits for what is under way, and they have no end.
type streams struct {
	mu      sync.Mutex
	open    int
	servers map[weak.Pointer[http.Server]]context.Context // done when it shuts down
}

// enter returns a context that is done with the request or with its server, and what
// is to be called at the end; ok is false where there are too many.
func (s *streams) enter(r *http.Request) (ctx context.Context, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= maxStreams {
		return nil, nil, false
	}
	s.open++
	ctx, cancel := context.WithCancel(r.Context())
	stop := func() bool { return true }
	if server, has := r.Context().Value(http.ServerContextKey).(*http.Server); has {
		stop = context.AfterFunc(s.untilShutdown(server), cancel)
	}
	return ctx, func() {
		stop()
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
	}, true
}

// untilShutdown returns a context that is done when a server shuts down, which has
// to be asked for once. The caller holds s.mu.
func (s *streams) untilShutdown(server *http.Server) context.Context {
	key := weak.Make(server)
	if ctx, known := s.servers[key]; known {
		return ctx
	}
	if s.servers == nil {
		s.servers = make(map[weak.Pointer[http.Server]]context.Context)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server.RegisterOnShutdown(cancel)
	s.servers[key] = ctx
	return ctx
}
