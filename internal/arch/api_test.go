package arch

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// docs/decisions/14 explains these limits.
const (
	maxNames        = 90
	maxStoreMethods = 15
)

func TestPublicAPI(t *testing.T) {
	api := readAPI(t, "../../sessionstore")
	if n := len(api); n > maxNames {
		t.Errorf("sessionstore exports %d names, want at most %d:\n%s", n, maxNames, strings.Join(api, "\n"))
	}
	methods := slices.DeleteFunc(slices.Clone(api), func(name string) bool { return !strings.HasPrefix(name, "Store.") })
	if n := len(methods); n == 0 || n > maxStoreMethods {
		t.Errorf("Store has %d methods, want 1 to %d: %v", n, maxStoreMethods, methods)
	}
}

// readAPI returns all exported names of the package in a folder, including methods and
// fields.
func readAPI(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	pkg, err := doc.NewFromFiles(fset, parsed, module)
	if err != nil {
		t.Fatal(err)
	}
	return namesOf(pkg)
}

func namesOf(pkg *doc.Package) (names []string) {
	values := slices.Concat(pkg.Consts, pkg.Vars)
	funcs := pkg.Funcs
	for _, typ := range pkg.Types {
		names = append(names, typ.Name)
		names = append(names, fieldsOf(typ)...)
		values = slices.Concat(values, typ.Consts, typ.Vars)
		funcs = slices.Concat(funcs, typ.Funcs)
		for _, method := range typ.Methods {
			names = append(names, typ.Name+"."+method.Name)
		}
	}
	for _, value := range values {
		names = append(names, value.Names...)
	}
	for _, f := range funcs {
		names = append(names, f.Name)
	}
	return names
}

// fieldsOf returns the exported fields of a struct. go/doc leaves out the others.
func fieldsOf(typ *doc.Type) (names []string) {
	for _, spec := range typ.Decl.Specs {
		fields, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range fields.Fields.List {
			for _, name := range field.Names {
				names = append(names, typ.Name+"#"+name.Name)
			}
		}
	}
	return names
}
