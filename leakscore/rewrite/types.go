package rewrite

import (
	"go/ast"
	"go/types"
)

// chanType rewrites chan T and chan<- T. A receive-only type stays.
func (r *rewriter) chanType(n *ast.ChanType) {
	if r.done[n] || n.Dir&ast.SEND == 0 {
		return
	}
	r.usesWeir = true
	r.replace(n.Begin, n.Value.Pos(), "*instrument.Chan[")
	r.insert(n.Value.End(), "]")
}

// typeSpec rewrites a named channel type. It may have methods, which a named
// pointer may not: so it becomes a struct that has the methods of the Chan in it.
func (r *rewriter) typeSpec(n *ast.TypeSpec) {
	c, ok := n.Type.(*ast.ChanType)
	if !ok || c.Dir&ast.SEND == 0 {
		return
	}
	r.done[c], r.usesWeir = true, true
	r.replace(c.Begin, c.Value.Pos(), "struct{ *instrument.Chan[")
	r.insert(c.Value.End(), "] }")
}

// into rewrites an expression whose value is assigned to something of type target.
// From one of our channels to a receive-only one the language converts by itself;
// weir has C.
func (r *rewriter) into(e ast.Expr, target types.Type) {
	if e == nil || target == nil || !r.ours(e) {
		return
	}
	c, ok := target.Underlying().(*types.Chan)
	if ok && c.Dir() == types.RecvOnly {
		r.method(e, ".C()")
	} else if isNamed(r.info.TypeOf(e)) != isNamed(target) && ok {
		r.refuse(e, "an assignment between a named and a nameless channel type")
	}
}

func isNamed(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.Named)
	return ok
}

func (r *rewriter) valueSpec(n *ast.ValueSpec) {
	if n.Type == nil {
		return
	}
	for _, v := range n.Values {
		r.into(v, r.info.TypeOf(n.Type))
	}
}

func (r *rewriter) returns(n *ast.ReturnStmt, sig *types.Signature) {
	if len(n.Results) != sig.Results().Len() {
		return // of another call, which has been checked where it is declared
	}
	for i, e := range n.Results {
		r.into(e, sig.Results().At(i).Type())
	}
}

func (r *rewriter) literal(n *ast.CompositeLit) {
	t := r.info.TypeOf(n).Underlying()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem().Underlying()
	}
	for i, e := range n.Elts {
		key, value := ast.Expr(nil), e
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			key, value = kv.Key, kv.Value
		}
		switch t := t.(type) {
		case *types.Struct:
			r.into(value, fieldType(t, key, i))
		case *types.Slice:
			r.into(value, t.Elem())
		case *types.Array:
			r.into(value, t.Elem())
		case *types.Map:
			r.into(key, t.Key())
			r.into(value, t.Elem())
		}
	}
}

func fieldType(t *types.Struct, key ast.Expr, i int) types.Type {
	id, ok := key.(*ast.Ident)
	if !ok {
		return t.Field(i).Type()
	}
	for f := range t.Fields() {
		if f.Name() == id.Name {
			return f.Type()
		}
	}
	return nil
}
