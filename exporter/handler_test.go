package exporter

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/weir-go/weir/instrument"
)

// late is a gatherer that does not answer until told.
type late struct{ answer chan struct{} }

func (l late) Gather() ([]*dto.MetricFamily, error) {
	<-l.answer
	name, help, kind := "weir_late", "Help.", dto.MetricType_GAUGE
	return []*dto.MetricFamily{{Name: &name, Help: &help, Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: new(float64)}}}}}, nil
}

func newLate() (*handler, late) {
	rest := prometheus.NewRegistry()
	rest.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "prompt", Help: "Help."}))
	l := late{make(chan struct{})}
	return &handler{gatherer: &gatherer{measured: l, rest: rest}, places: make(chan struct{}, maxScrapes)}, l
}

func scrape(h http.Handler, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer
}

// TestLate: measurements that are not ready in time must not keep the rest away.
func TestLate(t *testing.T) {
	for header, within := range map[string]time.Duration{
		"2": 2 * time.Second, "0.5": 500 * time.Millisecond, "": 10 * time.Second, "1e300": 25 * time.Second,
		"-1": 10 * time.Second, "0": 10 * time.Second, "NaN": 10 * time.Second, "soon": 10 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			h, l := newLate()
			start := time.Now()
			first := scrape(h, scrapeHeader, header)
			if took := time.Since(start); took >= within || took < within/2 {
				t.Errorf("time-out %q: answered after %v", header, took)
			}
			if body := first.Body.String(); first.Code != http.StatusOK || !strings.Contains(body, "prompt 0") || strings.Contains(body, "weir_late") {
				t.Errorf("time-out %q: %d\n%s", header, first.Code, body)
			}
			close(l.answer)
			synctest.Wait()
			second := scrape(h, scrapeHeader, header).Body.String()
			for _, want := range []string{"weir_late 0", "prompt 0", `promhttp_metric_handler_errors_total{cause="gathering"} 1`} {
				if !strings.Contains(second, want) {
					t.Errorf("no %q in\n%s", want, second)
				}
			}
		})
	}
}

// TestLateOnes all wait for the same gathering, and one more is turned away.
func TestLateOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, l := newLate()
		var waiting sync.WaitGroup
		for range maxScrapes {
			waiting.Go(func() {
				if answer := scrape(h); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "weir_late 0") {
					t.Errorf("%d %s", answer.Code, answer.Body)
				}
			})
		}
		synctest.Wait()
		if answer := scrape(h); answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "try again later") {
			t.Errorf("one too many: %d %s", answer.Code, answer.Body)
		}
		close(l.answer)
		waiting.Wait()
		if answer := scrape(h); answer.Code != http.StatusOK {
			t.Errorf("afterwards: %d %s", answer.Code, answer.Body)
		}
	})
}

func TestNegotiation(t *testing.T) {
	r := instrument.NewRegistry()
	c := instrument.NewChan[int]("c", 3, instrument.WithRegistry(r))
	c.Send(1)
	h := Handler(r)
	for accept, want := range map[string]string{
		"": "text/plain",
		"application/openmetrics-text;version=1.0.0,text/plain;q=0.5":                                                                             "application/openmetrics-text",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;q=0.8,*/*;q=0.1": "application/vnd.google.protobuf",
	} {
		answer := scrape(h, "Accept", accept)
		if got := answer.Header().Get("Content-Type"); answer.Code != http.StatusOK || !strings.HasPrefix(got, want) {
			t.Errorf("Accept %q: %d with %s, want %s", accept, answer.Code, got, want)
		}
		if body := answer.Body.String(); strings.Contains(body, "_created") && !strings.Contains(body, "weir_channel_created") {
			t.Errorf("Accept %q: created times as series of their own", accept)
		}
	}
	open := scrape(h, "Accept", "application/openmetrics-text").Body.String()
	if !strings.HasSuffix(open, "# EOF\n") || !strings.Contains(open, `weir_channel_depth{name="c"} 1.0`) {
		t.Errorf("not OpenMetrics: %.200s", open)
	}
	c.Close()
}

func TestCompression(t *testing.T) {
	h := Handler(instrument.NewRegistry())
	answer := scrape(h, "Accept-Encoding", "gzip")
	if got := answer.Header().Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding %q", got)
	}
	unzipped, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil || !strings.Contains(string(text), "weir_build_info") {
		t.Errorf("%v in %.200s", err, text)
	}
	if got := scrape(h).Header().Get("Content-Encoding"); got != "" {
		t.Errorf("compressed with %s for one who did not ask", got)
	}
}
