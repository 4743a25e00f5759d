package buffaloapp

import (
	"errors"
	"fmt"
	"go/ast"
	"regexp"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// A Connection is the variable with the app's database, or the function that returns
// it.
type Connection struct {
	// Package is its import path, Code how it is written behind the package's name,
	// such as "DB" or "DB()".
	Package, Code string
	// Alias is the name of the import where it is not the package's own.
	Alias string
}

// ErrNoConnection says that no variable with the database was found.
var ErrNoConnection = errors.New("found no variable of the type *pop.Connection: the store keeps sessions in the app's database, so declare one, like DB in the models package of a new Buffalo app")

// FindConnection returns the connection that popmw.Transaction gets, or else a
// variable of that type that the package in dir can use, or else the only function
// that returns one.
func (a *App) FindConnection(dir string) (Connection, error) {
	if err := a.checkPop(); err != nil {
		return Connection{}, err
	}
	for _, t := range a.Transactions() {
		if len(t.Call.Args) == 1 {
			if c, ok := a.connection(t.File, t.Call.Args[0]); ok && a.reaches(dir, c) {
				return c, nil
			}
		}
	}
	if found := a.connections(dir, connectionVars); len(found) > 0 {
		return found[0], nil
	}
	if found := a.connections(dir, connectionFuncs); len(found) == 1 {
		return found[0], nil
	}
	return Connection{}, ErrNoConnection
}

// connections returns those of the connections in each file that the package in dir
// can use.
func (a *App) connections(dir string, in func(*File) []string) []Connection {
	var found []Connection
	for _, f := range a.Code() {
		for _, code := range in(f) {
			if c := (Connection{Package: a.ImportPath(f.Dir()), Code: code}); a.reaches(dir, c) {
				found = append(found, c)
			}
		}
	}
	return found
}

// reaches reports whether the package in dir can use the connection.
func (a *App) reaches(dir string, c Connection) bool {
	return c.Package == a.ImportPath(dir) || ast.IsExported(c.Code)
}

var (
	popV6   = regexp.MustCompile(`^github\.com/gobuffalo/pop/v6(/|$)`)
	popmwV3 = regexp.MustCompile(`^github\.com/gobuffalo/buffalo-pop/v3/`)
)

// checkPop refuses older versions of Pop, whose connections are other types.
func (a *App) checkPop() error {
	for _, f := range a.Code() {
		for _, spec := range f.AST.Imports {
			p := gosrc.ImportPath(spec)
			if popPath.MatchString(p) && !popV6.MatchString(p) || popmwPath.MatchString(p) && !popmwV3.MatchString(p) {
				return fmt.Errorf("%s imports %s: the store needs github.com/gobuffalo/pop/v6, so move the app to Buffalo 0.18 or later and Pop 6 first", f.Path, p)
			}
		}
	}
	return nil
}

// connection reads models.DB, DB, and calls of functions without arguments.
func (a *App) connection(f *File, e ast.Expr) (Connection, bool) {
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 0 {
		c, ok := a.connection(f, call.Fun)
		c.Code += "()"
		return c, ok
	}
	switch e := e.(type) {
	case *ast.Ident:
		if !isLocal(f, e) && a.TopLevel(f.Dir())[e.Name] {
			return Connection{Package: a.ImportPath(f.Dir()), Code: e.Name}, true
		}
	case *ast.SelectorExpr:
		id, ok := e.X.(*ast.Ident)
		if !ok || id.Obj != nil {
			return Connection{}, false
		}
		if spec := ImportOf(f, id.Name); spec != nil {
			c := Connection{Package: gosrc.ImportPath(spec), Code: e.Sel.Name}
			if spec.Name != nil {
				c.Alias = spec.Name.Name
			}
			return c, true
		}
	}
	return Connection{}, false
}

// connectionVars returns the package's variables of the type *pop.Connection that a
// file declares.
func connectionVars(f *File) []string {
	var names []string
	for _, decl := range f.AST.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			if value, ok := spec.(*ast.ValueSpec); ok && isConnection(f, value.Type) {
				names = append(names, value.Names[0].Name)
			}
		}
	}
	return names
}

// connectionFuncs returns calls of the functions without parameters that return a
// *pop.Connection.
func connectionFuncs(f *File) []string {
	var calls []string
	for _, decl := range f.AST.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fn.Recv == nil && fn.Type.Params.NumFields() == 0 && fn.Type.Results.NumFields() == 1 && isConnection(f, fn.Type.Results.List[0].Type) {
			calls = append(calls, fn.Name.Name+"()")
		}
	}
	return calls
}

func isConnection(f *File, t ast.Expr) bool {
	pop, ok := importName(f, popPath)
	star, isPointer := t.(*ast.StarExpr)
	return ok && isPointer && isMember(star.X, pop, "Connection")
}
