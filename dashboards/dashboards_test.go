package dashboards_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-go/weir/dashboards"
)

var update = flag.Bool("update", false, "write the boards to dist")

// TestDist makes the boards and compares them with those that are shipped; with
// -update it ships them.
func TestDist(t *testing.T) {
	made := files(t, dashboards.Config{})
	if *update {
		write(t, made)
		return
	}
	shipped, err := fs.Glob(dashboards.Dist, "dist/*.json")
	if err != nil || len(shipped) != len(made) {
		t.Fatalf("%d boards shipped, %d made (%v): run go test ./dashboards -update", len(shipped), len(made), err)
	}
	for name, want := range made {
		got, err := dashboards.Dist.ReadFile("dist/" + name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("dist/%s is not what the code makes (%v): run go test ./dashboards -update", name, err)
		}
	}
}

func write(t *testing.T, made map[string][]byte) {
	t.Helper()
	old, err := filepath.Glob("dist/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range made {
		if err := os.WriteFile(filepath.Join("dist", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func files(t *testing.T, cfg dashboards.Config) map[string][]byte {
	t.Helper()
	made, err := dashboards.Files(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestFilesAreDeterministic(t *testing.T) {
	cfg := dashboards.Config{Datasource: "mimir-1", Selector: `team="game"`, RunbookURL: "https://wiki.example.com/weir/"}
	first := files(t, cfg)
	for range 5 {
		for name, data := range files(t, cfg) {
			if !bytes.Equal(first[name], data) {
				t.Fatalf("%s differs from one call to the next", name)
			}
		}
	}
}

// TestConfigReachesTheBoards looks that every query has the extra matchers, and
// that the two addresses are used.
func TestConfigReachesTheBoards(t *testing.T) {
	made := files(t, dashboards.Config{Datasource: "mimir-1", RunbookURL: "https://wiki.example.com/weir/",
		Selector: ` team = "game" , env!~'dev.*', zone=~` + "`eu|us`" + `, `})
	for name, data := range made {
		b := parse(t, data)
		for _, q := range b.queries() {
			for _, s := range selectorsIn(q.expr) {
				want := []string{`team="game"`, `env!~"dev.*"`, `zone=~"eu|us"`}
				if strings.HasPrefix(s.metric, "ALERTS") {
					want = []string{`team=~"|game"`, `env!~"dev.*"`, `zone=~"|eu|us"`}
				}
				for _, m := range want {
					if !strings.Contains(s.text, m) {
						t.Errorf("%s: %s: %s lacks %s", name, q.where, s.text, m)
					}
				}
			}
		}
		text := string(data)
		if strings.Contains(text, dashboards.DefaultRunbookURL) || !strings.Contains(text, `"https://wiki.example.com/weir/`) {
			t.Errorf("%s: links do not follow RunbookURL", name)
		}
		if strings.Contains(text, "weir//") {
			t.Errorf("%s: the slash at the end of RunbookURL was doubled", name)
		}
		if v := b.Templating.List[0]; v.Type != "datasource" || v.Current.Value != "mimir-1" {
			t.Errorf("%s: data source preselected is %v, not mimir-1", name, v.Current.Value)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []struct {
		what string
		cfg  dashboards.Config
		says []string
	}{
		{"braces", dashboards.Config{Selector: `{team="game"}`}, []string{"selector", "braces", "leave them out"}},
		{"no operator", dashboards.Config{Selector: `team`}, []string{`from "team" on`, "give matchers like"}},
		{"no quotes", dashboards.Config{Selector: `team=game`}, []string{`from "team=game" on`, "give matchers like"}},
		{"second is bad", dashboards.Config{Selector: `team="game", env=dev`}, []string{`from "env=dev" on`}},
		{"no comma", dashboards.Config{Selector: `team="game" env="dev"`}, []string{"no list of PromQL label matchers"}},
		{"two commas", dashboards.Config{Selector: `team="game",,env="dev"`}, []string{"comma with no matcher before it"}},
		{"bad label", dashboards.Config{Selector: `my-team="game"`}, []string{`from "my-team`}},
		{"open string", dashboards.Config{Selector: `team="game`}, []string{`from "team=`}},
		{"wrong operator", dashboards.Config{Selector: `team=="game"`}, []string{`from "team==`}},
		{"injection", dashboards.Config{Selector: `team="game"} or up{a="b"`}, []string{"no list of PromQL label matchers"}},
		{"regexp", dashboards.Config{Selector: `team=~"(game"`}, []string{"value of team", "regular expression"}},
		{"escape", dashboards.Config{Selector: `team=~"a\.b"`}, []string{"backslash stands twice"}},
		{"not UTF-8", dashboards.Config{Selector: `team="\xff"`}, []string{"UTF-8"}},
		{"name", dashboards.Config{Selector: `__name__="up"`}, []string{"__name__", "take it out"}},
		{"data source", dashboards.Config{Datasource: "my prometheus"}, []string{"data source", "my prometheus", "uid"}},
		{"runbooks, relative", dashboards.Config{RunbookURL: "/runbooks"}, []string{"runbook address", "/runbooks", "https://"}},
		{"runbooks, query", dashboards.Config{RunbookURL: "https://wiki.example.com/?page="}, []string{"runbook address"}},
		{"runbooks, scheme", dashboards.Config{RunbookURL: "javascript:alert(1)"}, []string{"runbook address"}},
		{"two at once", dashboards.Config{Datasource: "a b", RunbookURL: "x"}, []string{"data source", "runbook address"}},
	} {
		made, err := dashboards.Files(c.cfg)
		if err == nil || made != nil {
			t.Errorf("%s: accepted", c.what)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: the error does not say %q: %v", c.what, s, err)
			}
		}
	}
}

func TestSelectorQuotes(t *testing.T) {
	made := files(t, dashboards.Config{Selector: `a='it\'s "x"', b="\u00e9\x41", c=~"a\\.b"`})
	for _, want := range []string{`a="it's \"x\""`, `b="éA"`, `c=~"a\\.b"`} {
		for name, data := range made {
			if q := parse(t, data).queries()[0]; !strings.Contains(q.expr, want) {
				t.Errorf("%s: %s lacks %s", name, q.expr, want)
			}
		}
	}
}
