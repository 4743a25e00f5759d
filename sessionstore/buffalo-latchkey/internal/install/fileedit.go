package install

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"slices"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// A fileEdit collects what changes in one Go file.
type fileEdit struct {
	file  *buffaloapp.File
	edits []gosrc.Edit
	add   map[string]string // import path to name, mostly empty
	drop  []string          // imports that may be unused afterwards
}

func (p *planner) edit(f *buffaloapp.File) *fileEdit {
	if p.edits[f.Path] == nil {
		p.edits[f.Path] = &fileEdit{file: f, add: map[string]string{}}
	}
	return p.edits[f.Path]
}

// replace puts text in the place of an expression.
func (p *planner) replace(f *buffaloapp.File, n ast.Node, text string) {
	p.insert(f, p.app.Offset(n.Pos()), p.app.Offset(n.End()), text)
}

func (p *planner) insert(f *buffaloapp.File, start, end int, text string) {
	e := p.edit(f)
	e.edits = append(e.edits, gosrc.Edit{Start: start, End: end, Text: text})
}

// use adds an import to a file and returns the name for it there.
func (p *planner) use(f *buffaloapp.File, importPath string) string {
	for _, spec := range f.AST.Imports {
		if gosrc.ImportPath(spec) == importPath {
			return gosrc.NameOf(spec)
		}
	}
	name := path.Base(importPath)
	alias := ""
	if p.app.TopLevel(f.Dir())[name] || buffaloapp.ImportOf(f, name) != nil {
		alias = "latchkey" + name
		name = alias
	}
	p.edit(f).add[importPath] = alias
	return name
}

// mayDrop names the imports of an expression that goes away.
func (p *planner) mayDrop(f *buffaloapp.File, e ast.Expr) {
	ast.Inspect(e, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				if spec := buffaloapp.ImportOf(f, id.Name); spec != nil {
					edit := p.edit(f)
					edit.drop = append(edit.drop, gosrc.ImportPath(spec))
				}
			}
		}
		return true
	})
}

func (p *planner) finishEdits() error {
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(p.edits)) {
		after, err := p.edits[name].result(p.app.Module)
		if err != nil {
			return fmt.Errorf("edit %s: %w", name, err)
		}
		before := string(p.edits[name].file.Src)
		if before != after {
			changes = append(changes, Change{Path: name, Before: before, After: after, Exists: true})
		}
	}
	p.Changes = append(changes, p.Changes...)
	return nil
}

func (e *fileEdit) result(module string) (string, error) {
	src, err := gosrc.Apply(e.file.Src, e.edits)
	if err != nil {
		return "", err
	}
	for _, importPath := range slices.Sorted(maps.Keys(e.add)) {
		if src, err = gosrc.AddImport(src, module, e.add[importPath], importPath); err != nil {
			return "", err
		}
	}
	if src, err = gosrc.DropUnusedImports(src, e.drop); err != nil {
		return "", err
	}
	src, err = gosrc.Format(e.file.Src, src)
	return string(src), err
}
