package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/weir-go/weir/internal/selector"
)

// templated is the data source that the reader of a board has chosen.
var templated = common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}

// filter is a variable of every board that filters by the label of its name.
type filter struct {
	label, title, description string
	// all is what the label must match when nothing is chosen. Not every
	// setup has clusters and namespaces; then .+ would empty the board.
	all string
}

var filters = []filter{
	{"cluster", "Cluster", "Empty where the series have no such label.", ".*"},
	{"namespace", "Namespace", "Empty where the series have no such label.", ".*"},
	{"job", "Service", "The job label: what runs the program.", ".+"},
	{"instance", "Instance", "The process.", ".+"},
}

// variables returns the variables of a board. Each offers the values that
// exist under the ones before it.
func (s settings) variables(name nameFilter) []cog.Builder[dashboard.VariableModel] {
	all := []cog.Builder[dashboard.VariableModel]{s.datasourceVariable()}
	matchers := s.selector
	for _, f := range filters {
		query := fmt.Sprintf("label_values(%s, %s)", series(s.metricPrefix+"weir_build_info", matchers), f.label)
		all = append(all, queryVariable(f.label, f.title, f.description, query).
			Multi(true).IncludeAll(true).AllValue(f.all).Current(everything))
		matchers = append(matchers[:len(matchers):len(matchers)], selector.Matcher{Label: f.label, Op: "=~", Value: "$" + f.label})
	}
	return append(all, s.nameVariable(name, matchers))
}

func (s settings) datasourceVariable() cog.Builder[dashboard.VariableModel] {
	v := dashboard.NewDatasourceVariableBuilder("datasource").
		Label("Data source").Description("Where the metrics are.").Type("prometheus")
	if s.datasource == "" {
		return v.Current(option("default"))
	}
	return v.Current(option(s.datasource))
}

// nameFilter says which objects the variable "name" of a board offers.
type nameFilter struct {
	title string
	kind  string // channel, semaphore or pool; empty offers them all, and any number can be chosen
}

func (s settings) nameVariable(n nameFilter, matchers []selector.Matcher) cog.Builder[dashboard.VariableModel] {
	if n.kind != "" {
		matchers = append(matchers[:len(matchers):len(matchers)], selector.Matcher{Label: "kind", Op: "=", Value: n.kind})
	}
	query := fmt.Sprintf("label_values(%s, name)", series(s.metricPrefix+"weir_instrument_info", matchers))
	v := queryVariable("name", n.title, "The name that the program gave it.", query)
	if n.kind != "" {
		return v.Multi(false).IncludeAll(false)
	}
	return v.Multi(true).IncludeAll(true).AllValue(".+").Current(everything)
}

// matcher returns the condition on the label name. Grafana escapes the values
// for a regular expression only where a variable can have several.
func (n nameFilter) matcher() selector.Matcher {
	if n.kind != "" {
		return selector.Matcher{Label: "name", Op: "=", Value: "$name"}
	}
	return selector.Matcher{Label: "name", Op: "=~", Value: "$name"}
}

func queryVariable(name, title, description, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).
		Label(title).Description(description).Datasource(templated).
		Query(dashboard.StringOrMap{Map: map[string]any{"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}}).
		Definition(query).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortNaturalAsc)
}

func option(value string) dashboard.VariableOption {
	text := dashboard.StringOrArrayOfString{String: &value}
	return dashboard.VariableOption{Selected: cog.ToPtr(true), Text: text, Value: text}
}

var everything = dashboard.VariableOption{
	Selected: cog.ToPtr(true),
	Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
	Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
}
