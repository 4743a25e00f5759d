package install

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// addRequire puts sessionmw.Require in front of the first middleware that may
// need the session.
func (p *planner) addRequire() error {
	if len(p.app.Requires()) > 0 {
		return nil
	}
	stack := p.app.Stack(p.call)
	if stack == nil {
		p.manual("the function with buffalo.New, in front of the first app.Use", "the variable with the app was not found",
			"// Answer 503 when the session could not be loaded.\napp.Use(sessionmw.Require)")
		return nil
	}
	f := stack.File
	kit := p.use(f, kitPackage)
	anchor, before := p.requirePlace(stack)
	indent := gosrc.Indent(f.Src, p.app.Offset(anchor.Pos()))
	text := "// Answer 503 when the session could not be loaded.\n" + indent + stack.Var + ".Use(" + kit + ".Require)"
	at := p.app.Offset(p.paragraph(stack, anchor))
	if before {
		text += "\n\n" + indent
	} else {
		at = gosrc.LineEnd(f.Src, p.app.Offset(anchor.End()))
		text = "\n\n" + indent + text
	}
	p.insert(f, at, at, text)
	return nil
}

// requirePlace is the statement that app.Use(sessionmw.Require) goes next to, and
// whether it goes before it.
func (p *planner) requirePlace(stack *buffaloapp.Stack) (anchor ast.Stmt, before bool) {
	last := stack.New
	for _, use := range stack.Uses() {
		if !p.app.Early(stack.File, use) {
			return use.Stmt, true
		}
		last = use.Stmt
	}
	return last, false
}

// paragraph is where the lines without a blank line that end with a statement
// start, as long as none of them is another middleware.
func (p *planner) paragraph(stack *buffaloapp.Stack, stmt ast.Stmt) token.Pos {
	start := p.withComment(stack.File, stmt)
	list := stack.Body.List
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Pos() >= stmt.Pos() {
			continue
		}
		adjacent := p.app.Fset.Position(list[i].End()).Line == p.app.Fset.Position(start).Line-1
		if !adjacent || stack.New != nil && list[i].Pos() <= stack.New.Pos() || usesMiddleware(stack, list[i]) {
			break
		}
		start = p.withComment(stack.File, list[i])
	}
	return start
}

func usesMiddleware(stack *buffaloapp.Stack, stmt ast.Stmt) bool {
	for _, use := range stack.Uses() {
		if use.Stmt == stmt {
			return true
		}
	}
	return false
}

// withComment is where the comment right above a statement starts, or else the
// statement.
func (p *planner) withComment(f *buffaloapp.File, stmt ast.Stmt) token.Pos {
	line := p.app.Fset.Position(stmt.Pos()).Line
	for _, group := range f.AST.Comments {
		start, end := p.app.Fset.Position(group.Pos()), p.app.Fset.Position(group.End())
		alone := gosrc.LineStart(f.Src, start.Offset)+len(gosrc.Indent(f.Src, start.Offset)) == start.Offset
		if end.Line == line-1 && alone {
			return group.Pos()
		}
	}
	return stmt.Pos()
}

func (p *planner) wrapTransactions() error {
	calls := p.app.Transactions()
	for _, t := range calls {
		if t.Wrapped {
			continue
		}
		kit := p.use(t.File, kitPackage)
		start, end := p.app.Offset(t.Call.Pos()), p.app.Offset(t.Call.End())
		p.insert(t.File, start, start, kit+".Transaction(")
		p.insert(t.File, end, end, ")")
	}
	if len(calls) == 0 {
		p.manualTransaction()
	}
	return nil
}

func (p *planner) manualTransaction() {
	if p.app.WrapsTransaction() {
		return
	}
	where, name := "the function with buffalo.New", "app"
	if p.call != nil {
		where = fmt.Sprintf("%s, function %s", p.call.File.Path, buffaloapp.Function(p.call.File, p.call.Call.Pos()))
		if p.call.Var != "" {
			name = p.call.Var
		}
	}
	p.manual(where, "popmw.Transaction was not found. If the app runs its requests in a transaction of its own, wrap that middleware; otherwise skip this",
		name+".Use(sessionmw.Transaction(yourTransactionMiddleware))")
}

// replaceCSRF puts sessionmw.CSRF in the place of csrf.New, also where it is
// skipped.
func (p *planner) replaceCSRF() error {
	if p.opts.KeepCSRF {
		return nil
	}
	spots := p.app.CSRF()
	for _, spot := range spots {
		kit := p.use(spot.File, kitPackage)
		p.mayDrop(spot.File, spot.Expr)
		p.replace(spot.File, spot.Expr, kit+".CSRF")
	}
	if len(spots) > 0 {
		p.note("sessionmw.CSRF replaces csrf.New: it refuses requests from other sites without a token, so that visitors need no session. A proxy in front of the app has to pass the header Host on unchanged. To keep csrf.New, use --keep-csrf.")
	}
	return nil
}

// replaceServe starts the store's cleanup beside the app.
func (p *planner) replaceServe() error {
	if len(p.app.ServesSessions()) > 0 {
		return nil
	}
	serves := p.app.Serves(p.dir)
	for _, s := range serves {
		kit := p.use(s.File, kitPackage)
		text := kit + ".Serve(" + p.app.Text(s.File, s.App)
		if len(s.Call.Args) > 0 {
			text += ", "
		}
		p.insert(s.File, p.app.Offset(s.Call.Pos()), p.app.Offset(s.Call.Lparen)+1, text)
	}
	if len(serves) == 0 {
		p.manualServe()
	}
	return nil
}

func (p *planner) manualServe() {
	where := "the function main, in place of app.Serve()"
	if files := p.app.MainFiles(p.dir); len(files) > 0 {
		where = strings.Join(files, " or ") + ", " + where
	}
	p.manual(where, "no call of Serve on a *buffalo.App was found",
		"if err := sessionmw.Serve(app); err != nil { // app is a *buffalo.App\n\tlog.Fatal(err)\n}")
}
