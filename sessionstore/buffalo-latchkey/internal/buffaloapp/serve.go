package buffaloapp

import (
	"go/ast"
	"strings"
)

// A Serve is the call of app.Serve in a main package.
type Serve struct {
	File *File
	Call *ast.CallExpr
	App  ast.Expr
}

// Serves returns the calls of app.Serve in the main packages that import the
// package in actionsDir.
func (a *App) Serves(actionsDir string) []Serve {
	var found []Serve
	for _, f := range a.Code() {
		if f.AST.Name.Name != "main" || !imports(f, a.ImportPath(actionsDir)) {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Serve" && fromActions(f, sel.X, a.ImportPath(actionsDir)) {
					found = append(found, Serve{f, call, sel.X})
				}
			}
			return true
		})
	}
	return found
}

// MainFiles returns the files of main packages that import the package in
// actionsDir.
func (a *App) MainFiles(actionsDir string) []string {
	var names []string
	for _, f := range a.Code() {
		if f.AST.Name.Name == "main" && imports(f, a.ImportPath(actionsDir)) {
			names = append(names, f.Path)
		}
	}
	return names
}

func imports(f *File, importPath string) bool {
	for _, spec := range f.AST.Imports {
		if strings.Trim(spec.Path.Value, "`\"") == importPath {
			return true
		}
	}
	return false
}

// fromActions reports whether e is actions.App() or a variable that was given it.
func fromActions(f *File, e ast.Expr, importPath string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		if e.Obj == nil {
			return false
		}
		switch decl := e.Obj.Decl.(type) {
		case *ast.AssignStmt:
			return len(decl.Rhs) > 0 && fromActions(f, decl.Rhs[0], importPath)
		case *ast.ValueSpec:
			return len(decl.Values) > 0 && fromActions(f, decl.Values[0], importPath)
		}
	case *ast.CallExpr:
		sel, ok := e.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		id, ok := sel.X.(*ast.Ident)
		if !ok {
			return false
		}
		spec := ImportOf(f, id.Name)
		return spec != nil && strings.Trim(spec.Path.Value, "`\"") == importPath
	}
	return false
}

// ReturnsApp reports whether the function App of a package returns *buffalo.App,
// which sessionmw.Serve needs.
func (a *App) ReturnsApp(dir string) bool {
	for _, f := range a.In(dir) {
		buffalo, _ := importName(f, buffaloPath)
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Name.Name != "App" || fn.Type.Results == nil {
				continue
			}
			star, ok := fn.Type.Results.List[0].Type.(*ast.StarExpr)
			return ok && isMember(star.X, buffalo, "App")
		}
	}
	return false
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
