package gosrc

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ImportPath is the path of an import without its quotes.
func ImportPath(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// BaseName guesses the package name of an import path, as goimports does: the
// last element without a major version, or what stands behind "mw-" or "go-".
func BaseName(importPath string) string {
	name := path.Base(importPath)
	if majorVersion.MatchString(name) {
		name = path.Base(path.Dir(importPath))
	}
	if dot := strings.Index(name, ".v"); dot > 0 {
		name = name[:dot]
	}
	if dash := strings.LastIndex(name, "-"); dash >= 0 {
		name = name[dash+1:]
	}
	return name
}

// NameOf is the name under which the file uses an import.
func NameOf(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return BaseName(ImportPath(spec))
}

// AddImport adds an import if it is not there, beside the imports that resemble it
// most. The name may be empty. Module is the one that the file belongs to.
func AddImport(src []byte, module, name, importPath string) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	line := strings.TrimSpace(name + " " + strconv.Quote(importPath))
	var best *ast.ImportSpec
	bestLikeness := 0
	for _, spec := range file.Imports {
		if ImportPath(spec) == importPath {
			return src, nil
		}
		l := likeness(ImportPath(spec), module, importPath)
		if best == nil || l > bestLikeness || l == bestLikeness && l < 0 { // the last of the standard library
			best, bestLikeness = spec, l
		}
	}
	if best == nil {
		at := fset.Position(file.Name.End()).Offset
		return Apply(src, []Edit{{at, at, "\n\nimport " + line}})
	}
	return Apply(src, []Edit{placeImport(src, fset, file, best, line, importPath)})
}

// likeness is 1 and the number of leading path elements that two imports share. It is
// 0 for the file's own module, and -1 if only one of them is of the standard library.
func likeness(a, module, b string) int {
	switch {
	case a == module || strings.HasPrefix(a, module+"/"):
		return 0
	case isStandard(a) != isStandard(b):
		return -1
	}
	n := 0
	aParts, bParts := strings.Split(a, "/"), strings.Split(b, "/")
	for n < len(aParts) && n < len(bParts) && aParts[n] == bParts[n] {
		n++
	}
	return 1 + n
}

func isStandard(importPath string) bool {
	return !strings.Contains(strings.Split(importPath, "/")[0], ".")
}

func placeImport(src []byte, fset *token.FileSet, file *ast.File, best *ast.ImportSpec, line, importPath string) Edit {
	offset := func(pos token.Pos) int { return fset.Position(pos).Offset }
	decl := declOf(file, best)
	if !decl.Lparen.IsValid() {
		at := LineEnd(src, offset(decl.End()))
		return Edit{at, at, "\nimport " + line}
	}
	if isStandard(ImportPath(best)) != isStandard(importPath) { // a group of its own
		at := LineEnd(src, offset(best.End()))
		return Edit{at, at, "\n\n\t" + line}
	}
	after := best
	for _, spec := range group(fset, decl, best) {
		if ImportPath(spec) > importPath {
			at := offset(spec.Pos())
			return Edit{at, at, line + "\n\t"}
		}
		after = spec
	}
	at := LineEnd(src, offset(after.End()))
	return Edit{at, at, "\n\t" + line}
}

func declOf(file *ast.File, spec *ast.ImportSpec) *ast.GenDecl {
	for _, decl := range file.Decls {
		if gen, ok := decl.(*ast.GenDecl); ok && gen.Pos() <= spec.Pos() && spec.End() <= gen.End() {
			return gen
		}
	}
	return nil
}

// group returns the imports around spec that no blank line divides from it.
func group(fset *token.FileSet, decl *ast.GenDecl, spec *ast.ImportSpec) []*ast.ImportSpec {
	var current []*ast.ImportSpec
	found, lastLine := false, -1
	for _, s := range decl.Specs {
		imp := s.(*ast.ImportSpec)
		line := fset.Position(imp.Pos()).Line
		if lastLine >= 0 && line > lastLine+1 {
			if found {
				return current
			}
			current = nil
		}
		current, lastLine = append(current, imp), line
		found = found || imp == spec
	}
	return current
}

// DropUnusedImports removes those of the given imports that the file no longer
// uses.
func DropUnusedImports(src []byte, importPaths []string) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("read the edited file: %w", err)
	}
	var edits []Edit
	for _, spec := range file.Imports {
		if slices.Contains(importPaths, ImportPath(spec)) && !Uses(file, NameOf(spec)) {
			edits = append(edits, dropImport(src, fset, file, spec))
		}
	}
	return Apply(src, edits)
}

// Uses reports whether the file has an expression like name.X.
func Uses(file *ast.File, name string) bool {
	used := false
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == name && id.Obj == nil {
				used = true
			}
		}
		return !used
	})
	return used || name == "_" || name == "."
}

func dropImport(src []byte, fset *token.FileSet, file *ast.File, spec *ast.ImportSpec) Edit {
	var node ast.Node = spec
	if decl := declOf(file, spec); !decl.Lparen.IsValid() || len(decl.Specs) == 1 {
		node = decl
	}
	start := LineStart(src, fset.Position(node.Pos()).Offset)
	end := fset.Position(node.End()).Offset
	if newline := bytes.IndexByte(src[end:], '\n'); newline >= 0 {
		end += newline + 1
	}
	return Edit{start, end, ""}
}
