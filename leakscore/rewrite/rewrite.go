// Package rewrite turns the native channels of a program into weir's: chan T
// becomes *instrument.Chan[T], and every operation on one the method that is its
// equal, as a developer would do it by hand. Receive-only channels stay native and
// come from C, so that what the standard library makes (contexts, timers) stays as
// it is; selects use C, and Raw with Sent.
//
// It edits the text and adds no line, so what the result says of files and lines
// holds for the original too. What it does not know it refuses. It imports the
// standard library only.
package rewrite

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
)

// Options say how.
type Options struct {
	// Unnamed gives every channel the empty name, under which nothing is
	// measured. A score that this does not lower is worth nothing.
	Unnamed bool
}

// Result is a rewritten program.
type Result struct {
	Files map[string][]byte // by base name
	Made  map[string]int    // how many places of a file make a channel
	Ops   map[string]int    // how many operations of a file became methods
}

// Package rewrites the files of a package main whose init functions register its
// cases with register(name, function). Its main gives way to watch.Main.
func Package(dir string, names []string, opts Options) (Result, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return Result{}, err
		}
		files = append(files, f)
	}
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object),
		Defs: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection)}
	conf := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	if _, err := conf.Check("main", fset, files, info); err != nil {
		return Result{}, err
	}
	result := Result{Files: make(map[string][]byte), Made: make(map[string]int), Ops: make(map[string]int)}
	for i, name := range names {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return Result{}, err
		}
		r := &rewriter{name: name, fset: fset, info: info, src: src, opts: opts,
			done: make(map[ast.Node]bool), base: fset.File(files[i].FileStart).Base()}
		if err := r.file(files[i]); err != nil {
			return Result{}, err
		}
		result.Files[name], result.Made[name], result.Ops[name] = r.edits.apply(src), r.made, r.ops
	}
	return result, nil
}

// rewriter rewrites one file.
type rewriter struct {
	name string
	fset *token.FileSet
	info *types.Info
	src  []byte
	base int // position of the file's first byte
	opts Options

	edits     edits
	done      map[ast.Node]bool // nodes that their parents have seen to
	made      int
	ops       int
	usesWeir  bool
	usesWatch bool
	err       error
}

func (r *rewriter) file(f *ast.File) error {
	r.walk(f)
	if r.usesWeir {
		r.insert(f.Name.End(), `; import "github.com/weir-go/weir/instrument"`)
	}
	if r.usesWatch {
		r.insert(f.Name.End(), `; import "github.com/weir-go/weir/leakscore/watch"`)
	}
	return r.err
}

// walk visits the nodes, parents first. A return belongs to the innermost
// function around it.
func (r *rewriter) walk(f *ast.File) {
	var functions []*types.Signature
	var stack []ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil {
			if isFunction(stack[len(stack)-1]) {
				functions = functions[:len(functions)-1]
			}
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		if isFunction(n) {
			functions = append(functions, r.signature(n))
		}
		if ret, ok := n.(*ast.ReturnStmt); ok {
			r.returns(ret, functions[len(functions)-1])
		}
		r.node(n)
		return true
	})
}

func isFunction(n ast.Node) bool {
	switch n.(type) {
	case *ast.FuncDecl, *ast.FuncLit:
		return true
	}
	return false
}

func (r *rewriter) signature(n ast.Node) *types.Signature {
	if d, ok := n.(*ast.FuncDecl); ok {
		return r.info.Defs[d.Name].Type().(*types.Signature)
	}
	return r.info.TypeOf(n.(*ast.FuncLit)).Underlying().(*types.Signature)
}

func (r *rewriter) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "main" {
			r.replace(n.Name.Pos(), n.Name.End(), "replacedMain")
		}
		r.copies(n)
	case *ast.TypeSpec:
		r.typeSpec(n)
	case *ast.ChanType:
		r.chanType(n)
	case *ast.ValueSpec:
		r.valueSpec(n)
	case *ast.CompositeLit:
		r.literal(n)
	case *ast.CallExpr:
		r.call(n)
	case *ast.SendStmt:
		r.send(n)
	case *ast.AssignStmt:
		r.assign(n)
	case *ast.ExprStmt:
		r.statement(n)
	case *ast.UnaryExpr:
		r.receive(n)
	case *ast.RangeStmt:
		r.ranges(n)
	case *ast.CommClause:
		r.comm(n)
	}
}

// copies lets watch say how many copies of its leaky program a case starts at
// once: it is called again and again instead.
func (r *rewriter) copies(n *ast.FuncDecl) {
	if n.Recv != nil || n.Body == nil || !r.takesProfile(n) {
		return
	}
	for _, s := range n.Body.List {
		loop, ok := s.(*ast.ForStmt)
		if !ok {
			continue
		}
		cond, ok := loop.Cond.(*ast.BinaryExpr)
		if !ok {
			continue
		}
		if lit, ok := cond.Y.(*ast.BasicLit); ok && lit.Kind == token.INT {
			r.replace(lit.Pos(), lit.End(), fmt.Sprintf("watch.Copies(%s)", lit.Value))
		}
	}
}

// takesProfile reports whether n is a case, which writes a profile at its end.
func (r *rewriter) takesProfile(n *ast.FuncDecl) (yes bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		yes = yes || ok && r.writesProfile(call) != nil
		return !yes
	})
	return yes
}

func (r *rewriter) insert(at token.Pos, text string) { r.replace(at, at, text) }

func (r *rewriter) replace(from, to token.Pos, text string) {
	r.edits.add(int(from)-r.base, int(to)-r.base, text)
}

func (r *rewriter) text(n ast.Node) string {
	return string(r.src[int(n.Pos())-r.base : int(n.End())-r.base])
}

func (r *rewriter) refuse(n ast.Node, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%v: %s is not rewritten: %s", r.fset.Position(n.Pos()), what, r.text(n))
	}
}

// method appends a method call to an expression.
func (r *rewriter) method(e ast.Expr, call string) {
	switch ast.Unparen(e).(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.CallExpr, *ast.IndexExpr:
		r.insert(e.End(), call)
	default:
		r.refuse(e, "a channel that comes out of an operator")
	}
}

// ours returns the channel type of what becomes a *instrument.Chan, or nil. That
// is any channel that can be sent to: the standard library hands out none.
func ours(t types.Type) *types.Chan {
	if t == nil {
		return nil
	}
	c, ok := t.Underlying().(*types.Chan)
	if !ok || c.Dir() == types.RecvOnly {
		return nil
	}
	return c
}

func (r *rewriter) ours(e ast.Expr) bool { return ours(r.info.TypeOf(e)) != nil }
