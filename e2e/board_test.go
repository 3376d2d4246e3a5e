package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// board is what Grafana would ask for a dashboard.
type board struct {
	UID    string
	Panels []struct {
		Title   string
		Type    string
		Targets []struct {
			RefID, Expr string
			Instant     bool
		}
	}
	Annotations struct {
		List []struct {
			Name   string
			Target struct{ Expr string }
		}
	}
	Templating struct {
		List []struct {
			Name, Type, Definition, AllValue string
			IncludeAll                       bool
		}
	}
}

// shippedBoards reads the boards as they are shipped, by uid.
func shippedBoards(t *testing.T) map[string]board {
	t.Helper()
	return readBoards(t, "../dashboards/dist")
}

func readBoards(t *testing.T, dir string) map[string]board {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%d boards (%v)", len(files), err)
	}
	all := make(map[string]board)
	for _, file := range files {
		var b board
		data, err := os.ReadFile(file)
		if err = errors.Join(err, json.Unmarshal(data, &b)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[b.UID] = b
	}
	return all
}

// question is one query of a board, as the board has it.
type question struct {
	where   string // panel and refId, where several have one title also its type; or annotation
	expr    string
	instant bool
}

func (b board) questions() (all []question) {
	titled := make(map[string]int)
	for _, p := range b.Panels {
		titled[p.Title]++
	}
	for _, p := range b.Panels {
		where := p.Title
		if titled[where] > 1 {
			where = p.Type + " " + where
		}
		for _, t := range p.Targets {
			all = append(all, question{where + "/" + t.RefID, t.Expr, t.Instant})
		}
	}
	for _, a := range b.Annotations.List {
		all = append(all, question{"annotation " + a.Name, a.Target.Expr, false})
	}
	return all
}

// chosen is the values of a board's variables.
type chosen map[string]string

// choose takes the values given, and all where none is.
func (b board) choose(values chosen) chosen {
	all := make(chosen)
	for _, v := range b.Templating.List {
		if all[v.Name] = values[v.Name]; all[v.Name] == "" && v.IncludeAll {
			all[v.Name] = v.AllValue
		}
	}
	return all
}

var variablePattern = regexp.MustCompile(`\$(\w+)|\$\{(\w+)\}`)

// period is the time that a board shows up to now, how far apart its points are,
// and how often programs are scraped.
type period struct{ shown, step, scrape time.Duration }

// ask writes a query as Grafana sends it. A variable that is not there stays, and
// Prometheus refuses it.
func (c chosen) ask(expr string, over period) string {
	own := map[string]string{
		"__range": seconds(over.shown), "__interval": seconds(over.step), "__interval_ms": fmt.Sprint(over.step.Milliseconds()),
		"__rate_interval": seconds(max(4*over.scrape, over.step+over.scrape)),
	}
	return variablePattern.ReplaceAllStringFunc(expr, func(v string) string {
		name := strings.Trim(v, "${}")
		if value, ok := own[name]; ok {
			return value
		}
		if value, ok := c[name]; ok {
			return value
		}
		return v
	})
}

// seconds writes a time as a PromQL duration.
func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int64(d.Seconds())) }
