package dashboards_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/dashboards"
)

var update = flag.Bool("update", false, "write the boards to dist")

// shipped is the formats in dist, and the folder of each.
var shipped = map[string]dashboards.Format{
	"dist": dashboards.Classic, "dist/v2": dashboards.V2,
	"dist/provisioning": dashboards.Provisioning, "dist/kubernetes": dashboards.ConfigMaps,
}

// TestDist makes the boards and compares them with those that are shipped; with
// -update it ships them.
func TestDist(t *testing.T) {
	for dir, format := range shipped {
		made := files(t, dashboards.Config{Format: format})
		if format == dashboards.Provisioning {
			// The boards it reads are those in dist.
			maps.DeleteFunc(made, func(name string, _ []byte) bool { return strings.HasSuffix(name, ".json") })
		}
		if *update {
			write(t, dir, made)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.IsDir() })
		if len(entries) != len(made) {
			t.Fatalf("%s has %d files, %d are made: run go test ./dashboards -update", dir, len(entries), len(made))
		}
		for name, want := range made {
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s/%s is not what the code makes (%v): run go test ./dashboards -update", dir, name, err)
			}
		}
	}
}

// TestEmbedded looks that programs get the boards that are shipped.
func TestEmbedded(t *testing.T) {
	if *update {
		t.Skip("what is embedded was built before it was written")
	}
	for name, want := range files(t, dashboards.Config{}) {
		if got, err := dashboards.Dist.ReadFile("dist/" + name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v; run go test ./dashboards -update", name, err)
		}
	}
}

func write(t *testing.T, dir string, made map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob(dir + "/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range made {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
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
	for _, format := range shipped {
		cfg := dashboards.Config{Datasource: "mimir-1", Selector: `team="game"`, RunbookURL: "https://wiki.example.com/weir/", Format: format}
		first := files(t, cfg)
		if again := files(t, cfg); !maps.EqualFunc(first, again, bytes.Equal) {
			t.Errorf("format %q differs from one call to the next", format)
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
		{"metric prefix", dashboards.Config{MetricPrefix: "game-"}, []string{"metric prefix", "game-", "game_"}},
		{"metric prefix, injection", dashboards.Config{MetricPrefix: "up or "}, []string{"metric prefix"}},
		{"prefix", dashboards.Config{Prefix: "Game"}, []string{"prefix", "Game", "lower-case"}},
		{"prefix, too long", dashboards.Config{Prefix: strings.Repeat("x", 26)}, []string{"at most 25"}},
		{"format", dashboards.Config{Format: "yaml"}, []string{"format", "yaml", "configmap", "v2", "provisioning"}},
		{"folder", dashboards.Config{Folder: "a\nb"}, []string{"folder", "line breaks"}},
		{"path", dashboards.Config{Path: "/a\n/b"}, []string{"path", "line breaks"}},
		{"namespace", dashboards.Config{Namespace: "Mon_itoring"}, []string{"namespace", "Mon_itoring", "lower-case"}},
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

// TestPrefixes looks that a set of boards of a team's own is apart from others, and
// that its links stay within it.
func TestPrefixes(t *testing.T) {
	own := regexp.MustCompile(`/d/(\S*?)weir-`)
	for name, data := range files(t, dashboards.Config{Prefix: "my-team", MetricPrefix: "game_"}) {
		b := parse(t, data)
		if !strings.HasPrefix(name, "my-team-weir-") || b.UID+".json" != name || len(b.UID) > 40 {
			t.Errorf("%s: uid %q", name, b.UID)
		}
		if !strings.HasPrefix(b.Title, "my-team / weir / ") || b.Tags[0] != "my-team-weir" || b.Links[0].Tags[0] != "my-team-weir" {
			t.Errorf("%s: title %q, tags %q, links to %q", name, b.Title, b.Tags, b.Links[0].Tags)
		}
		for _, link := range own.FindAllStringSubmatch(string(data), -1) {
			if link[1] != "my-team-" {
				t.Errorf("%s leads to another's board: %s", name, link[0])
			}
		}
		all := b.queries()
		for _, v := range b.Templating.List {
			all = append(all, question{v.Name, v.Definition})
		}
		for _, q := range all {
			if bare := regexp.MustCompile(`\b(weir|go|process)_\w+\{`).FindString(q.expr); bare != "" {
				t.Errorf("%s: %s: %s is without the prefix", name, q.where, bare)
			}
		}
	}
}

// TestBuild looks that the boards come in order, and can be changed.
func TestBuild(t *testing.T) {
	all, err := dashboards.Build(dashboards.Config{})
	if err != nil || len(all) != 6 || *all[0].Uid != "weir-overview" {
		t.Fatalf("%d boards (%v)", len(all), err)
	}
	*all[0].Title = "changed"
	if again, err := dashboards.Build(dashboards.Config{}); err != nil || *again[0].Title == "changed" {
		t.Errorf("a change of one reached another (%v)", err)
	}
	if all, err := dashboards.Build(dashboards.Config{Selector: "{"}); err == nil || all != nil {
		t.Error("a bad selector is accepted")
	}
}
