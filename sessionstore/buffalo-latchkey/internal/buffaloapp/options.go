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
	// Options is the literal with the options, or nil if there is none. It may be in
	// another file.
	Options *Literal
	// OptionsVar is the variable with the options, or nothing.
	OptionsVar string
	// Body holds the statement Stmt, in which the call is. Both are nil for a variable
	// of the package.
	Body *ast.BlockStmt
	Stmt ast.Stmt
	// Var is the variable that the app is kept in, or nothing.
	Var string
}

// A Literal is a composite literal in a file.
type Literal struct {
	File *File
	Lit  *ast.CompositeLit
}

// NewCalls returns the calls of buffalo.New outside of tests. The one in the
// package actions is first.
func (a *App) NewCalls() []*NewCall {
	var calls []*NewCall
	for _, f := range a.Code() {
		for _, sel := range members(f, buffaloPath, "New") {
			if call := a.newCall(f, sel); call != nil {
				calls = append(calls, call)
			}
		}
	}
	sort.SliceStable(calls, func(i, j int) bool {
		return path.Base(calls[i].File.Dir()) == "actions" && path.Base(calls[j].File.Dir()) != "actions"
	})
	return calls
}

func (a *App) newCall(f *File, sel *ast.SelectorExpr) *NewCall {
	nodes := pathTo(f.AST, sel)
	call, ok := callOf(nodes, sel)
	if !ok {
		return nil
	}
	found := &NewCall{File: f, Call: call}
	found.Body, found.Stmt = enclosing(nodes)
	found.Var = assigned(f, found.Stmt)
	if len(call.Args) == 1 {
		found.Options = a.literalOf(f, call.Args[0])
		if id, ok := call.Args[0].(*ast.Ident); ok {
			found.OptionsVar = id.Name
		}
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

// enclosing is the innermost block on a path, and its statement on that path.
func enclosing(nodes []ast.Node) (body *ast.BlockStmt, stmt ast.Stmt) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.BlockStmt:
			body, stmt = n, nil
		case ast.Stmt:
			if stmt == nil {
				stmt = n
			}
		}
	}
	return body, stmt
}

// StatementOf is the statement that an expression is in, or nil.
func StatementOf(f *File, e ast.Expr) ast.Stmt {
	_, stmt := enclosing(pathTo(f.AST, e))
	return stmt
}

// assigned is the first variable that a statement gives a value.
func assigned(f *File, stmt ast.Stmt) string {
	switch stmt := stmt.(type) {
	case *ast.AssignStmt:
		return exprText(f, stmt.Lhs[0])
	case *ast.DeclStmt:
		if gen, ok := stmt.Decl.(*ast.GenDecl); ok && len(gen.Specs) == 1 {
			if spec, ok := gen.Specs[0].(*ast.ValueSpec); ok {
				return spec.Names[0].Name
			}
		}
	}
	return ""
}

func exprText(f *File, e ast.Expr) string {
	base := f.AST.FileStart
	return string(f.Src[e.Pos()-base : e.End()-base])
}

// literalOf is the literal that e is, that its variable was given, or that its
// function returns. It is nil if there is none.
func (a *App) literalOf(f *File, e ast.Expr) *Literal {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return &Literal{f, e}
	case *ast.Ident:
		if value := valueOf(e); value != nil {
			return a.literalOf(f, value)
		}
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok {
			return a.returned(f.Dir(), id.Name)
		}
	}
	return nil
}

// valueOf is the value that a variable was declared with, or nil.
func valueOf(id *ast.Ident) ast.Expr {
	if id.Obj == nil {
		return nil
	}
	switch decl := id.Obj.Decl.(type) {
	case *ast.AssignStmt:
		if decl.Tok == token.DEFINE && len(decl.Rhs) == 1 {
			return decl.Rhs[0]
		}
	case *ast.ValueSpec:
		if len(decl.Values) == 1 {
			return decl.Values[0]
		}
	}
	return nil
}

// returned is the literal that a function of a package returns in its only return
// statement.
func (a *App) returned(dir, function string) *Literal {
	f, fn := a.function(dir, function)
	if fn == nil || fn.Body == nil {
		return nil
	}
	var returns []*ast.ReturnStmt
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if stmt, ok := n.(*ast.ReturnStmt); ok {
			returns = append(returns, stmt)
		}
		_, nested := n.(*ast.FuncLit)
		return !nested
	})
	if len(returns) != 1 || len(returns[0].Results) != 1 {
		return nil
	}
	if lit, ok := returns[0].Results[0].(*ast.CompositeLit); ok {
		return &Literal{f, lit}
	}
	return nil
}

// function finds a function of a package by its name, outside of tests.
func (a *App) function(dir, name string) (*File, *ast.FuncDecl) {
	for _, f := range a.In(dir) {
		for _, decl := range f.AST.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && !f.Test && fn.Recv == nil && fn.Name.Name == name {
				return f, fn
			}
		}
	}
	return nil, nil
}

// Entry returns the entry of a struct literal with this name, or nil.
func (l *Literal) Entry(name string) *ast.KeyValueExpr {
	for _, elt := range l.Lit.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == name {
				return kv
			}
		}
	}
	return nil
}

// StoreAssignments returns the values that are assigned to SessionStore of the app or
// of its options, in the package of buffalo.New. They take the place of the option.
func (a *App) StoreAssignments(c *NewCall) []Spot {
	var found []Spot
	for _, f := range a.In(c.File.Dir()) {
		if f.Test {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if assign, ok := n.(*ast.AssignStmt); ok && len(assign.Rhs) == 1 && c.setsStore(f, assign.Lhs[0]) {
				found = append(found, Spot{f, assign.Rhs[0]})
			}
			return true
		})
	}
	return found
}

func (c *NewCall) setsStore(f *File, target ast.Expr) bool {
	sel, ok := target.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "SessionStore" {
		return false
	}
	owner := exprText(f, sel.X)
	return owner == c.Var || owner == c.OptionsVar
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
