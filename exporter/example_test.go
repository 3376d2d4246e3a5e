package exporter_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

// A program that has an HTTP server mounts the handler at /metrics.
func ExampleHandler() {
	registry := instrument.NewRegistry()
	orders := instrument.NewChan[int]("orders", 16, instrument.WithRegistry(registry))
	orders.Send(1)
	orders.Send(2)

	mux := http.NewServeMux()
	mux.Handle("/metrics", exporter.Handler(registry))

	response := httptest.NewRecorder()
	mux.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(response.Body.String()) {
		if strings.HasPrefix(line, "weir_channel_depth{") {
			fmt.Print(line)
		}
	}
	orders.Close()
	// Output: weir_channel_depth{name="orders"} 2
}

// A program that has no HTTP server lets Serve run beside its work.
func ExampleServe() {
	registry := instrument.NewRegistry()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	listening := make(chan net.Addr, 1)
	served := make(chan error, 1)
	go func() {
		served <- exporter.Serve(ctx, ":0",
			exporter.WithRegistry(registry),
			exporter.OnListen(func(a net.Addr) { listening <- a }))
	}()

	address := (<-listening).String()
	host, _, _ := net.SplitHostPort(address)
	fmt.Println("listening on", host)
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	fmt.Println(response.Status, strings.Contains(string(body), "weir_build_info"))

	stop()
	fmt.Println("ended with", <-served)
	// Output:
	// listening on 127.0.0.1
	// 200 OK true
	// ended with <nil>
}

// A job that ends before it can be scraped leaves a file to the node exporter.
func ExampleWriteTextfile() {
	registry := instrument.NewRegistry()
	rows := instrument.NewQueue[int]("rows", instrument.WithRegistry(registry))
	rows.Send(1)

	folder, err := os.MkdirTemp("", "textfile")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "nightly.prom")
	if err := exporter.WriteTextfile(path, registry, map[string]string{"batch": "nightly"}); err != nil {
		fmt.Println(err)
		return
	}
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "weir_channel_depth{") {
			fmt.Print(line)
		}
	}
	rows.Close()
	// Output: weir_channel_depth{batch="nightly",name="rows"} 1
}

// Or it pushes once, at the end.
func ExamplePush() {
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
	}))
	defer gateway.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := exporter.Push(ctx, gateway.URL, "nightly", instrument.NewRegistry()); err != nil {
		fmt.Println(err)
	}
	// Output: PUT /metrics/job/nightly
}
