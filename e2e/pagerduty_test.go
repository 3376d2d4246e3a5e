package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// pagerDuty is a stand-in for PagerDuty's Events API v2. It is as strict as the
// original about what an event must have: it answers 400 and takes nothing.
type pagerDuty struct {
	*httptest.Server
	mu      sync.Mutex
	events  []event
	refused []string
	// trouble is what events of a class are answered before one is taken: a status,
	// or dropped.
	trouble map[string][]int
}

// dropped is the answer of a server that closes the connection.
const dropped = 0

// event is what PagerDuty is told.
type event struct {
	RoutingKey  string `json:"routing_key"`
	DedupKey    string `json:"dedup_key"`
	EventAction string `json:"event_action"`
	Client      string `json:"client"`
	ClientURL   string `json:"client_url"`
	Payload     struct {
		Summary, Source, Severity, Class, Component, Group string
		CustomDetails                                      map[string]any `json:"custom_details"`
	}
	Links []struct{ Href, Text string }
}

func startPagerDuty(t *testing.T) *pagerDuty {
	t.Helper()
	p := new(pagerDuty)
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP takes an event.
func (p *pagerDuty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 512<<10))
	var e event
	err := json.Unmarshal(body, &e)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || r.URL.Path != "/v2/enqueue" || !e.complete() {
		p.refused = append(p.refused, r.URL.Path+" "+string(body))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"status":"invalid event"}`)
		return
	}
	if first := p.trouble[e.Payload.Class]; len(first) > 0 {
		p.trouble[e.Payload.Class] = first[1:]
		if first[0] == dropped {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(first[0])
		return
	}
	p.events = append(p.events, e)
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"success"}`)
}

// complete reports whether the event has what the API requires.
func (e event) complete() bool {
	if e.RoutingKey == "" || e.DedupKey == "" {
		return false
	}
	switch e.EventAction {
	case "resolve":
		return true
	case "trigger":
		switch e.Payload.Severity {
		case "critical", "error", "warning", "info":
			return e.Payload.Summary != "" && e.Payload.Source != ""
		}
	}
	return false
}

// find returns the first event of an action and class, resolve events by the
// dedup key of their trigger.
func (p *pagerDuty) find(action string, match func(event) bool) (event, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.EventAction == action && match(e) {
			return e, true
		}
	}
	return event{}, false
}

// all returns the events of an action.
func (p *pagerDuty) all(action string) (all []event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.EventAction == action {
			all = append(all, e)
		}
	}
	return all
}

// failures returns what was refused.
func (p *pagerDuty) failures() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.refused...)
}
