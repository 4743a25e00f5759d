package install

import (
	"fmt"
	"go/ast"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// oldStore is the session store that the app had. It is zero for Buffalo's cookie
// store.
type oldStore struct {
	value   ast.Expr
	file    *buffaloapp.File // that value is in
	code    string           // of the value
	empty   bool             // it kept no sessions
	isLocal bool             // it uses variables of its function
}

// setOption sets SessionStore: where the app assigns it, or else in buffalo.Options.
func (p *planner) setOption() error {
	want := p.store + "()"
	switch assignments := p.storeAssignments(); {
	case len(assignments) > 1:
		p.manualAssignments(assignments, want)
	case len(assignments) == 1:
		p.replaceStore(assignments[0].File, assignments[0].Expr, want)
	case p.call != nil && p.call.Options != nil:
		p.setEntry(p.call.Options, want)
	case p.call != nil && p.call.OptionsVar != "" && p.call.Stmt != nil:
		p.assignOption(want)
	default:
		p.manualOption(want)
	}
	return nil
}

func (p *planner) storeAssignments() []buffaloapp.Spot {
	if p.call == nil {
		return nil
	}
	return p.app.StoreAssignments(p.call)
}

// manualAssignments names the lines that set the store. Which of them counts is for
// the owner to say.
func (p *planner) manualAssignments(assignments []buffaloapp.Spot, want string) {
	for _, a := range assignments {
		if p.app.Text(a.File, a.Expr) != want {
			p.manual(p.app.Place(a.Expr), "this is one of several lines that set the session store", "SessionStore = "+want)
		}
	}
}

// replaceStore puts the new store in the place of the old one.
func (p *planner) replaceStore(f *buffaloapp.File, old ast.Expr, want string) {
	if p.app.Text(f, old) == want {
		return
	}
	p.keepOldStore(f, old)
	p.replace(f, old, want)
}

func (p *planner) setEntry(options *buffaloapp.Literal, want string) {
	if entry := options.Entry("SessionStore"); entry != nil {
		p.replaceStore(options.File, entry.Value, want)
		return
	}
	p.addEntry(options, "SessionStore: "+want)
}

// assignOption sets the option in front of buffalo.New.
func (p *planner) assignOption(want string) {
	f := p.call.File
	at := p.app.Offset(p.withComment(f, p.call.Stmt))
	p.insert(f, at, at, p.call.OptionsVar+".SessionStore = "+want+"\n"+gosrc.Indent(f.Src, at))
}

func (p *planner) manualOption(want string) {
	where := "the file with buffalo.New"
	if p.call != nil {
		where = fmt.Sprintf("%s, function %s, in the buffalo.Options", p.app.Place(p.call.Call), buffaloapp.Function(p.call.File, p.call.Call.Pos()))
	}
	p.manual(where, "buffalo.Options{…} was not found next to buffalo.New", "SessionStore: "+want+",")
}

// addEntry adds an entry behind SessionName, or else as the last one.
func (p *planner) addEntry(options *buffaloapp.Literal, entry string) {
	f, lit := options.File, options.Lit
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
	if name := options.Entry("SessionName"); name != nil && p.aloneOnLine(lit, name) {
		anchor = name
	}
	at := gosrc.LineEnd(f.Src, p.app.Offset(anchor.End()))
	p.insert(f, at, at, "\n"+gosrc.Indent(f.Src, p.app.Offset(anchor.Pos()))+entry+",")
}

func (p *planner) aloneOnLine(lit *ast.CompositeLit, elt ast.Node) bool {
	line := p.app.Fset.Position(elt.End()).Line
	for _, other := range lit.Elts {
		if other != elt && p.app.Fset.Position(other.Pos()).Line == line {
			return false
		}
	}
	return true
}

// keepOldStore remembers the store that the app had, so that its sessions are
// adopted.
func (p *planner) keepOldStore(f *buffaloapp.File, value ast.Expr) {
	p.oldStore = oldStore{
		value: value, file: f, code: p.app.Text(f, value), isLocal: buffaloapp.UsesLocals(f, value),
	}
	if strings.Contains(p.oldStore.code, "Null{}") {
		p.oldStore.empty = true
		p.note("%s kept no sessions at all (%s). Now the app keeps them.", p.app.Place(value), p.oldStore.code)
	}
	if p.oldStore.empty || !p.oldStore.isLocal || p.opts.AdoptUntil.IsZero() {
		p.mayDrop(f, value)
	}
}

// importsOf returns the imports that an expression needs, path to name.
func importsOf(f *buffaloapp.File, e ast.Expr) map[string]string {
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
