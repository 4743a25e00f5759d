package buffaloapp

import (
	"errors"
	"fmt"
	"go/ast"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// A Connection is the variable with the app's database.
type Connection struct {
	// Package and Name are its import path and its name.
	Package, Name string
	// Alias is the name of the import where it is not the package's own.
	Alias string
}

// ErrNoConnection says that no variable with the database was found.
var ErrNoConnection = errors.New("found no variable of the type *pop.Connection: the store keeps sessions in the app's database, so declare one, like DB in the models package of a new Buffalo app")

// FindConnection returns the connection that popmw.Transaction gets, or else the
// app's only exported variable of that type.
func (a *App) FindConnection() (Connection, error) {
	if err := a.checkPop(); err != nil {
		return Connection{}, err
	}
	for _, t := range a.Transactions() {
		if len(t.Call.Args) == 1 {
			if c, ok := a.named(t.File, t.Call.Args[0]); ok {
				return c, nil
			}
		}
	}
	for _, f := range a.Code() {
		if name := connectionVar(f); name != "" {
			return Connection{Package: a.ImportPath(f.Dir()), Name: name}, nil
		}
	}
	return Connection{}, ErrNoConnection
}

// checkPop refuses the older versions of Pop, whose connections are other types.
func (a *App) checkPop() error {
	for _, f := range a.Code() {
		for _, spec := range f.AST.Imports {
			p := gosrc.ImportPath(spec)
			if popPath.MatchString(p) && p != "github.com/gobuffalo/pop/v6" {
				return fmt.Errorf("%s imports %s: the store needs github.com/gobuffalo/pop/v6, so move the app to Buffalo 0.18 and Pop 6 first", f.Path, p)
			}
		}
	}
	return nil
}

// named reads models.DB or DB.
func (a *App) named(f *File, e ast.Expr) (Connection, bool) {
	switch e := e.(type) {
	case *ast.Ident:
		if !isLocal(f, e) && a.TopLevel(f.Dir())[e.Name] {
			return Connection{Package: a.ImportPath(f.Dir()), Name: e.Name}, true
		}
	case *ast.SelectorExpr:
		id, ok := e.X.(*ast.Ident)
		if !ok || id.Obj != nil {
			return Connection{}, false
		}
		if spec := ImportOf(f, id.Name); spec != nil {
			c := Connection{Package: gosrc.ImportPath(spec), Name: e.Sel.Name}
			if spec.Name != nil {
				c.Alias = spec.Name.Name
			}
			return c, true
		}
	}
	return Connection{}, false
}

// connectionVar is the exported package variable of the type *pop.Connection.
func connectionVar(f *File) string {
	pop, ok := importName(f, popPath)
	if !ok {
		return ""
	}
	for _, decl := range f.AST.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			value, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			star, ok := value.Type.(*ast.StarExpr)
			if ok && isMember(star.X, pop, "Connection") && value.Names[0].IsExported() {
				return value.Names[0].Name
			}
		}
	}
	return ""
}
