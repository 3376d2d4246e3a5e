package instrument

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
	"testing"
)

// TestEveryFunctionHasAnExample holds that each exported function and method is
// documented, and used in an Example that runs.
func TestEveryFunctionHasAnExample(t *testing.T) {
	used := make(map[string]bool)
	for _, f := range parseFiles(t, func(name string) bool { return strings.HasPrefix(name, "example_") }) {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				used[s.Sel.Name] = true
			}
			return true
		})
	}
	seen := 0
	for _, f := range parseFiles(t, func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() || !exportedReceiver(fn) {
				continue
			}
			seen++
			if fn.Doc == nil {
				t.Errorf("%s has no doc comment", fn.Name)
			}
			if !used[fn.Name.Name] && fn.Name.Name != "String" {
				t.Errorf("%s is in no Example", fn.Name)
			}
		}
	}
	if seen < 50 {
		t.Fatalf("found only %d exported functions", seen)
	}
}

func parseFiles(t *testing.T, want func(name string) bool) []*ast.File {
	t.Helper()
	pkgs, err := parser.ParseDir(token.NewFileSet(), ".", func(i fs.FileInfo) bool { return want(i.Name()) }, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, p := range pkgs {
		for _, f := range p.Files {
			files = append(files, f)
		}
	}
	return files
}

// exportedReceiver reports whether fn is a function, or a method of an exported
// type.
func exportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	typ := fn.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}
