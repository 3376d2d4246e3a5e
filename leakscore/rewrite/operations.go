package rewrite

import (
	"go/ast"
	"go/token"
)

func (r *rewriter) send(n *ast.SendStmt) {
	if !r.ours(n.Chan) {
		return
	}
	if !r.done[n] { // not in a select
		r.insert(n.Value.End(), ")") // before what stands inside of it: see edits.apply
		r.replace(n.Chan.End(), n.Value.Pos(), "(")
		r.method(n.Chan, ".Send")
		r.ops++
	}
	r.into(n.Value, ours(r.info.TypeOf(n.Chan)).Elem())
}

// received returns the receive from one of our channels that e is, or nil.
func (r *rewriter) received(e ast.Expr) *ast.UnaryExpr {
	u, ok := ast.Unparen(e).(*ast.UnaryExpr)
	if !ok || u.Op != token.ARROW || !r.ours(u.X) {
		return nil
	}
	return u
}

// recv makes a receive a call of Recv.
func (r *rewriter) recv(u *ast.UnaryExpr) {
	r.done[u] = true
	r.replace(u.OpPos, u.X.Pos(), "")
	r.method(u.X, ".Recv()")
	r.ops++
}

// receive rewrites a receive in the midst of an expression, where Recv's two
// results have no place, and in a select.
func (r *rewriter) receive(n *ast.UnaryExpr) {
	if r.done[n] || r.received(n) == nil {
		return
	}
	r.method(n.X, ".C()")
	r.ops++
}

func (r *rewriter) statement(n *ast.ExprStmt) {
	if u := r.received(n.X); u != nil && !r.done[n] {
		r.recv(u)
	}
}

// assign rewrites v := <-ch and v, ok := <-ch.
func (r *rewriter) assign(n *ast.AssignStmt) {
	if len(n.Rhs) != 1 {
		r.assignMany(n)
		return
	}
	u := r.received(n.Rhs[0])
	if u == nil || r.done[n] || n.Tok != token.ASSIGN && n.Tok != token.DEFINE {
		r.assignMany(n)
		return
	}
	if len(n.Lhs) == 1 {
		r.insert(n.Lhs[0].End(), ", _")
	}
	r.recv(u)
}

func (r *rewriter) assignMany(n *ast.AssignStmt) {
	if n.Tok != token.ASSIGN || len(n.Lhs) != len(n.Rhs) {
		return
	}
	for i, e := range n.Rhs {
		r.into(e, r.info.TypeOf(n.Lhs[i]))
	}
}

func (r *rewriter) ranges(n *ast.RangeStmt) {
	if r.ours(n.X) {
		r.method(n.X, ".All()")
		r.ops++
	}
}

// comm rewrites a case of a select, which must stay a native operation.
func (r *rewriter) comm(n *ast.CommClause) {
	if n.Comm == nil {
		return
	}
	r.done[n.Comm] = true
	s, ok := n.Comm.(*ast.SendStmt)
	if !ok || !r.ours(s.Chan) {
		return // a receive is seen to where its expression is visited
	}
	if !isPlain(s.Chan) {
		r.refuse(s.Chan, "a select that sends to what has to be worked out")
		return
	}
	r.insert(s.Chan.End(), ".Raw()")
	r.insert(n.Colon+1, " "+r.text(s.Chan)+".Sent();")
	r.ops++
}

// isPlain reports whether e can be evaluated twice.
func isPlain(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return isPlain(e.X)
	}
	return false
}
