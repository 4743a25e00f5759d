package buffaloapp

import (
	"go/ast"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// A Serve is the call of app.Serve in a main package.
type Serve struct {
	File *File
	Call *ast.CallExpr
	App  ast.Expr
}

// Serves returns the calls of app.Serve in the main packages that use the package in
// actionsDir, for each app that is a *buffalo.App.
func (a *App) Serves(actionsDir string) []Serve {
	var found []Serve
	for _, f := range a.mains(actionsDir) {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && methodName(call) == "Serve" {
				if app := call.Fun.(*ast.SelectorExpr).X; a.isApp(f, app, actionsDir) {
					found = append(found, Serve{f, call, app})
				}
			}
			return true
		})
	}
	return found
}

// mains returns the files of main packages that import the package in actionsDir or
// are in it.
func (a *App) mains(actionsDir string) []*File {
	var files []*File
	for _, f := range a.Code() {
		if f.AST.Name.Name == "main" && (f.Dir() == actionsDir || imports(f, a.ImportPath(actionsDir))) {
			files = append(files, f)
		}
	}
	return files
}

// MainFiles returns the names of the files of main packages that use the package in
// actionsDir.
func (a *App) MainFiles(actionsDir string) []string {
	var names []string
	for _, f := range a.mains(actionsDir) {
		names = append(names, f.Path)
	}
	return names
}

func imports(f *File, importPath string) bool {
	for _, spec := range f.AST.Imports {
		if gosrc.ImportPath(spec) == importPath {
			return true
		}
	}
	return false
}

// isApp reports whether e is a *buffalo.App: a parameter of that type, a call of a
// function of the package in actionsDir that returns one, or a variable that was
// given it.
func (a *App) isApp(f *File, e ast.Expr, actionsDir string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		if e.Obj == nil {
			return false
		}
		switch decl := e.Obj.Decl.(type) {
		case *ast.AssignStmt:
			return a.isApp(f, decl.Rhs[0], actionsDir)
		case *ast.ValueSpec:
			return len(decl.Values) > 0 && a.isApp(f, decl.Values[0], actionsDir)
		case *ast.Field:
			return isAppType(f, decl.Type)
		}
	case *ast.CallExpr:
		name := a.calledIn(f, e, actionsDir)
		file, fn := a.function(actionsDir, name)
		return fn != nil && fn.Type.Results.NumFields() > 0 && isAppType(file, fn.Type.Results.List[0].Type)
	}
	return false
}

// calledIn is the name of the function of the package in dir that a call calls, or
// nothing.
func (a *App) calledIn(f *File, call *ast.CallExpr, dir string) string {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		if f.Dir() == dir {
			return fun.Name
		}
	case *ast.SelectorExpr:
		if pkg, ok := fun.X.(*ast.Ident); ok {
			if spec := ImportOf(f, pkg.Name); spec != nil && gosrc.ImportPath(spec) == a.ImportPath(dir) {
				return fun.Sel.Name
			}
		}
	}
	return ""
}

func isAppType(f *File, t ast.Expr) bool {
	buffalo, ok := importName(f, buffaloPath)
	star, isPointer := t.(*ast.StarExpr)
	return ok && isPointer && isMember(star.X, buffalo, "App")
}

// StoreFunc is the name of the package's function that returns our store, or
// nothing.
func (a *App) StoreFunc(dir string) string {
	for _, f := range a.In(dir) {
		store, ok := importName(f, storePath)
		if !ok || f.Test {
			continue
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Type.Params.NumFields() > 0 || fn.Type.Results.NumFields() != 1 {
				continue
			}
			if star, ok := fn.Type.Results.List[0].Type.(*ast.StarExpr); ok && isMember(star.X, store, "Store") {
				return fn.Name.Name
			}
		}
	}
	return ""
}
