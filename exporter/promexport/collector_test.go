package promexport_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// pedantic returns a registry that checks what a collector hands out.
func pedantic(t *testing.T, r *instrument.Registry) *prometheus.Registry {
	t.Helper()
	p := prometheus.NewPedanticRegistry()
	if err := p.Register(promexport.NewCollector(r)); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDepthIsTrue fills a channel, drains it, and compares what is exported with
// what the channel really holds, for each way of wrapping.
func TestDepthIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := instrument.NewRegistry()
		with := instrument.WithRegistry(r)
		made := instrument.NewChan[int]("made", 64, with)
		native := make(chan int, 64)
		wrapped := instrument.WrapChan("wrapped", native, with)
		watched := instrument.Watch("watched", make(chan int, 64), with)
		queue := instrument.NewQueue[int]("queue", with)
		p := pedantic(t, r)
		check := func(name string, held int) {
			t.Helper()
			if got := value(t, p, "weir_channel_depth", name); got != float64(held) {
				t.Errorf("exported depth of %s = %v, it holds %d", name, got, held)
			}
		}
		checkAll := func() {
			t.Helper()
			time.Sleep(time.Second) // native channels are looked at once a second
			check("made", made.Len())
			check("wrapped", len(native))
			check("watched", len(watched))
			check("queue", queue.Len())
		}
		for i := range 64 {
			made.Send(i)
			wrapped.Send(i)
			watched <- i
			queue.Send(i)
			if i%9 == 0 {
				checkAll()
			}
		}
		checkAll()
		for i := range 64 {
			made.Recv()
			<-native
			<-watched
			queue.Recv()
			if i%9 == 0 {
				checkAll()
			}
		}
		checkAll()
	})
}

func value(t *testing.T, g prometheus.Gatherer, metric, name string) float64 {
	t.Helper()
	for _, m := range family(t, g, metric).GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "name" && l.GetValue() == name {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no %s{name=%q}", metric, name)
	return 0
}

func family(t *testing.T, g prometheus.Gatherer, metric string) *dto.MetricFamily {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == metric {
			return f
		}
	}
	t.Fatalf("no %s", metric)
	return nil
}

// TestHostileNames exports names that could break an exposition, and parses what
// comes out.
func TestHostileNames(t *testing.T) {
	r := instrument.NewRegistry()
	names := []string{`qu"ote`, "new\nline", "bad\xff\xfeutf8", `back\slash`, "nul\x00", "{le=\"1\"} 7", strings.Repeat("x", 4096), "\u2028"}
	keep := make([]*instrument.Chan[int], 0, len(names))
	for _, n := range names {
		keep = append(keep, instrument.NewChan[int](n, 1, instrument.WithRegistry(r), instrument.WithOwner(n)))
	}
	text := encode(t, pedantic(t, r), expfmt.NewFormat(expfmt.TypeTextPlain))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if got := len(parsed["weir_channel_depth"].GetMetric()); got != len(names) {
		t.Errorf("%d depth series, want %d", got, len(names))
	}
	for _, c := range keep {
		c.Close()
	}
}
