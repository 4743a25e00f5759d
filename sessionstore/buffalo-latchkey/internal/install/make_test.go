package install_test

import (
	"go/format"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
)

const (
	appFile   = "actions/app.go"
	storeFile = "actions/session_store.go"
	mainFile  = "cmd/app/main.go"
)

// makeTests are changes to the stock app, and the expected results. Each want or
// not is a file, a colon and some text.
var makeTests = []struct {
	name      string
	changes   []string
	want, not []string
	manual    int
}{
	{name: "stock", want: []string{
		appFile + ":SessionStore: SessionStore(),",
		appFile + ":app.Use(paramlogger.ParameterLogger)\n\n\t\t// Answer 503 when the session could not be loaded.\n\t\tapp.Use(sessionmw.Require)",
		appFile + ":app.Use(sessionmw.CSRF)",
		appFile + ":Skip(sessionmw.CSRF, HookHandler)",
		appFile + ":sessionmw.Transaction(popmw.Transaction(models.DB))",
		storeFile + `:UserKey: "current_user_id",`,
		storeFile + ":Adopt:      sessionmw.OldCookies(),",
		storeFile + ":time.Date(2026, time.March, 31, 0, 0, 0, 0, time.UTC)",
		mainFile + ":sessionmw.Serve(app); err != nil",
		"grifts/sessions.go:sessiontask.Register(actions.SessionStore)",
		"config/buffalo-plugins.toml:buffalo-latchkey@v1.2.3",
		"create_sessions.down.fizz:drop_table",
	}, not: []string{appFile + ":middleware/csrf", mainFile + ":app.Serve("}},
	{name: "import aliases", changes: []string{
		appFile, `"github.com/gobuffalo/middleware/csrf"`, `guard "github.com/gobuffalo/mw-csrf"`,
		appFile, "csrf.New", "guard.New",
		appFile, `"github.com/gobuffalo/buffalo-pop/v3/pop/popmw"`, `tx "github.com/gobuffalo/buffalo-pop/v3/pop/popmw"`,
		appFile, "popmw.Transaction", "tx.Transaction",
	}, want: []string{
		appFile + ":sessionmw.CSRF", appFile + ":sessionmw.Transaction(tx.Transaction(models.DB))",
	}, not: []string{appFile + ":guard"}},
	{name: "mw-csrf without an alias", changes: []string{
		appFile, "gobuffalo/middleware/csrf", "gobuffalo/mw-csrf",
	}, want: []string{appFile + ":Skip(sessionmw.CSRF"}, not: []string{appFile + ":mw-csrf"}},
	{name: "middleware in variables", changes: []string{
		appFile, "app.Use(csrf.New)", "guard := csrf.New\n\t\tapp.Use(guard)",
		appFile, "app.Use(popmw.Transaction(models.DB))", "tx := popmw.Transaction(models.DB)\n\t\tapp.Use(tx)",
	}, want: []string{appFile + ":guard := sessionmw.CSRF", appFile + ":tx := sessionmw.Transaction(popmw.Transaction(models.DB))"}},
	{name: "old store from a function", changes: []string{
		appFile, `"_coke_session",`, "\"_coke_session\",\n\t\t\tSessionStore: newStore(ENV),",
	}, want: []string{appFile + ":SessionStore: SessionStore(),", storeFile + ":Adopt:      newStore(ENV),"}},
	{name: "old store as a literal", changes: []string{
		appFile, `"_coke_session",`, "\"_coke_session\",\n\t\t\tSessionStore: sessions.NewCookieStore([]byte(key)),",
		appFile, `"github.com/gobuffalo/envy"`, "\"github.com/gobuffalo/envy\"\n\t\"github.com/gorilla/sessions\"",
	}, want: []string{storeFile + ":sessions.NewCookieStore([]byte(key)),", storeFile + `:"github.com/gorilla/sessions"`},
		not: []string{appFile + ":gorilla/sessions"}},
	{name: "old store from a local variable", changes: []string{
		appFile, "app = buffalo.New", "old := newStore()\n\t\tapp = buffalo.New",
		appFile, `"_coke_session",`, "\"_coke_session\",\n\t\t\tSessionStore: old,",
	}, want: []string{appFile + ":oldSessionStore = old\n\n\t\tapp = buffalo.New", storeFile + ":Adopt:      oldSessionStore,"}},
	{name: "options in a variable", changes: []string{
		appFile, "app = buffalo.New(buffalo.Options{", "opts := buffalo.Options{",
		appFile, "\"_coke_session\",\n\t\t})", "\"_coke_session\",\n\t\t}\n\t\tapp = buffalo.New(opts)",
	}, want: []string{appFile + ":SessionStore: SessionStore(),\n\t\t}"}},
	{name: "options from a function with a literal", changes: []string{
		appFile, "buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t}", "settings()",
		"actions/auth.go", "func AuthCreate", "func settings() buffalo.Options {\n\treturn buffalo.Options{\n\t\tEnv: ENV,\n\t}\n}\n\nfunc AuthCreate",
	}, want: []string{"actions/auth.go:Env: ENV,\n\t\tSessionStore: SessionStore(),"}},
	{name: "options from elsewhere in a variable", changes: []string{
		appFile, "app = buffalo.New(buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t})",
		"opts := buffalo.NewOptions()\n\t\topts.Env = ENV\n\t\tapp = buffalo.New(opts)",
	}, want: []string{appFile + ":opts.Env = ENV\n\t\topts.SessionStore = SessionStore()\n\t\tapp = buffalo.New(opts)"}},
	{name: "store assigned to the options", changes: []string{
		appFile, "app = buffalo.New(buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t})",
		"opts := buffalo.NewOptions()\n\t\topts.SessionStore = newStore(ENV)\n\t\tapp = buffalo.New(opts)",
	}, want: []string{appFile + ":opts.SessionStore = SessionStore()\n", storeFile + ":Adopt: newStore(ENV),"}},
	{name: "store assigned to the app", changes: []string{
		appFile, "// Automatically", "key := load()\n\t\tapp.SessionStore = newStore(key)\n\n\t\t// Automatically",
	}, want: []string{
		appFile + ":oldSessionStore = newStore(key)\n\n\t\tapp.SessionStore = SessionStore()",
		storeFile + ":Adopt: oldSessionStore,",
	}, not: []string{appFile + ":SessionStore: SessionStore()"}},
	{name: "local store in options in a variable", changes: []string{
		appFile, "app = buffalo.New(buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t})",
		"old := newStore()\n\t\topts := buffalo.Options{SessionStore: old}\n\t\tapp = buffalo.New(opts)",
	}, want: []string{appFile + ":oldSessionStore = old\n\n\t\topts := buffalo.Options{SessionStore: SessionStore()}"}},
	{name: "app made in a function of its own", changes: []string{
		appFile, "app = buffalo.New(buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t})", "app = newApp()",
		"actions/auth.go", "func AuthCreate", "func newApp() *buffalo.App {\n\treturn buffalo.New(buffalo.Options{Env: ENV})\n}\n\nfunc AuthCreate",
	}, want: []string{
		"actions/auth.go:buffalo.Options{Env: ENV, SessionStore: SessionStore()}",
		appFile + ":app.Use(paramlogger.ParameterLogger)\n\n\t\t// Answer 503 when the session could not be loaded.\n\t\tapp.Use(sessionmw.Require)",
	}},
	{name: "app in a variable of the package", changes: []string{
		appFile, "app     *buffalo.App", "app = buffalo.New(buffalo.Options{Env: ENV})",
		appFile, "app = buffalo.New(buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t})\n\n", "",
	}, want: []string{
		appFile + ":app = buffalo.New(buffalo.Options{Env: ENV, SessionStore: SessionStore()})",
		appFile + ":app.Use(sessionmw.Require)",
	}},
	{name: "options on one line", changes: []string{
		appFile, "{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t}", `{SessionName: "_coke_session"}`,
	}, want: []string{appFile + `:{SessionName: "_coke_session", SessionStore: SessionStore()}`}},
	{name: "names are taken", changes: []string{
		"actions/auth.go", "func AuthCreate", "var SessionStore, sessionStore, log int\n\nfunc AuthCreate",
	}, want: []string{
		appFile + ":SessionStore: DatabaseSessionStore(),",
		storeFile + ":func DatabaseSessionStore()", storeFile + `:latchkeylog "log"`,
		"grifts/sessions.go:actions.DatabaseSessionStore",
	}},
	{name: "user key in a constant", changes: []string{
		"actions/auth.go", `"current_user_id"`, "userKey",
		"actions/auth.go", "func AuthCreate", "const userKey = \"member_id\"\n\nfunc AuthCreate",
	}, want: []string{storeFile + ":UserKey: userKey,"}},
	{name: "session in a variable", changes: []string{
		"actions/auth.go", `c.Session().Set("current_user_id"`, "s := c.Session()\n\ts.Set(\"member_id\"",
	}, want: []string{storeFile + `:UserKey: "member_id",`}},
	{name: "ID of another site", changes: []string{
		"actions/auth.go", "return nil", "c.Session().Set(\"soundcloud_user_id\", info[\"id\"])\n\treturn nil",
	}, want: []string{storeFile + `:UserKey: "current_user_id",`}},
	{name: "users who are not signed in yet", changes: []string{
		"actions/auth.go", "return nil", "s := c.Session()\n\ts.Set(\"pre_verification_user_id\", u.ID)\n\ts.Set(\"reset_user_id\", u.ID)\n\ts.Set(\"login_otp_user_id\", u.ID)\n\ts.Set(\"pendingUserID\", u.ID)\n\treturn nil",
	}, want: []string{storeFile + `:UserKey: "current_user_id",`}},
	{name: "a name that only begins like one of those", changes: []string{
		"actions/auth.go", `"current_user_id"`, `"premium_user_id"`,
	}, want: []string{storeFile + `:UserKey: "premium_user_id",`}},
	{name: "serve with a server", changes: []string{
		mainFile, "app := actions.App()\n\tif err := app.Serve()", "if err := actions.App().Serve(server)",
	}, want: []string{mainFile + ":sessionmw.Serve(actions.App(), server)"}},
	{name: "serve in a function", changes: []string{
		mainFile, "\tapp := actions.App()\n\tif err := app.Serve()", "\trun(actions.App())\n}\n\nfunc run(app *buffalo.App) {\n\tif err := app.Serve()",
		mainFile, "\"coke/actions\"", "\"coke/actions\"\n\n\t\"github.com/gobuffalo/buffalo\"",
	}, want: []string{mainFile + ":sessionmw.Serve(app); err != nil"}},
	{name: "no serve", changes: []string{mainFile, "app.Serve()", "start(app)"}, manual: 1},
	{name: "no transaction", changes: []string{
		appFile, "app.Use(popmw.Transaction(models.DB))", "", appFile, "\t\"github.com/gobuffalo/buffalo-pop/v3/pop/popmw\"\n", "",
	}, want: []string{storeFile + ":sessionstore.New(models.DB,"}, manual: 1},
	{name: "options from a function", changes: []string{
		appFile, "buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t}", "settings()",
	}, want: []string{appFile + ":sessionmw.Require"}, manual: 1},
	{name: "dialects differ", changes: []string{"database.yml", "production:\n  dialect: sqlite3", "production:\n  dialect: postgres"},
		want: []string{"create_sessions.up.fizz:{{ $key }}"}},
	{name: "MySQL", changes: []string{"database.yml", "sqlite3", "mysql"}, want: []string{"create_sessions.up.fizz:MEDIUMBLOB"}},
	{name: "dialect from the URL", changes: []string{"database.yml", "dialect: sqlite3", `url: {{envOr "LK_TEST" "mysql://u@h/d"}}`},
		want: []string{"create_sessions.up.fizz:MEDIUMBLOB"}},
}

func TestMake(t *testing.T) {
	for _, test := range makeTests {
		t.Run(test.name, func(t *testing.T) {
			p := mustPlan(t, edit(t, test.changes...), options())
			check(t, p, test.want, true)
			check(t, p, test.not, false)
			if len(p.Manual) != test.manual {
				t.Errorf("%d edits are left to the owner, want %d: %v", len(p.Manual), test.manual, p.Manual)
			}
			checkFormat(t, p)
		})
	}
}

func check(t *testing.T, p *install.Plan, texts []string, want bool) {
	t.Helper()
	for _, text := range texts {
		name, part, _ := strings.Cut(text, ":")
		if has := strings.Contains(squeeze(after(p, name)), squeeze(part)); has != want {
			t.Errorf("%s has %q: %v, want %v:\n%s", name, part, has, want, after(p, name))
		}
	}
}

// squeeze removes the alignment that gofmt adds.
func squeeze(text string) string {
	for strings.Contains(text, "  ") {
		text = strings.ReplaceAll(text, "  ", " ")
	}
	return text
}

func checkFormat(t *testing.T, p *install.Plan) {
	t.Helper()
	for _, c := range p.Changes {
		if !strings.HasSuffix(c.Path, ".go") {
			continue
		}
		formatted, err := format.Source([]byte(c.After))
		if err != nil {
			t.Fatalf("%s: %v", c.Path, err)
		}
		before, _ := format.Source([]byte(c.Before))
		if string(formatted) != c.After && string(before) == c.Before {
			t.Errorf("%s was formatted and is not any more:\n%s", c.Path, c.After)
		}
	}
}

func TestMake_Options(t *testing.T) {
	opts := options()
	opts.KeepCSRF, opts.UserKey, opts.AdoptUntil = true, "account", time.Time{}
	p := mustPlan(t, stock, opts)
	check(t, p, []string{appFile + ":app.Use(csrf.New)", storeFile + `:UserKey: "account",`}, true)
	check(t, p, []string{appFile + ":sessionmw.CSRF", storeFile + ":Adopt"}, false)
}

func TestMake_Refuses(t *testing.T) {
	tests := []struct {
		name    string
		changes []string
		want    string
	}{
		{"older Pop", []string{"models/models.go", "pop/v6", "pop/v5"}, "pop/v6"},
		{"no connection", []string{
			"models/models.go", "*pop.Connection", "int",
			appFile, "popmw.Transaction(models.DB)", "transaction()",
		}, "*pop.Connection"},
		{"ambiguous user key", []string{
			"actions/auth.go", "return nil", "c.Session().Set(\"member_id\", m.ID)\n\treturn nil",
		}, install.ErrNoUserKey.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := plan(t, write(t, edit(t, test.changes...)), options())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("err = %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestMake_UnknownUserKeyIsNotAnError(t *testing.T) {
	p := mustPlan(t, edit(t, "actions/auth.go", `"current_user_id"`, `"theme"`), options())
	check(t, p, []string{storeFile + ":UserKey"}, false)
	if !strings.Contains(strings.Join(p.Notes, " "), "--user-key") {
		t.Error("the notes do not name --user-key")
	}
}

func TestMake_ManualNamesTheFile(t *testing.T) {
	tests := []struct {
		name         string
		changes      []string
		where, lines string
	}{
		{"serve", []string{mainFile, "app.Serve()", "start(app)"}, mainFile, "sessionmw.Serve(app)"},
		{"options", []string{
			appFile, "buffalo.Options{\n\t\t\tEnv:         ENV,\n\t\t\tSessionName: \"_coke_session\",\n\t\t}", "settings()",
		}, appFile + ":24, function App", "SessionStore: SessionStore(),"},
		{"transaction", []string{appFile, "popmw.Transaction(models.DB)", "transaction()"}, appFile + ", function App", "sessionmw.Transaction("},
		{"one of two stores", []string{
			appFile, "// Automatically", "app.SessionStore = SessionStore()\n\t\tapp.SessionStore = newStore()\n\t\t// Automatically",
		}, appFile + ":30", "SessionStore = SessionStore()"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustPlan(t, edit(t, test.changes...), options())
			if len(p.Manual) != 1 {
				t.Fatalf("edits left to the owner: %v, want 1", p.Manual)
			}
			if m := p.Manual[0]; !strings.Contains(m.Where, test.where) || !strings.Contains(m.Lines, test.lines) {
				t.Errorf("the owner is told %+v, want %q in %q", m, test.lines, test.where)
			}
		})
	}
}

func TestMake_SignInMiddlewareNeedsTheSession(t *testing.T) {
	p := mustPlan(t, edit(t, appFile, "// Protect against", "app.Use(RequireLoggedIn)\n\n\t\t// Protect against"), options())
	app := after(p, appFile)
	if strings.Index(app, "sessionmw.Require)") > strings.Index(app, "RequireLoggedIn") {
		t.Errorf("RequireLoggedIn runs before sessionmw.Require:\n%s", app)
	}
}
