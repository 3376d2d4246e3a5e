package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/weir-go/weir/instrument"
)

var promQL = parser.NewParser(parser.Options{})

// labelSet is the labels that the series of an expression may have.
type labelSet map[string]bool

func labelsOf(names ...string) labelSet {
	s := make(labelSet)
	for _, n := range names {
		s[n] = true
	}
	return s
}

func (s labelSet) with(names ...string) labelSet {
	s = maps.Clone(s)
	for _, n := range names {
		s[n] = true
	}
	return s
}

func (s labelSet) without(names ...string) labelSet {
	s = maps.Clone(s)
	for _, n := range names {
		delete(s, n)
	}
	return s
}

// targetLabels are those that a scrape gives to every series.
var targetLabels = labelsOf("cluster", "namespace", "job", "instance", "pod")

// knownMetric is a metric that a rule may ask.
type knownMetric struct {
	labels  labelSet
	counter bool
	gauge   bool
	// base is the histogram that this is a series of, in its native or classic form.
	base string
}

// known is all metrics that rules may ask, by name.
type known map[string]knownMetric

// knownSeries takes weir's metrics from its table, those of others that the rules
// ask, and what the rules record.
func knownSeries(t *testing.T, rules []rulefmt.Rule) known {
	t.Helper()
	k := known{
		"go_memstats_heap_inuse_bytes":                {labels: targetLabels, gauge: true},
		"go_memory_used_bytes":                        {labels: targetLabels.with("go_memory_type"), gauge: true},
		"alertmanager_notifications_failed_total":     {labels: targetLabels.with("integration", "reason"), counter: true},
		"grafana_alerting_notifications_failed_total": {labels: targetLabels.with("integration", "reason", "org"), counter: true},
	}
	for _, d := range instrument.Metrics() {
		name, labels := d.PrometheusName(), targetLabels.with(d.Labels...)
		if d.Kind != instrument.HistogramKind {
			k[name] = knownMetric{labels: labels, counter: d.Kind == instrument.Counter, gauge: d.Kind == instrument.Gauge}
			continue
		}
		k[name] = knownMetric{labels: labels, counter: true, base: name}
		k[name+"_sum"] = knownMetric{labels: labels, counter: true, base: name}
		k[name+"_count"] = k[name+"_sum"]
		k[name+"_bucket"] = knownMetric{labels: labels.with("le"), counter: true, base: name}
	}
	for _, r := range rules {
		if r.Record == "" {
			continue
		}
		expr, err := promQL.ParseExpr(r.Expr)
		if err != nil {
			t.Fatalf("%s: %v", r.Record, err)
		}
		labels, _ := (&inspection{known: k}).labels(expr)
		k[r.Record] = knownMetric{labels: labels}
	}
	return k
}

// inspection collects what is wrong with one expression.
type inspection struct {
	known
	faults []string
}

func (x *inspection) fault(format string, args ...any) {
	x.faults = append(x.faults, fmt.Sprintf(format, args...))
}

// ruleFaults says what is wrong with a rule that Prometheus takes all the same.
func (k known) ruleFaults(r rulefmt.Rule) []string {
	expr, err := promQL.ParseExpr(r.Expr)
	if err != nil {
		return []string{err.Error()}
	}
	x := &inspection{known: k}
	x.selectors(expr, r)
	labels, _ := x.labels(expr)
	if r.Record != "" {
		return x.faults
	}
	if why := alwaysTrue(expr); why != "" {
		x.fault("%s", why)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Labels)) {
		if strings.Contains(r.Labels[name], "{{") {
			x.fault("label %s has a template: each value is another alert", name)
		}
	}
	x.subject(labels, r)
	return x.faults
}

// subject holds that an alert says what it is about: the labels that a page is
// grouped by, and those that list its processes.
func (x *inspection) subject(labels labelSet, r rulefmt.Rule) {
	need := []string{"cluster", "namespace", "job"}
	if r.Labels["kind"] != "" || labels["kind"] {
		need = append(need, "name")
	}
	if labels["instance"] || r.Labels["kind"] != "" {
		need = append(need, "instance", "pod")
	}
	for _, name := range need {
		if !labels[name] {
			x.fault("the alert is without %s", name)
		}
	}
}

// alwaysTrue says why an expression has an answer also where all is well.
func alwaysTrue(expr parser.Expr) string {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return alwaysTrue(e.Expr)
	case *parser.BinaryExpr:
		left, right := alwaysTrue(e.LHS), alwaysTrue(e.RHS)
		switch {
		case e.Op.IsComparisonOperator() && !e.ReturnBool, e.Op == parser.LUNLESS:
			return ""
		case e.Op == parser.LOR:
			if left != "" || right != "" {
				return "it is never false, in one of its branches"
			}
			return ""
		case left == "" || right == "": // and, and arithmetic, keep what both have
			return ""
		}
	case *parser.AggregateExpr:
		return alwaysTrue(e.Expr)
	case *parser.Call:
		for _, arg := range e.Args {
			if _, number := arg.(*parser.NumberLiteral); !number && alwaysTrue(arg) == "" {
				return ""
			}
		}
		if strings.HasPrefix(e.Func.Name, "absent") {
			return ""
		}
	}
	return "it is never false: it compares nothing"
}

// What a function over a range is for.
var (
	forCounters = []string{"rate", "irate", "increase", "resets"}
	forGauges   = []string{"deriv", "delta", "idelta", "predict_linear", "min_over_time", "max_over_time", "avg_over_time", "quantile_over_time"}
)

// selectors looks at what is asked, and through which function.
func (x *inspection) selectors(expr parser.Expr, r rulefmt.Rule) {
	native, classic := make(map[string]bool), make(map[string]bool)
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.AggregateExpr:
			if n.Op == parser.TOPK || n.Op == parser.BOTTOMK || n.Op == parser.LIMITK {
				x.fault("%s chooses anew at each evaluation, and each choice begins another alert", n.Op)
			}
		case *parser.BinaryExpr:
			if n.Op == parser.LUNLESS && r.For == 0 && asksThePast(n.LHS) && !asksThePast(n.RHS) {
				x.fault("true when something is gone without a for: a restart would page")
			}
		case *parser.Call:
			if strings.HasPrefix(n.Func.Name, "absent") && r.For == 0 {
				x.fault("absent without a for: a restart would page")
			}
			if slices.Contains(forCounters, n.Func.Name) {
				if _, sub := n.Args[0].(*parser.SubqueryExpr); sub {
					x.fault("%s of a sum, or of another expression, does not see resets", n.Func.Name)
				}
			}
		case *parser.VectorSelector:
			x.selector(n, path)
			m := x.known[n.Name]
			native[m.base] = native[m.base] || m.base == n.Name
			classic[m.base] = classic[m.base] || m.base != n.Name
		}
		return nil
	})
	for _, base := range slices.Sorted(maps.Keys(x.known)) {
		if native[base] != classic[base] && x.known[base].base == base {
			form := "native"
			if classic[base] {
				form = "classic"
			}
			x.fault("it asks %s as a %s histogram only", base, form)
		}
	}
}

func (x *inspection) selector(n *parser.VectorSelector, path []parser.Node) {
	m, ok := x.known[n.Name]
	if !ok {
		x.fault("it asks the unknown metric %s", n.Name)
		return
	}
	var over *parser.Call
	for _, p := range slices.Backward(path) {
		if call, isCall := p.(*parser.Call); isCall && over == nil {
			over = call
		}
	}
	_, inRange := path[len(path)-1].(*parser.MatrixSelector)
	switch {
	case m.gauge && !inRange:
		x.fault("it asks %s at one scrape, which may be an odd one, or be missing", n.Name)
	case inRange && over != nil && slices.Contains(forCounters, over.Func.Name) && !m.counter:
		x.fault("%s of %s, which is no counter", over.Func.Name, n.Name)
	case inRange && over != nil && slices.Contains(forGauges, over.Func.Name) && m.counter:
		x.fault("%s of %s, which is a counter", over.Func.Name, n.Name)
	}
}

// asksThePast reports whether all that an expression asks is as it was before.
func asksThePast(expr parser.Expr) bool {
	past := true
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			past = past && v.OriginalOffset > 0
		}
		return nil
	})
	return past
}

// labels works out which labels the series of an expression have, and notes where
// two vectors are put together that do not match. ok is false for a number.
func (x *inspection) labels(expr parser.Expr) (set labelSet, ok bool) {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return x.labels(e.Expr)
	case *parser.UnaryExpr:
		return x.labels(e.Expr)
	case *parser.SubqueryExpr:
		return x.labels(e.Expr)
	case *parser.MatrixSelector:
		return x.labels(e.VectorSelector)
	case *parser.VectorSelector:
		return x.known[e.Name].labels, true
	case *parser.AggregateExpr:
		inner, _ := x.labels(e.Expr)
		if e.Without {
			return inner.without(e.Grouping...), true
		}
		set := make(labelSet)
		for _, name := range e.Grouping {
			if inner[name] {
				set[name] = true
			}
		}
		return set, true
	case *parser.Call:
		for _, arg := range e.Args {
			if set, ok := x.labels(arg); ok {
				if e.Func.Name == "histogram_quantile" {
					set = set.without("le")
				}
				return set, true
			}
		}
	case *parser.BinaryExpr:
		return x.binary(e)
	}
	return nil, false
}

func (x *inspection) binary(e *parser.BinaryExpr) (labelSet, bool) {
	left, isLeft := x.labels(e.LHS)
	right, isRight := x.labels(e.RHS)
	switch {
	case !isLeft:
		return right, isRight
	case !isRight:
		return left, true
	}
	match := e.VectorMatching
	if match == nil {
		match = new(parser.VectorMatching)
	}
	if match.On {
		for _, name := range match.MatchingLabels {
			if left[name] != right[name] {
				x.fault("%s matches on %s, which one side has not", e.Op, name)
			}
		}
	} else {
		for name := range left.without(match.MatchingLabels...) {
			if !right[name] {
				x.fault("%s has %s on one side only", e.Op, name)
			}
		}
		for name := range right.without(match.MatchingLabels...) {
			if !left[name] {
				x.fault("%s has %s on one side only", e.Op, name)
			}
		}
	}
	return left.with(match.Include...), true
}
