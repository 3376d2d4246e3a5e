package rewrite

import (
	"fmt"
	"go/ast"
	"go/types"
)

func (r *rewriter) call(n *ast.CallExpr) {
	f := r.info.Types[n.Fun]
	switch {
	case f.IsBuiltin():
		r.builtin(n)
	case f.IsType():
		r.conversion(n, f.Type)
	case f.Type == nil:
	default:
		r.arguments(n, f.Type.Underlying().(*types.Signature))
		r.profile(n)
	}
}

func (r *rewriter) builtin(n *ast.CallExpr) {
	name := ast.Unparen(n.Fun).(*ast.Ident).Name
	switch {
	case name == "make":
		r.make(n)
	case name == "append":
		elem := r.info.TypeOf(n).Underlying().(*types.Slice).Elem()
		for _, e := range n.Args[1:] {
			r.into(e, elem)
		}
	case len(n.Args) == 1 && r.ours(n.Args[0]):
		method, ok := map[string]string{"close": "Close", "len": "Len", "cap": "Cap"}[name]
		if !ok {
			r.refuse(n, "a builtin on a channel")
			return
		}
		r.replace(n.Pos(), n.Args[0].Pos(), "")
		r.replace(n.Args[0].End(), n.End(), "."+method+"()")
		r.ops++
	}
}

// make rewrites make(chan T, n), and names the channel for the place.
func (r *rewriter) make(n *ast.CallExpr) {
	if !r.ours(n) {
		return
	}
	t, ok := ast.Unparen(n.Args[0]).(*ast.ChanType)
	if !ok {
		r.refuse(n, "a channel made by the name of its type")
		return
	}
	r.done[t], r.usesWeir, r.usesWatch = true, true, true
	name := ""
	if !r.opts.Unnamed {
		name = fmt.Sprintf("%s:%d", r.name, r.fset.Position(n.Pos()).Line)
	}
	r.replace(n.Pos(), t.Value.Pos(), "instrument.NewChan[")
	if len(n.Args) == 2 {
		r.replace(t.Value.End(), n.Args[1].Pos(), fmt.Sprintf("](%q, int(", name))
		r.replace(n.Args[1].End(), n.End(), "), watch.Options()...)")
	} else {
		r.replace(t.Value.End(), n.End(), fmt.Sprintf("](%q, 0, watch.Options()...)", name))
	}
	r.made++
}

// conversion rewrites Named(ch): the named type has become a struct.
func (r *rewriter) conversion(n *ast.CallExpr, to types.Type) {
	if !r.ours(n.Args[0]) {
		return
	}
	if ours(to) == nil {
		r.into(n.Args[0], to)
		return
	}
	if !isNamed(to) || isNamed(r.info.TypeOf(n.Args[0])) {
		r.refuse(n, "a conversion between channel types")
		return
	}
	r.replace(n.Lparen, n.Lparen+1, "{")
	r.replace(n.Rparen, n.Rparen+1, "}")
}

func (r *rewriter) arguments(n *ast.CallExpr, sig *types.Signature) {
	params := sig.Params()
	for i, e := range n.Args {
		switch {
		case sig.Variadic() && i >= params.Len()-1:
			if !n.Ellipsis.IsValid() {
				r.into(e, params.At(params.Len()-1).Type().(*types.Slice).Elem())
			}
		case i < params.Len():
			r.into(e, params.At(i).Type())
		}
	}
}

// profile takes away the profile that a case writes at its end: watch judges.
func (r *rewriter) profile(n *ast.CallExpr) {
	if p := r.writesProfile(n); p != nil {
		r.usesWatch = true
		r.replace(p.End(), n.Args[0].Pos(), ", ")
		r.insert(p.Pos(), "watch.Unused(")
	}
}

// writesProfile returns the profile that a call writes, or nil.
func (r *rewriter) writesProfile(n *ast.CallExpr) ast.Expr {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "WriteTo" || r.info.TypeOf(sel.X).String() != "*runtime/pprof.Profile" {
		return nil
	}
	return sel.X
}
