package buffaloapp

import (
	"go/ast"
	"regexp"
)

// A Use is a call of app.Use.
type Use struct {
	Call *ast.CallExpr
	// Stmt is the statement beside the one with buffalo.New that holds the call.
	Stmt ast.Stmt
}

// Uses returns the calls of app.Use behind buffalo.New, in their order.
func (a *App) Uses(c *NewCall) []Use {
	var uses []Use
	for _, stmt := range c.Body.List {
		if c.Var == "" || stmt.Pos() <= c.Stmt.Pos() {
			continue
		}
		ast.Inspect(stmt, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isMethod(c.File, call, c.Var, "Use") {
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
	return spotsIn(a.Code(), path, member)
}

func spotsIn(files []*File, path *regexp.Regexp, member string) []Spot {
	var found []Spot
	for _, f := range files {
		for _, sel := range members(f, path, member) {
			found = append(found, Spot{f, sel})
		}
	}
	return found
}

// CSRF returns the uses of csrf.New, also in tests: they may remove it.
func (a *App) CSRF() []Spot { return spotsIn(a.Files, csrfPath, "New") }

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
	for _, f := range a.Code() {
		kit, _ := importName(f, kitPath)
		for _, sel := range members(f, popmwPath, "Transaction") {
			nodes := pathTo(f.AST, sel)
			if call, ok := callOf(nodes, sel); ok {
				found = append(found, Transaction{f, call, wrapped(nodes, kit)})
			}
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
