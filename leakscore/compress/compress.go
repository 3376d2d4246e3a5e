// Package compress makes a copy of instrument whose time runs faster: what it does
// every 30 seconds, it does every 30/Factor. So the defaults are scored, with all of
// detection in their proportions, in seconds and not in hours. The copy lives in an
// overlay of the go command, never in the repository. It imports the standard
// library only.
package compress

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// constants are the times by which instrument detects, and what each factor is
// divided by: a sample costs as much as ever, and four of them between two looks at
// the goroutines are enough. The last three are the shares of time that detection may
// take, and become 0: they are kept by looking later, and on a machine that is busy
// a look takes longer while a second is as long as ever.
var constants = map[string]int{
	"scanEvery": 1, "windowLength": 1, "defaultStallAfter": 1,
	"sampleEvery": 8, "lookEvery": 8,
	"sampleShare": 0, "scanShare": 0, "proofShare": 0,
}

// Package returns the changed files of the package in dir, by path.
func Package(dir string, factor int) (map[string][]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	changed := make(map[string][]byte)
	missing := slices.Sorted(maps.Keys(constants))
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out, found, err := file(src, factor)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			changed[name] = out
		}
		missing = slices.DeleteFunc(missing, func(c string) bool { return slices.Contains(found, c) })
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("instrument has no constant %v any more: say what took its place", missing)
	}
	return changed, nil
}

// file divides the constants that a file declares, and returns which.
func file(src []byte, factor int) (out []byte, found []string, err error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	base := fset.File(f.FileStart).Base()
	at := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || len(spec.Values) != 1 {
			return true
		}
		share, ok := constants[spec.Names[0].Name]
		if !ok {
			return true
		}
		found = append(found, spec.Names[0].Name)
		from, to := int(spec.Values[0].Pos())-base, int(spec.Values[0].End())-base
		out = append(out, src[at:from]...)
		if share == 0 {
			out = fmt.Append(out, 0)
		} else {
			out = fmt.Appendf(out, "(%s) / %d", src[from:to], max(factor/share, 1))
		}
		at = to
		return true
	})
	return append(out, src[at:]...), found, nil
}
