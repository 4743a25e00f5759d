package buffaloapp

import (
	"go/ast"
	"regexp"
)

// A Stack is the block in which the app gets its middleware.
type Stack struct {
	File *File
	Body *ast.BlockStmt
	// Var is the variable with the app.
	Var string
	// New is the statement that sets it, or nil if that is somewhere else.
	New ast.Stmt
}

// Stack is the block with buffalo.New, or else the one with the transaction or csrf
// middleware. It is nil if there is neither.
func (a *App) Stack(c *NewCall) *Stack {
	if c == nil {
		return nil
	}
	if c.Var != "" {
		return &Stack{c.File, c.Body, c.Var, c.Stmt}
	}
	for _, spot := range append(a.spots(popmwPath, "Transaction"), a.spots(csrfPath, "New")...) {
		nodes := pathTo(spot.File.AST, spot.Expr)
		if spot.File.Dir() != c.File.Dir() {
			continue
		}
		for _, n := range nodes {
			if call, ok := n.(*ast.CallExpr); ok && methodName(call) == "Use" {
				body, _ := enclosing(pathTo(spot.File.AST, call))
				return &Stack{File: spot.File, Body: body, Var: exprText(spot.File, call.Fun.(*ast.SelectorExpr).X)}
			}
		}
	}
	return nil
}

func methodName(call *ast.CallExpr) string {
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
		return sel.Sel.Name
	}
	return ""
}

// A Use is a call of app.Use.
type Use struct {
	Call *ast.CallExpr
	// Stmt is the statement of the stack's block that holds the call.
	Stmt ast.Stmt
}

// Uses returns the calls of app.Use behind buffalo.New, in their order.
func (s *Stack) Uses() []Use {
	var uses []Use
	for _, stmt := range s.Body.List {
		if s.New != nil && stmt.Pos() <= s.New.Pos() {
			continue
		}
		ast.Inspect(stmt, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isMethod(s.File, call, s.Var, "Use") {
				uses = append(uses, Use{call, stmt})
			}
			return true
		})
	}
	return uses
}

func isMethod(f *File, call *ast.CallExpr, receiver, method string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == method && exprText(f, sel.X) == receiver
}

var early = regexp.MustCompile(`(?i)forcessl|force_ssl|secure\.|logger|recover|requestid|request_id`)

// Early reports whether a middleware only logs or redirects to HTTPS, so that it
// can run before the session is needed.
func (a *App) Early(f *File, u Use) bool {
	for _, arg := range u.Call.Args {
		if _, isFunc := arg.(*ast.FuncLit); isFunc || !early.MatchString(a.Text(f, arg)) {
			return false
		}
	}
	return true
}

// A Spot is an expression in a file.
type Spot struct {
	File *File
	Expr ast.Expr
}

// spots returns the expressions pkg.member outside of tests.
func (a *App) spots(path *regexp.Regexp, member string) []Spot {
	var found []Spot
	for _, f := range a.Code() {
		for _, sel := range members(f, path, member) {
			found = append(found, Spot{f, sel})
		}
	}
	return found
}

// middleware is spots with the places where a test names a middleware of the app. A
// middleware of an app that the test itself makes is not the app's.
func (a *App) middleware(path *regexp.Regexp, member string) []Spot {
	found := a.spots(path, member)
	for _, f := range a.Files {
		if !f.Test {
			continue
		}
		for _, sel := range members(f, path, member) {
			if namesMiddleware(pathTo(f.AST, sel)) {
				found = append(found, Spot{f, sel})
			}
		}
	}
	return found
}

// namesMiddleware reports whether the nodes lead through a call like
// app.Middleware.Skip.
func namesMiddleware(nodes []ast.Node) bool {
	for _, n := range nodes {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		stack, ok := sel.X.(*ast.SelectorExpr)
		if ok && stack.Sel.Name == "Middleware" && (sel.Sel.Name == "Skip" || sel.Sel.Name == "Remove" || sel.Sel.Name == "Replace") {
			return true
		}
	}
	return false
}

// CSRF returns the uses of csrf.New.
func (a *App) CSRF() []Spot { return a.middleware(csrfPath, "New") }

// Requires returns the uses of sessionmw.Require.
func (a *App) Requires() []Spot { return a.spots(kitPath, "Require") }

// Registers returns the uses of sessiontask.Register.
func (a *App) Registers() []Spot { return a.spots(taskPath, "Register") }

// Opens returns the uses of sessionstore.New.
func (a *App) Opens() []Spot { return a.spots(storePath, "New") }

// ServesSessions returns the uses of sessionmw.Serve.
func (a *App) ServesSessions() []Spot { return a.spots(kitPath, "Serve") }

// Gothic returns the uses of gothic.Store.
func (a *App) Gothic() []Spot { return a.spots(gothicPath, "Store") }

// A Transaction is a call of popmw.Transaction.
type Transaction struct {
	File    *File
	Call    *ast.CallExpr
	Wrapped bool // in sessionmw.Transaction
}

// Transactions returns the calls of popmw.Transaction.
func (a *App) Transactions() []Transaction {
	var found []Transaction
	for _, spot := range a.middleware(popmwPath, "Transaction") {
		kit, _ := importName(spot.File, kitPath)
		nodes := pathTo(spot.File.AST, spot.Expr)
		if call, ok := callOf(nodes, spot.Expr); ok {
			found = append(found, Transaction{spot.File, call, wrapped(nodes, kit)})
		}
	}
	return found
}

func callOf(nodes []ast.Node, fun ast.Expr) (*ast.CallExpr, bool) {
	for _, n := range nodes {
		if call, ok := n.(*ast.CallExpr); ok && call.Fun == fun {
			return call, true
		}
	}
	return nil, false
}

func wrapped(nodes []ast.Node, kit string) bool {
	for _, n := range nodes {
		if call, ok := n.(*ast.CallExpr); ok && isMember(call.Fun, kit, "Transaction") {
			return true
		}
	}
	return false
}

// WrapsTransaction reports whether the app uses sessionmw.Transaction.
func (a *App) WrapsTransaction() bool { return len(a.spots(kitPath, "Transaction")) > 0 }
