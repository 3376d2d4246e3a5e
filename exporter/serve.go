package exporter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/weir-go/weir/exporter/live"
	"github.com/weir-go/weir/instrument"
)

// shutdownGrace is how long Serve lets scrapes finish that are under way.
const shutdownGrace = 5 * time.Second

// Option configures Serve.
type Option func(*config)

type config struct {
	registry *instrument.Registry
	onListen func(net.Addr)
	live     []live.Option
	anywhere bool // the live page beyond loopback too
}

// WithRegistry serves r instead of instrument.Default().
func WithRegistry(r *instrument.Registry) Option {
	return func(c *config) { c.registry = r }
}

// OnListen calls f with the bound address before the first request is accepted:
// the way to learn the port where addr has port 0.
func OnListen(f func(net.Addr)) Option {
	return func(c *config) { c.onListen = f }
}

// WithLive serves the live page, which Serve has on loopback alone, on any address,
// and sets who may see it: it names the program's insides, so where others reach the
// address give it live.WithAuthorize.
func WithLive(opts ...live.Option) Option {
	return func(c *config) { c.anywhere, c.live = true, append(c.live, opts...) }
}

// Serve serves /metrics on addr, and if that is a loopback address the live page
// under live.Path, until ctx is done. Then it returns nil after the requests under
// way have ended, at most 5 seconds later. An addr without a host, such as ":9090",
// listens on loopback only: the metrics name the program's insides, so other hosts
// see them only where addr says so, as "0.0.0.0:9090" does. It returns an error at
// once if addr is bad or in use. A nil ctx is never done.
func Serve(ctx context.Context, addr string, opts ...Option) error {
	var cfg config
	for _, o := range opts {
		if o != nil {
			o(&cfg)
		}
	}
	if ctx == nil {
		ctx = context.Background()
	}
	listener, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	if cfg.onListen != nil {
		cfg.onListen(listener.Addr())
	}
	return serve(ctx, listener, newMux(cfg, listener.Addr()))
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("weir: address %q is not host:port, such as 127.0.0.1:8080: %w", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("weir: cannot serve metrics: %w", err)
	}
	return listener, nil
}

func newMux(cfg config, addr net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", Handler(cfg.registry))
	links := `<p><a href="/metrics">metrics</a>`
	if at, ok := addr.(*net.TCPAddr); cfg.anywhere || ok && at.IP.IsLoopback() {
		mux.Handle(live.Path, live.Handler(cfg.registry, cfg.live...))
		links = `<p><a href="` + live.Path + `">live</a>` + links
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>weir</title><h1>weir</h1>"+links)
	})
	return mux
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	err := server.Serve(listener)
	if stop() { // ctx is not done: Serve failed by itself
		return fmt.Errorf("weir: metrics server: %w", err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("weir: metrics server did not end within %v: %w", shutdownGrace, err)
	}
	return nil
}
