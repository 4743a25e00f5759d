package buffaloapp

import (
	"go/ast"
	"regexp"
	"strconv"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// Import paths of the packages that an app calls, in all their versions.
var (
	buffaloPath = regexp.MustCompile(`^github\.com/gobuffalo/buffalo$`)
	popPath     = regexp.MustCompile(`^github\.com/(gobuffalo|markbates)/pop(/v[0-9]+)?$`)
	popmwPath   = regexp.MustCompile(`^github\.com/gobuffalo/buffalo-pop(/v[0-9]+)?/pop/popmw$`)
	csrfPath    = regexp.MustCompile(`^github\.com/gobuffalo/(mw-csrf|middleware/csrf|buffalo/middleware/csrf)$`)
	gothicPath  = regexp.MustCompile(`^github\.com/markbates/goth/gothic$`)
)

var (
	storePath = regexp.MustCompile(`^` + regexp.QuoteMeta(StoreModule) + `$`)
	kitPath   = regexp.MustCompile(`^` + regexp.QuoteMeta(StoreModule+"/sessionmw") + `$`)
	taskPath  = regexp.MustCompile(`^` + regexp.QuoteMeta(StoreModule+"/sessiontask") + `$`)
)

// importName is the name under which a file uses the import that matches path.
func importName(f *File, path *regexp.Regexp) (string, bool) {
	for _, spec := range f.AST.Imports {
		if path.MatchString(gosrc.ImportPath(spec)) {
			return gosrc.NameOf(spec), true
		}
	}
	return "", false
}

// ImportOf returns the import that a file uses under this name.
func ImportOf(f *File, name string) *ast.ImportSpec {
	for _, spec := range f.AST.Imports {
		if gosrc.NameOf(spec) == name {
			return spec
		}
	}
	return nil
}

// isMember reports whether e is pkg.member.
func isMember(e ast.Expr, pkg, member string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != member {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}

// members returns the expressions pkg.member of a file, for the import that
// matches path.
func members(f *File, path *regexp.Regexp, member string) []*ast.SelectorExpr {
	name, ok := importName(f, path)
	if !ok {
		return nil
	}
	var found []*ast.SelectorExpr
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && isMember(sel, name, member) {
			found = append(found, sel)
		}
		return true
	})
	return found
}

// TopLevel returns the names that a package declares.
func (a *App) TopLevel(dir string) map[string]bool {
	names := map[string]bool{}
	for _, f := range a.In(dir) {
		for name := range f.AST.Scope.Objects {
			names[name] = true
		}
	}
	return names
}

// PackageName is the name of the package in a folder.
func (a *App) PackageName(dir string) string {
	for _, f := range a.In(dir) {
		if !f.Test {
			return f.AST.Name.Name
		}
	}
	return ""
}

// stringConstants returns the string constants and variables of a package.
func (a *App) stringConstants(dir string) map[string]string {
	values := map[string]string{}
	for _, f := range a.In(dir) {
		for _, decl := range f.AST.Decls {
			if group, ok := decl.(*ast.GenDecl); ok {
				addStrings(values, group.Specs)
			}
		}
	}
	return values
}

func addStrings(values map[string]string, specs []ast.Spec) {
	for _, s := range specs {
		spec, ok := s.(*ast.ValueSpec)
		if !ok || len(spec.Values) != len(spec.Names) {
			continue
		}
		for i, id := range spec.Names {
			if value, ok := literal(spec.Values[i]); ok {
				values[id.Name] = value
			}
		}
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return "", false
	}
	value, err := strconv.Unquote(lit.Value)
	return value, err == nil && lit.Value[0] != '\''
}

// isLocal reports whether a name of a file belongs to a function.
func isLocal(f *File, id *ast.Ident) bool {
	return id.Obj != nil && f.AST.Scope.Lookup(id.Name) != id.Obj
}

// UsesLocals reports whether an expression only makes sense inside its function.
func UsesLocals(f *File, e ast.Expr) bool {
	local := false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && isLocal(f, id) {
			local = true
		}
		return !local
	})
	return local
}
