package buffaloapp

import (
	"go/ast"
	"regexp"
	"sort"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// A UserKey is a session value that may hold the user's ID.
type UserKey struct {
	Key string
	// Constant is the name of the constant that the app has for it in the
	// package of the handlers.
	Constant string
	// Place is where it is set, or else read.
	Place string
	// SetsID: it is set to an ID somewhere. InSignIn: in a function or file that
	// signs users in.
	SetsID, InSignIn bool
}

var (
	userKeyName = regexp.MustCompile(`(?i)^(.*[_-])?(user|member|account|customer|admin|person)[_-]?(id|uuid)?$|^(uid|login)$|UserID$`)
	// notYetName names a user who is about to prove something, and is not signed in.
	notYetName = regexp.MustCompile(`(?i:(^|[_-])(pre|pending|temp|tmp|unverified|unconfirmed|verify|verification|reset|forgot|otp|totp|mfa|2fa|two[_-]?factor)[_-])|^(pre|pending|temp|tmp|unverified|unconfirmed|verify|reset|forgot|otp|totp|mfa)[A-Z]`)
	idName     = regexp.MustCompile(`(?i)id$`)
	signInName = regexp.MustCompile(`(?i)auth|log.?in|logged|sign.?in|session|create|register`)
	idValue    = regexp.MustCompile(`(?i)(\.|^)(uu)?id\b|(user|member|account|customer|admin|person)_?id\b|\.ID\b`)
)

// UserKeys returns the session values that may hold the user's ID, the likely
// ones first.
func (a *App) UserKeys(actionsDir string) []UserKey {
	found := map[string]*UserKey{}
	for _, f := range a.Code() {
		constants := a.stringConstants(f.Dir())
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				a.noteUserKey(found, f, call, constants, actionsDir)
			}
			return true
		})
	}
	var keys []UserKey
	for _, key := range found {
		if key.SetsID || idName.MatchString(key.Key) { // else it may hold a whole user
			keys = append(keys, *key)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].rank() != keys[j].rank() {
			return keys[i].rank() > keys[j].rank()
		}
		return keys[i].Key < keys[j].Key
	})
	return keys
}

func (k UserKey) rank() int {
	switch {
	case k.SetsID && k.InSignIn:
		return 2
	case k.SetsID:
		return 1
	}
	return 0
}

// ChooseUserKey returns the key if there is no doubt. Without any it returns nil
// and true.
func ChooseUserKey(keys []UserKey) (*UserKey, bool) {
	if len(keys) == 0 {
		return nil, true
	}
	if len(keys) == 1 || keys[0].rank() > keys[1].rank() {
		return &keys[0], true
	}
	return nil, false
}

func (a *App) noteUserKey(found map[string]*UserKey, f *File, call *ast.CallExpr, constants map[string]string, actionsDir string) {
	method, key, constant := a.sessionCall(f, call, constants)
	if method == "" || !userKeyName.MatchString(key) || notYetName.MatchString(key) {
		return
	}
	note := found[key]
	if note == nil {
		note = &UserKey{Key: key, Place: a.Place(call)}
		found[key] = note
	}
	if f.Dir() == actionsDir && constant != "" {
		note.Constant = constant
	}
	if method != "Set" || len(call.Args) != 2 || !a.isID(f, call.Args[1]) {
		return
	}
	signsIn := signInName.MatchString(Function(f, call.Pos())) || signInName.MatchString(f.Path)
	if !note.SetsID || signsIn && !note.InSignIn {
		note.Place = a.Place(call)
	}
	note.SetsID, note.InSignIn = true, note.InSignIn || signsIn
}

// isID reports whether a value looks like the ID of a record of the app, and not
// like one that another site sent.
func (a *App) isID(f *File, e ast.Expr) bool {
	_, indexed := e.(*ast.IndexExpr)
	return !indexed && idValue.MatchString(a.Text(f, e))
}

// sessionCall reads c.Session().Set("key", …) and session.Get(key).
func (a *App) sessionCall(f *File, call *ast.CallExpr, constants map[string]string) (method, key, constant string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 || !isSession(sel.X) {
		return "", "", ""
	}
	switch sel.Sel.Name {
	case "Set", "Get", "GetOnce", "Delete":
	default:
		return "", "", ""
	}
	if value, ok := literal(call.Args[0]); ok {
		return sel.Sel.Name, value, ""
	}
	if id, ok := call.Args[0].(*ast.Ident); ok && !isLocal(f, id) && constants[id.Name] != "" {
		return sel.Sel.Name, constants[id.Name], id.Name
	}
	if value := a.importedConstant(f, call.Args[0]); value != "" {
		return sel.Sel.Name, value, ""
	}
	return "", "", ""
}

// importedConstant is the value of a constant in another package of the app.
func (a *App) importedConstant(f *File, e ast.Expr) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok || pkg.Obj != nil {
		return ""
	}
	spec := ImportOf(f, pkg.Name)
	if spec == nil {
		return ""
	}
	dir, own := strings.CutPrefix(gosrc.ImportPath(spec), a.Module+"/")
	if !own {
		return ""
	}
	return a.stringConstants(dir)[sel.Sel.Name]
}

// isSession reports whether e is c.Session(), or a variable that was given it.
func isSession(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CallExpr:
		sel, ok := e.Fun.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Session" && len(e.Args) == 0
	case *ast.Ident:
		if e.Obj == nil {
			return false
		}
		switch decl := e.Obj.Decl.(type) {
		case *ast.AssignStmt:
			return len(decl.Rhs) == 1 && isSession(decl.Rhs[0])
		case *ast.Field:
			star, ok := decl.Type.(*ast.StarExpr)
			if !ok {
				return false
			}
			sel, ok := star.X.(*ast.SelectorExpr)
			return ok && sel.Sel.Name == "Session"
		}
	}
	return false
}
