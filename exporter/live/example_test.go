package live_test

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/weir-go/weir/exporter/live"
	"github.com/weir-go/weir/instrument"
)

// A program that has a server for debugging mounts the page beside pprof.
func ExampleHandler() {
	registry := instrument.NewRegistry() // most programs have the default one, which is nil here
	jobs := instrument.NewChan[string]("jobs", 128, instrument.WithRegistry(registry))
	jobs.Send("the first")
	defer jobs.Close()

	mux := http.NewServeMux()
	mux.Handle(live.Path, live.Handler(registry))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://localhost"+live.Path+"snapshot", nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	// Output: 200 application/json
}

// Where others can reach the port, a password says who may look.
func ExampleWithAuthorize() {
	handler := live.Handler(nil, live.WithAuthorize(func(r *http.Request) bool {
		_, password, _ := r.BasicAuth()
		return subtle.ConstantTimeCompare([]byte(password), []byte("correct horse")) == 1
	}))
	for _, password := range []string{"guess", "correct horse"} {
		answer, request := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://localhost"+live.Path+"snapshot", nil)
		request.SetBasicAuth("me", password)
		handler.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	// Output:
	// 401
	// 200
}

// Behind a proxy that keeps the name under which it is reached, that name is to be
// known; all others are refused then.
func ExampleWithHosts() {
	handler := live.Handler(nil, live.WithHosts("weir.example.com"))
	for _, host := range []string{"weir.example.com", "attacker.example"} {
		answer, request := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://"+host+live.Path+"snapshot", nil)
		handler.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	// Output:
	// 200
	// 403
}
