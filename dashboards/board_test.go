package dashboards_test

import (
	"encoding/json"
	"testing"
)

// board is the part of a dashboard's JSON that the rules are about.
type board struct {
	UID, Title, Description string
	Tags                    []string
	Panels                  []panel
	Links                   []link
	Annotations             struct{ List []annotation }
	Templating              struct{ List []variable }
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               source
	Targets                  []target
	Links                    []link
	FieldConfig              struct {
		Defaults struct {
			Unit       string
			Thresholds struct{ Steps []any }
			Links      []link
		}
		Overrides []struct{ Properties []property }
	}
	Options map[string]any

	raw json.RawMessage
}

// UnmarshalJSON keeps the whole panel beside what the rules look at.
func (p *panel) UnmarshalJSON(data []byte) error {
	type plain panel
	p.raw = data
	return json.Unmarshal(data, (*plain)(p))
}

// panelRest is what the rules do not look at.
type panelRest struct {
	FieldConfig     any
	MaxDataPoints   int
	Transformations []struct {
		ID      string
		Options any
	}
}

func (p *panel) rest() (all panelRest) {
	_ = json.Unmarshal(p.raw, &all) // it was read before
	return all
}

type property struct {
	ID    string
	Value any
}

type target struct {
	RefID, Expr, LegendFormat, Format string
	Datasource                        source
	Instant, Range                    bool
}

type source struct{ Type, UID string }

type annotation struct {
	Name, Expr string
	Datasource source
	Target     target
}

type link struct {
	Title, Type, URL      string
	Tags                  []string
	KeepTime, IncludeVars bool
}

type variable struct {
	Name, Type, Label, Definition, AllValue string
	Query                                   any
	Datasource                              source
	Multi, IncludeAll                       bool
	Current                                 struct{ Value any }
}

// question is one query of a board.
type question struct{ where, expr string }

func (b board) queries() []question {
	var all []question
	for _, p := range b.Panels {
		for _, t := range p.Targets {
			all = append(all, question{p.Title + " " + t.RefID, t.Expr})
		}
	}
	for _, a := range b.Annotations.List {
		all = append(all, question{"annotation " + a.Name, a.Expr}, question{"annotation " + a.Name, a.Target.Expr})
	}
	return all
}

func parse(t *testing.T, data []byte) board {
	t.Helper()
	var b board
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}
