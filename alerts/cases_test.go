package alerts

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/weir-go/weir/instrument"
)

// unitTests is the part of promtool's test files that TestCases looks at.
type unitTests struct {
	Tests []struct {
		Name  string `yaml:"name"`
		Input []struct {
			Series string `yaml:"series"`
			Values string `yaml:"values"`
		} `yaml:"input_series"`
		PromQL []struct {
			Expr    string `yaml:"expr"`
			Samples []any  `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	} `yaml:"tests"`
}

var (
	askedAlert   = regexp.MustCompile(`alertname="(\w+)",\s*alertstate="firing"`)
	askedAlways  = regexp.MustCompile(`^count\(max_over_time\(ALERTS\{[^}]*\}\[\w+\]\)\)$`)
	isHistogram  = regexp.MustCompile(`^\w+_seconds_(sum|count|bucket)\{`)
	caseVerdicts = []string{"fires", "is silent", "flaps"}
)

// covered is what the cases of an alert show.
type covered struct{ verdicts, histograms []string }

// TestCases holds that promtool is given a firing, a silent and a flapping case of
// every alert, and of those that ask a histogram cases with both kinds. The
// end-to-end tests run them.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("tests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files (%v)", err)
	}
	all := make(map[string]*covered)
	for _, file := range files {
		if filepath.Base(file) != "page.yaml" { // that has whole alerts
			readCases(t, file, all)
		}
	}
	for _, a := range Table() {
		c := all[a.Name]
		if c == nil {
			c = new(covered)
		}
		for _, verdict := range caseVerdicts {
			if !slices.Contains(c.verdicts, verdict) {
				t.Errorf("no case shows when %s %s", a.Name, verdict)
			}
		}
		if asksHistogram(t, a) && (!slices.Contains(c.histograms, "native") || !slices.Contains(c.histograms, "classic")) {
			t.Errorf("%s asks a histogram, and its cases have %v: want native and classic", a.Name, c.histograms)
		}
	}
}

func readCases(t *testing.T, file string, all map[string]*covered) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases unitTests
	if err := yaml.Unmarshal(text, &cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, c := range cases.Tests {
		name, what, _ := strings.Cut(c.Name, " ")
		at := slices.IndexFunc(caseVerdicts, func(v string) bool { return strings.HasPrefix(what, v) })
		if at < 0 || len(c.PromQL) == 0 {
			t.Errorf("%s: %q is not an alert with a verdict, or asks nothing", file, c.Name)
			continue
		}
		if all[name] == nil {
			all[name] = new(covered)
		}
		all[name].verdicts = append(all[name].verdicts, caseVerdicts[at])
		fires := false
		for _, q := range c.PromQL {
			asked := askedAlert.FindStringSubmatch(q.Expr)
			if asked == nil || asked[1] != name {
				t.Errorf("%s: %q asks %q, which is not whether that alert fires", file, c.Name, q.Expr)
			}
			if len(q.Samples) == 0 && !askedAlways.MatchString(q.Expr) {
				t.Errorf("%s: %q asks whether it is silent at one moment, not whether it ever fired", file, c.Name)
			}
			fires = fires || len(q.Samples) > 0
		}
		if at < 2 && fires != (at == 0) {
			t.Errorf("%s: %q expects the opposite", file, c.Name)
		}
		if at == 1 {
			continue // both kinds could be silent because they are not asked
		}
		for _, in := range c.Input {
			switch {
			case strings.Contains(in.Values, "{{schema:"):
				all[name].histograms = append(all[name].histograms, "native")
			case isHistogram.MatchString(in.Series):
				all[name].histograms = append(all[name].histograms, "classic")
			}
		}
	}
}

// asksHistogram reports whether an alert is worked out from a histogram.
func asksHistogram(t *testing.T, a Alert) bool {
	t.Helper()
	s, err := Config{}.check()
	if err != nil {
		t.Fatal(err)
	}
	asked := weirMetric.FindAllString(a.expr(query{settings: s}), -1)
	return slices.ContainsFunc(instrument.Metrics(), func(d instrument.Desc) bool {
		return d.Kind == instrument.HistogramKind && slices.Contains(asked, d.PrometheusName())
	})
}
