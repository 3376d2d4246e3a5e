package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// webhook is a stand-in for the way by which it is told that pages do not arrive.
type webhook struct {
	*httptest.Server
	mu   sync.Mutex
	told []notice
}

// notice is what Alertmanager sends to a webhook.
type notice struct {
	Status string
	Alerts []struct{ Labels, Annotations map[string]string }
}

func startWebhook(t *testing.T) *webhook {
	t.Helper()
	h := new(webhook)
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// ServeHTTP takes a notice.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var n notice
	if err := json.Unmarshal(body, &n); err != nil || len(n.Alerts) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, n)
}

// all returns what was told.
func (h *webhook) all() []notice {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]notice(nil), h.told...)
}
