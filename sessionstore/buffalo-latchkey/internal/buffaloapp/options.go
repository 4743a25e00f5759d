package buffaloapp

import (
	"go/ast"
	"go/token"
	"path"
	"sort"
)

// A NewCall is the call of buffalo.New that makes the app.
type NewCall struct {
	File *File
	Call *ast.CallExpr
	// Options is nil if they are not written as a literal.
	Options *ast.CompositeLit
	// Body holds the statement Stmt, in which the call is.
	Body *ast.BlockStmt
	Stmt ast.Stmt
	// Var is the variable that the app is kept in, or nothing.
	Var string
}

// NewCalls returns the calls of buffalo.New outside of tests. The one in the
// package actions is first.
func (a *App) NewCalls() []*NewCall {
	var calls []*NewCall
	for _, f := range a.Code() {
		for _, sel := range members(f, buffaloPath, "New") {
			if call := newCall(f, sel); call != nil {
				calls = append(calls, call)
			}
		}
	}
	sort.SliceStable(calls, func(i, j int) bool {
		return path.Base(calls[i].File.Dir()) == "actions" && path.Base(calls[j].File.Dir()) != "actions"
	})
	return calls
}

func newCall(f *File, sel *ast.SelectorExpr) *NewCall {
	found := &NewCall{File: f}
	for _, n := range pathTo(f.AST, sel) { // from the outside in
		switch n := n.(type) {
		case *ast.BlockStmt:
			found.Body, found.Stmt = n, nil
		case ast.Stmt:
			if found.Stmt == nil {
				found.Stmt = n
			}
		case *ast.CallExpr:
			if n.Fun == sel {
				found.Call = n
			}
		}
	}
	if found.Call == nil {
		return nil
	}
	found.Var = assigned(f, found.Stmt)
	if len(found.Call.Args) == 1 {
		found.Options = composite(found.Call.Args[0])
	}
	return found
}

// pathTo returns the nodes that hold target, the outermost first.
func pathTo(root, target ast.Node) []ast.Node {
	var nodes []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil || n.Pos() > target.Pos() || n.End() < target.End() {
			return false
		}
		nodes = append(nodes, n)
		return true
	})
	return nodes
}

// assigned is the first variable that a statement assigns to.
func assigned(f *File, stmt ast.Stmt) string {
	assign, ok := stmt.(*ast.AssignStmt)
	if !ok {
		return ""
	}
	return exprText(f, assign.Lhs[0])
}

func exprText(f *File, e ast.Expr) string {
	base := f.AST.FileStart
	return string(f.Src[e.Pos()-base : e.End()-base])
}

// composite is the literal that e is, or that its variable was given.
func composite(e ast.Expr) *ast.CompositeLit {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return e
	case *ast.Ident:
		if e.Obj == nil {
			return nil
		}
		switch decl := e.Obj.Decl.(type) {
		case *ast.AssignStmt:
			if len(decl.Rhs) == 1 {
				return literalOf(decl.Rhs[0])
			}
		case *ast.ValueSpec:
			if len(decl.Values) == 1 {
				return literalOf(decl.Values[0])
			}
		}
	}
	return nil
}

func literalOf(e ast.Expr) *ast.CompositeLit {
	lit, _ := e.(*ast.CompositeLit)
	return lit
}

// Option returns the entry of buffalo.Options with this name.
func (c *NewCall) Option(name string) *ast.KeyValueExpr {
	for _, elt := range c.Options.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == name {
				return kv
			}
		}
	}
	return nil
}

// StoreAssignments returns the assignments to the field SessionStore of the app
// in the package of buffalo.New that are not to want: they take the place of the
// option.
func (a *App) StoreAssignments(c *NewCall, want string) []*ast.AssignStmt {
	var found []*ast.AssignStmt
	for _, f := range a.In(c.File.Dir()) {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			assign, ok := n.(*ast.AssignStmt)
			if ok && !f.Test && c.Var != "" && exprText(f, assign.Lhs[0]) == c.Var+".SessionStore" && exprText(f, assign.Rhs[0]) != want {
				found = append(found, assign)
			}
			return true
		})
	}
	return found
}

// Function is the name of the function that holds pos.
func Function(f *File, pos token.Pos) string {
	for _, decl := range f.AST.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Pos() <= pos && pos < fn.End() {
			return fn.Name.Name
		}
	}
	return ""
}
