package install

import (
	"fmt"
	"go/ast"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// oldStore is the session store that the app had.
type oldStore struct {
	code    string            // of the store, as Go
	imports map[string]string // that the code needs, path to name
	isLocal bool              // uses variables of its function
	value   ast.Expr          // nil if the app had Buffalo's cookie store
	file    *buffaloapp.File  // that value is in
}

// setOption sets SessionStore in buffalo.Options.
func (p *planner) setOption() error {
	want := p.store + "()"
	p.manualAssignments(want)
	if p.call == nil || p.call.Options == nil {
		p.manualOption(want)
		return nil
	}
	old := p.call.Option("SessionStore")
	if old == nil {
		p.addOption("SessionStore: " + want)
		return nil
	}
	if p.app.Text(p.call.File, old.Value) == want {
		return nil
	}
	p.keepOldStore(old.Value)
	p.replace(p.call.File, old.Value, want)
	return nil
}

// manualAssignments names the lines that would put another store in the place of
// ours.
func (p *planner) manualAssignments(want string) {
	if p.call == nil {
		return
	}
	for _, assign := range p.app.StoreAssignments(p.call, want) {
		place := p.app.Place(assign)
		p.manual(place, "this line replaces the session store that buffalo.New gets: remove it, or put this in its place", p.call.Var+".SessionStore = "+want)
	}
}

func (p *planner) manualOption(want string) {
	where := "the file with buffalo.New"
	if p.call != nil {
		if strings.Contains(string(p.call.File.Src), "SessionStore = "+want) {
			return
		}
		where = fmt.Sprintf("%s, function %s, in the buffalo.Options", p.app.Place(p.call.Call), buffaloapp.Function(p.call.File, p.call.Call.Pos()))
	}
	p.manual(where, "buffalo.Options{…} was not found next to buffalo.New", "SessionStore: "+want+",")
}

// addOption adds an entry behind SessionName, or else as the last one.
func (p *planner) addOption(entry string) {
	f, lit := p.call.File, p.call.Options
	line := func(n ast.Node) int { return p.app.Fset.Position(n.End()).Line }
	if len(lit.Elts) == 0 {
		at := p.app.Offset(lit.Lbrace) + 1
		p.insert(f, at, at, entry)
		return
	}
	last := lit.Elts[len(lit.Elts)-1]
	if line(last) == line(lit) { // the closing brace follows on the same line
		at := p.app.Offset(last.End())
		p.insert(f, at, at, ", "+entry)
		return
	}
	var anchor ast.Node = last
	if name := p.call.Option("SessionName"); name != nil && p.aloneOnLine(name) {
		anchor = name
	}
	at := gosrc.LineEnd(f.Src, p.app.Offset(anchor.End()))
	p.insert(f, at, at, "\n"+gosrc.Indent(f.Src, p.app.Offset(anchor.Pos()))+entry+",")
}

func (p *planner) aloneOnLine(elt ast.Node) bool {
	line := p.app.Fset.Position(elt.End()).Line
	for _, other := range p.call.Options.Elts {
		if other != elt && p.app.Fset.Position(other.Pos()).Line == line {
			return false
		}
	}
	return true
}

// keepOldStore remembers the store that the option had, so that its sessions are
// taken over.
func (p *planner) keepOldStore(value ast.Expr) {
	f := p.call.File
	p.oldStore = oldStore{code: p.app.Text(f, value), value: value, file: f}
	if strings.Contains(p.oldStore.code, "Null{}") {
		p.oldStore.code = ""
		p.note("%s kept no sessions at all (%s). Now it does.", p.app.Place(value), p.app.Text(f, value))
		p.mayDrop(f, value)
		return
	}
	p.oldStore.isLocal = buffaloapp.UsesLocals(f, value)
	if !p.oldStore.isLocal || p.opts.AdoptUntil.IsZero() {
		p.oldStore.imports = p.importsOf(f, value)
		p.mayDrop(f, value)
	}
}

func (p *planner) importsOf(f *buffaloapp.File, e ast.Expr) map[string]string {
	imports := map[string]string{}
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Obj == nil {
			if spec := buffaloapp.ImportOf(f, id.Name); spec != nil {
				imports[gosrc.ImportPath(spec)] = ""
				if spec.Name != nil {
					imports[gosrc.ImportPath(spec)] = spec.Name.Name
				}
			}
		}
		return true
	})
	return imports
}
