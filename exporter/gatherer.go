package exporter

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// gatherer gathers the measurements, and apart from them the rest, so that what
// is late does not hold up what is not.
type gatherer struct {
	measured prometheus.Gatherer
	rest     *prometheus.Registry

	mu      sync.Mutex
	current *gathering
}

// gathering is one that is under way. All that come meanwhile wait for it, so
// there is never more than one, however long it takes.
type gathering struct {
	done     chan struct{}
	families []*dto.MetricFamily
	err      error
}

func newGatherer(r *instrument.Registry) *gatherer {
	measured, rest := prometheus.NewRegistry(), prometheus.NewRegistry()
	measured.MustRegister(promexport.NewCollector(r))
	rest.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &gatherer{measured: measured, rest: rest}
}

// gatherUntil is a gatherer with the time that it has.
type gatherUntil struct {
	*gatherer
	ctx context.Context
}

func (g *gatherer) within(ctx context.Context) gatherUntil { return gatherUntil{g, ctx} }

var errLate = errors.New("weir: the measurements were not ready before the scrape's time-out")

// Gather implements prometheus.Gatherer. What it returns is shared with others
// who gather at the same time, and is not to be changed.
func (g gatherUntil) Gather() ([]*dto.MetricFamily, error) {
	rest, err := g.rest.Gather()
	running := g.join()
	select {
	case <-running.done:
	case <-g.ctx.Done():
		return rest, errors.Join(err, errLate)
	}
	all := slices.Concat(rest, running.families)
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all, errors.Join(err, running.err)
}

// join returns the gathering that is under way, and begins one if there is none.
func (g *gatherer) join() *gathering {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current == nil {
		running := &gathering{done: make(chan struct{})}
		g.current = running
		go g.run(running)
	}
	return g.current
}

func (g *gatherer) run(running *gathering) {
	running.families, running.err = g.measured.Gather()
	g.mu.Lock()
	g.current = nil
	g.mu.Unlock()
	close(running.done)
}
