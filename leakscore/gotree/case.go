// Package gotree reads the ground truth from the Go tree that is installed: the
// leaky programs of its GoKer suite, and its own test, which says for each of them
// which goroutines leak. It imports the standard library only.
package gotree

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Case is a program of the suite that leaks goroutines which wait for a channel.
type Case struct {
	Name string // of the function that runs it
	File string // in the folder of the suite
	// Simple is what the Go tree's test says of cases that are to run on one
	// processor, so that the scheduler takes the way that leaks.
	Simple bool
	// Leaks match the goroutines that leak in a channel operation, written as
	// "entry(...) [wait reason]". Those that leak in a lock are left out: they
	// are no business of a library that measures channels.
	Leaks []*regexp.Regexp
}

// Leaky reports whether a goroutine is one that the case is known to leak.
func (c *Case) Leaky(goroutine string) bool {
	return slices.ContainsFunc(c.Leaks, func(r *regexp.Regexp) bool { return r.MatchString(goroutine) })
}

// Tree is where the suite is.
type Tree struct {
	Dir string // of the suite
	set string // the test that holds the expectations
}

// Find finds the suite in the tree of the go command in use.
func Find() (Tree, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return Tree{}, fmt.Errorf("go env GOROOT: %w", err)
	}
	runtime := filepath.Join(strings.TrimSpace(string(out)), "src", "runtime")
	t := Tree{
		Dir: filepath.Join(runtime, "testdata", "testgoroutineleakprofile", "goker"),
		set: filepath.Join(runtime, "goroutineleakprofile_test.go"),
	}
	for _, p := range []string{t.Dir, t.set} {
		if _, err := os.Stat(p); err != nil {
			return Tree{}, fmt.Errorf("this Go has no ground truth: %w", err)
		}
	}
	return t, nil
}

// Cases lists the cases that leak in channel operations, by name.
func (t Tree) Cases() ([]Case, error) {
	files, err := t.files()
	if err != nil {
		return nil, err
	}
	expected, err := expectations(t.set)
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, c := range expected {
		if c.File = files[c.Name]; c.File != "" && len(c.Leaks) > 0 {
			cases = append(cases, c)
		}
	}
	slices.SortFunc(cases, func(a, b Case) int { return cmp.Compare(a.Name, b.Name) })
	return cases, nil
}

// files says which file registers which case.
func (t Tree) files() (map[string]string, error) {
	names, err := filepath.Glob(filepath.Join(t.Dir, "*.go"))
	if err != nil {
		return nil, err
	}
	found := make(map[string]string)
	for _, name := range names {
		calls, err := callsIn(name)
		if err != nil {
			return nil, err
		}
		for _, call := range calls {
			if text := texts(call); isCall(call, "register") && len(text) > 0 {
				found[text[0]] = filepath.Base(name)
			}
		}
	}
	return found, nil
}

// inChannel says of an expected leak, which is a regular expression, whether the
// wait reason in it is one of a channel.
var inChannel = regexp.MustCompile(`\\\[(chan (send|receive)|select)`)

// expectations reads the calls that make the test's cases: the name, then one
// regular expression for each leak.
func expectations(file string) ([]Case, error) {
	calls, err := callsIn(file)
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, call := range calls {
		simple := isCall(call, "makeTest")
		text := texts(call)
		if !simple && !isCall(call, "makeFlakyTest") || len(text) == 0 {
			continue
		}
		c := Case{Name: text[0], Simple: simple}
		for _, leak := range text[1:] {
			if !inChannel.MatchString(leak) {
				continue
			}
			r, err := regexp.Compile(leak)
			if err != nil {
				return nil, err
			}
			c.Leaks = append(c.Leaks, r)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func callsIn(file string) (calls []*ast.CallExpr, err error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return nil, err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			calls = append(calls, call)
		}
		return true
	})
	return calls, nil
}

func isCall(call *ast.CallExpr, name string) bool {
	f, ok := call.Fun.(*ast.Ident)
	return ok && f.Name == name
}

// texts returns the arguments that are string literals.
func texts(call *ast.CallExpr) (all []string) {
	for _, arg := range call.Args {
		lit, ok := arg.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		if s, err := strconv.Unquote(lit.Value); err == nil {
			all = append(all, s)
		}
	}
	return all
}
