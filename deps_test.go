package weir

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/weir-go/weir"

// mayImport says which packages outside the standard library each folder may
// import. Imports point towards instrument; a folder that is not listed, or an
// import that is not, fails the test.
var mayImport = map[string][]string{
	".":                         nil,
	"instrument":                nil, // it goes into other people's hottest loops: no dependency of theirs is to be moved by it
	"instrument/instrumenttest": {module + "/instrument"},
	"exporter":                  {module + "/instrument", module + "/exporter", "github.com/prometheus/client_golang", "github.com/prometheus/client_model"},
	"exporter/live":             {module + "/instrument"},
	"exporter/promexport":       {module + "/instrument", "github.com/prometheus/client_golang", "github.com/prometheus/client_model", "google.golang.org/protobuf"},
	"exporter/otelexport":       {module + "/instrument", "go.opentelemetry.io/otel"},
	"internal/selector":         nil,
	"internal/prefix":           nil,
	"dashboards":                {module + "/internal/prefix", module + "/internal/selector", "github.com/grafana/grafana-foundation-sdk/go", "github.com/goccy/go-yaml"},
	"alerts":                    {module + "/internal/prefix", module + "/internal/selector", "github.com/goccy/go-yaml"},
}

// directRequirements are the modules that users of the published module get with
// it, each with the reason why it is worth that.
var directRequirements = map[string]string{
	"github.com/prometheus/client_golang":          "promexport is a prometheus.Collector, exporter serves with promhttp",
	"github.com/prometheus/client_model":           "a histogram that is classic and native at once can only be written as protobuf",
	"github.com/prometheus/common":                 "tests read the text exposition back; client_golang brings it anyway",
	"google.golang.org/protobuf":                   "the created time of such a histogram is a protobuf timestamp; client_model brings it anyway",
	"go.opentelemetry.io/otel":                     "an exported point has an attribute.Set",
	"go.opentelemetry.io/otel/sdk":                 "an exported scope is an instrumentation.Scope",
	"go.opentelemetry.io/otel/sdk/metric":          "otelexport is a metric.Producer, which any reader of the SDK takes",
	"github.com/grafana/grafana-foundation-sdk/go": "the dashboards are built with Grafana's own types",
	"github.com/goccy/go-yaml":                     "rules, Alertmanager configuration and dashboards for Kubernetes are written as YAML",
}

// nestedModules are published or built apart, so that what they need stays out
// of the root's go.mod.
var nestedModules = []string{"cmd/weir", "examples", "e2e", "bench", "leakscore"}

func TestImports(t *testing.T) {
	seen := 0
	for file, imports := range rootImports(t) {
		dir := path.Dir(file)
		allowed, ok := mayImport[dir]
		if !ok {
			t.Errorf("%s: folder %s has no import rule; add one to mayImport", file, dir)
		}
		seen++
		for _, imp := range imports {
			if !isStd(imp) && !under(imp, allowed) {
				t.Errorf("%s imports %s, which %s may not", file, imp, dir)
			}
		}
	}
	if seen < 20 {
		t.Fatalf("looked at %d files only; the walk is broken", seen)
	}
}

func isStd(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

func under(imp string, allowed []string) bool {
	for _, a := range allowed {
		if imp == a || strings.HasPrefix(imp, a+"/") {
			return true
		}
	}
	return false
}

// rootImports lists the imports of every file of the root module that is not a
// test.
func rootImports(t *testing.T) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	err := filepath.WalkDir(".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		p = filepath.ToSlash(p)
		if e.IsDir() {
			if under(p, nestedModules) || (p != "." && strings.HasPrefix(e.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		all[p] = nil
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			all[p] = append(all[p], imp)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDirectRequirements(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	direct := make(map[string]bool)
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		direct[r.Path] = true
		if directRequirements[r.Path] == "" {
			t.Errorf("go.mod requires %s, for which no reason stands in directRequirements", r.Path)
		}
	}
	for p := range directRequirements {
		if !direct[p] {
			t.Errorf("directRequirements names %s, which go.mod does not require", p)
		}
	}
}
