package buffaloapp

import (
	"go/ast"
	"strings"
)

// Model returns the place of a struct with this name that Pop can keep in the table
// named after it, or nothing.
func (a *App) Model(name string) string {
	for _, f := range a.Code() {
		object := f.AST.Scope.Lookup(name)
		if object == nil || a.hasTableName(f.Dir(), name) {
			continue
		}
		spec, ok := object.Decl.(*ast.TypeSpec)
		if !ok {
			continue
		}
		if fields, ok := spec.Type.(*ast.StructType); ok && hasColumns(fields) {
			return a.Place(spec)
		}
	}
	return ""
}

func hasColumns(s *ast.StructType) bool {
	for _, field := range s.Fields.List {
		if field.Tag != nil && strings.Contains(field.Tag.Value, `db:"`) {
			return true
		}
	}
	return false
}

// hasTableName reports whether a type has a method TableName, which gives it another
// table.
func (a *App) hasTableName(dir, name string) bool {
	for _, f := range a.In(dir) {
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv != nil && fn.Name.Name == "TableName" && strings.TrimPrefix(a.Text(f, fn.Recv.List[0].Type), "*") == name {
				return true
			}
		}
	}
	return false
}
