package install

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

// ErrNoUserKey says that the user's key is in doubt.
var ErrNoUserKey = errors.New("cannot tell which session value holds the user's ID")

// A storeFile is what the template of session_store.go needs.
type storeFile struct {
	Package string
	Imports []string
	// Store is the name of the function; Var, Once and Old those of its variables.
	Store, Var, Once, Old string
	Connection, UserKey   string
	// Env is the code that reads the app's environment, or nothing if the
	// package has the variable ENV.
	Env               string
	Adopt, AdoptUntil string
	// Names of the imports in this file.
	Log, Sync, Time, SessionStore, Kit string
}

var storeTemplate = template.Must(template.New("session_store.go").Parse(`package {{.Package}}

import (
{{range .Imports}}{{.}}
{{end}})

var (
	{{.Var}} *{{.SessionStore}}.Store
	{{.Once}} {{.Sync}}.Once
{{- if .Old}}

	// {{.Old}} is the store that the app had before.
	{{.Old}} sessions.Store
{{- end}}
)

// {{.Store}} returns the store that keeps the app's sessions in the database.
// The first call opens it.
//
// Users are signed out after 1 hour without a request, and 24 hours after they
// signed in. Buffalo's cookie lasted 30 days. To change this, set IdleTimeout and
// Lifetime below.
func {{.Store}}() *{{.SessionStore}}.Store {
	{{.Once}}.Do(func() {
		secrets, err := {{.Kit}}.Secrets()
		if err != nil {
			{{.Log}}.Fatalf("session store: %v", err)
		}
{{- if .Env}}
		env := {{.Env}}
{{- end}}
		{{.Var}}, err = {{.SessionStore}}.New({{.Connection}}, {{.SessionStore}}.Options{
			Secrets: secrets,
{{- if .UserKey}}
			// The session value that holds the user's ID. Setting it signs the user
			// in: the session gets a new ID and is listed under the user.
			UserKey: {{.UserKey}},
{{- end}}
			// A session that only holds what Buffalo itself puts into it is not stored.
			Ignore: {{.Kit}}.Ignore,
			// Browsers send secure cookies over HTTPS only.
			Cookie: {{.SessionStore}}.Cookie{Insecure: {{if .Env}}env == "development" || env{{else}}ENV == "development" || ENV{{end}} == "test"},
{{- if .Adopt}}
			// Users who are signed in with the old cookie stay signed in. Remove
			// these two lines after the date.
			Adopt: {{.Adopt}},
			AdoptUntil: {{.AdoptUntil}},
{{- end}}
		})
		if err != nil {
			{{.Log}}.Fatalf("session store: %v", err)
		}
	})
	return {{.Var}}
}
`))

// addStoreFile writes session_store.go, unless the package has such a function.
func (p *planner) addStoreFile() error {
	if p.app.StoreFunc(p.dir) != "" {
		return nil
	}
	taken := p.app.TopLevel(p.dir)
	connection, err := p.app.FindConnection(p.dir)
	if err != nil {
		return err
	}
	userKey, err := p.userKey()
	if err != nil {
		return err
	}
	im := importList{taken: taken}
	file := storeFile{
		Package: p.app.PackageName(p.dir),
		Store:   p.store,
		Var:     freeName(taken, "sessionStore", "databaseSessionStore", "latchkeySessionStore"),
		Once:    freeName(taken, "sessionStoreOnce", "databaseSessionStoreOnce", "latchkeySessionStoreOnce"),
		UserKey: userKey,
		Log:     im.name("log", ""), Sync: im.name("sync", ""),
		SessionStore: im.name(storePackage, ""), Kit: im.name(kitPackage, ""),
	}
	file.Connection = connection.Code
	if connection.Package != p.app.ImportPath(p.dir) {
		file.Connection = im.name(connection.Package, connection.Alias) + "." + connection.Code
	}
	p.adopt(&file, &im, taken)
	p.development(&file, &im, taken)
	file.Imports = im.lines(p.app.Module)
	return p.writeStoreFile(file)
}

func (p *planner) writeStoreFile(file storeFile) error {
	var out bytes.Buffer
	if err := storeTemplate.Execute(&out, file); err != nil {
		return fmt.Errorf("write session_store.go: %w", err)
	}
	src, err := format.Source(out.Bytes())
	if err != nil {
		return fmt.Errorf("write session_store.go: %w", err)
	}
	p.create(p.freeFile(p.dir, "session_store.go", "database_session_store.go"), string(src))
	return nil
}

// userKey is the user's key as Go code, or nothing for the store's default.
func (p *planner) userKey() (string, error) {
	if p.opts.UserKey != "" {
		return strconv.Quote(p.opts.UserKey), nil
	}
	keys := p.app.UserKeys(p.dir)
	key, sure := buffaloapp.ChooseUserKey(keys)
	if !sure {
		chosen, err := p.opts.Choose(keys)
		return strconv.Quote(chosen), err
	}
	if key == nil {
		p.note("No session value with a user's ID was found. If this app signs users in under a name other than user_id or current_user_id, undo and run the command again with --user-key NAME.")
		return "", nil
	}
	p.note("The user's ID is the session value %q (%s).", key.Key, key.Place)
	if key.Constant != "" {
		return key.Constant, nil
	}
	return strconv.Quote(key.Key), nil
}

// adopt fills in the old store.
func (p *planner) adopt(file *storeFile, im *importList, taken map[string]bool) {
	old := p.oldStore
	if p.opts.AdoptUntil.IsZero() || old.empty {
		return
	}
	y, m, d := p.opts.AdoptUntil.Date()
	file.Time = im.name("time", "")
	file.AdoptUntil = fmt.Sprintf("%s.Date(%d, %s.%s, %d, 0, 0, 0, 0, %[1]s.UTC)", file.Time, y, file.Time, m, d)
	switch {
	case old.value == nil:
		file.Adopt = file.Kit + ".OldCookies()"
	case old.isLocal:
		file.Old = freeName(taken, "oldSessionStore", "cookieSessionStore", "latchkeyOldStore")
		file.Adopt = file.Old
		im.name("github.com/gorilla/sessions", "")
		p.assignOldStore(file.Old)
	default:
		file.Adopt = old.code
		for importPath, name := range importsOf(old.file, old.value) {
			im.name(importPath, name)
		}
	}
}

// assignOldStore keeps the old store in a package variable, in front of the
// statement that had it.
func (p *planner) assignOldStore(variable string) {
	f := p.oldStore.file
	at := p.app.Offset(p.withComment(f, buffaloapp.StatementOf(f, p.oldStore.value)))
	indent := gosrc.Indent(f.Src, at)
	p.insert(f, at, at, "// "+p.store+" adopts the sessions of this store.\n"+indent+variable+" = "+p.oldStore.code+"\n\n"+indent)
}

// development fills in how the package tells that it runs in development.
func (p *planner) development(file *storeFile, im *importList, taken map[string]bool) {
	if taken["ENV"] {
		return
	}
	file.Env = im.name("github.com/gobuffalo/envy", "") + `.Get("GO_ENV", "development")`
}

// An importList collects the imports of a new file and gives them names that its
// package does not have.
type importList struct {
	taken map[string]bool
	names map[string]string // path to name
}

func (l *importList) name(importPath, name string) string {
	if l.names == nil {
		l.names = map[string]string{}
	}
	if old, ok := l.names[importPath]; ok {
		return old
	}
	if name == "" {
		name = gosrc.BaseName(importPath)
	}
	for l.taken[name] || slices.Contains(slices.Collect(maps.Values(l.names)), name) {
		name = "latchkey" + name
	}
	l.names[importPath] = name
	return name
}

// lines are the import lines in three groups: the standard library, other
// modules, and the app.
func (l *importList) lines(module string) []string {
	var standard, others, own []string
	for _, importPath := range slices.Sorted(maps.Keys(l.names)) {
		line := strconv.Quote(importPath)
		if name := l.names[importPath]; name != path.Base(importPath) && name != gosrc.BaseName(importPath) {
			line = name + " " + line
		}
		switch {
		case importPath == module || strings.HasPrefix(importPath, module+"/"):
			own = append(own, line)
		case !strings.Contains(strings.Split(importPath, "/")[0], "."):
			standard = append(standard, line)
		default:
			others = append(others, line)
		}
	}
	lines := append(standard, "")
	lines = append(lines, others...)
	if len(own) > 0 {
		lines = append(append(lines, ""), own...)
	}
	return lines
}
