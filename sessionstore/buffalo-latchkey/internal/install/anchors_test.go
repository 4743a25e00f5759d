package install_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
)

const testFile = "actions/app_test.go"

func TestMake_LeavesAppsOfTestsAlone(t *testing.T) {
	files := edit(t)
	files[testFile] = `package actions

import (
	"github.com/gobuffalo/buffalo-pop/v3/pop/popmw"
	"github.com/gobuffalo/middleware/csrf"
)

func init() {
	app.Middleware.Remove(csrf.New)
	app.Middleware.Skip(popmw.Transaction(models.DB), HomeHandler)
	other.Use(csrf.New)
	other.Use(popmw.Transaction(models.DB))
}
`
	p := mustPlan(t, files, options())
	check(t, p, []string{
		testFile + ":app.Middleware.Remove(sessionmw.CSRF)",
		testFile + ":app.Middleware.Skip(sessionmw.Transaction(popmw.Transaction(models.DB)), HomeHandler)",
		testFile + ":other.Use(csrf.New)",
		testFile + ":other.Use(popmw.Transaction(models.DB))",
	}, true)
}

func TestMake_WrapsEveryTransaction(t *testing.T) {
	p := mustPlan(t, edit(t, appFile, "app.Middleware.Skip(", "api.Use(popmw.Transaction(models.DB))\n\t\tapp.Middleware.Skip("), options())
	if got := strings.Count(after(p, appFile), "sessionmw.Transaction(popmw.Transaction("); got != 2 {
		t.Errorf("%d transactions are wrapped, want 2:\n%s", got, after(p, appFile))
	}
}

func TestMake_Connection(t *testing.T) {
	tests := []struct {
		name    string
		changes []string
		want    string
	}{
		{"another name", []string{
			"models/models.go", "var DB", "var Conn", appFile, "models.DB", "models.Conn",
		}, "models.Conn"},
		{"a function that the middleware gets", []string{
			"models/models.go", "var DB *pop.Connection", "func DB() *pop.Connection { return nil }", appFile, "models.DB", "models.DB()",
		}, "models.DB()"},
		{"a function, and another middleware", []string{
			"models/models.go", "var DB *pop.Connection", "func Open() *pop.Connection { return nil }", appFile, "popmw.Transaction(models.DB)", "transaction",
		}, "models.Open()"},
		{"a local variable in the middleware", []string{
			appFile, "app.Use(popmw.Transaction(models.DB))", "db := connect()\n\t\tapp.Use(popmw.Transaction(db))",
			"actions/auth.go", "func AuthCreate", "var db string\n\nfunc AuthCreate",
		}, "models.DB"},
		{"in the package of the app", []string{
			"actions/auth.go", `import "github.com/gobuffalo/buffalo"`, "import (\n\t\"github.com/gobuffalo/buffalo\"\n\t\"github.com/gobuffalo/pop/v6\"\n)\n\nvar db *pop.Connection",
			appFile, "models.DB", "db",
		}, "db"},
		{"an alias", []string{
			appFile, `"coke/models"`, `data "coke/models"`, appFile, "models.DB", "data.DB",
		}, "data.DB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check(t, mustPlan(t, edit(t, test.changes...), options()), []string{storeFile + ":sessionstore.New(" + test.want + ", "}, true)
		})
	}
}

func TestMake_RefusesOldApps(t *testing.T) {
	tests := []struct {
		name    string
		changes []string
		want    string
	}{
		{"Pop of 2018", []string{"models/models.go", "github.com/gobuffalo/pop/v6", "github.com/markbates/pop"}, "github.com/gobuffalo/pop/v6"},
		{"old middleware", []string{appFile, "buffalo-pop/v3", "buffalo-pop/v2"}, "github.com/gobuffalo/pop/v6"},
		{"unreadable databases", []string{"database.yml", "dialect: sqlite3", "dialect: {{"}, "database.yml"},
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

func TestRead_WithoutModule(t *testing.T) {
	files := edit(t)
	delete(files, "go.mod")
	if _, err := buffaloapp.Read(write(t, files)); err == nil || !strings.Contains(err.Error(), "Go modules") {
		t.Errorf("an app without go.mod: err = %v", err)
	}
	if _, err := buffaloapp.Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "main folder") {
		t.Errorf("an empty folder: err = %v", err)
	}
}

// Files with the build tag ignore are not part of the app. Files with other tags
// are.
func TestMake_BuildTags(t *testing.T) {
	files := edit(t)
	files["actions/script.go"] = "//go:build ignore\n\npackage main\n\nimport \"github.com/gobuffalo/middleware/csrf\"\n\nvar _ = csrf.New\n"
	for name, tag := range map[string]string{"debug": "!production", "sqlite": "sqlite"} {
		files["actions/"+name+".go"] = "//go:build " + tag + "\n\npackage actions\n\nimport \"github.com/gobuffalo/middleware/csrf\"\n\nvar guard = csrf.New\n"
	}
	p := mustPlan(t, files, options())
	check(t, p, []string{"actions/debug.go:var guard = sessionmw.CSRF", "actions/sqlite.go:var guard = sessionmw.CSRF"}, true)
	check(t, p, []string{"actions/script.go:sessionmw"}, false)
	check(t, p, []string{storeFile + ":package actions\n"}, true)
}

func TestMake_KeepsLineEndings(t *testing.T) {
	const plugins = "config/buffalo-plugins.toml"
	files := edit(t)
	for _, name := range []string{appFile, plugins} {
		files[name] = strings.ReplaceAll(files[name], "\n", "\r\n")
	}
	p := mustPlan(t, files, options())
	for _, name := range []string{appFile, plugins} {
		if got := after(p, name); strings.Count(got, "\n") != strings.Count(got, "\r\n") {
			t.Errorf("%s has both line endings:\n%q", name, got)
		}
	}
	if got := after(p, appFile); !strings.Contains(got, "SessionName:  \"_coke_session\",\r\n\t\t\tSessionStore: SessionStore(),\r\n") {
		t.Errorf("the options are not formatted:\n%s", got)
	}
}

func TestMake_WithoutCSRF(t *testing.T) {
	p := mustPlan(t, edit(t,
		appFile, "app.Use(csrf.New)", "", appFile, "app.Middleware.Skip(csrf.New, HookHandler)", "",
		appFile, "\t\"github.com/gobuffalo/middleware/csrf\"\n", "",
	), options())
	check(t, p, []string{appFile + ":sessionmw.Transaction("}, true)
	check(t, p, []string{appFile + ":CSRF)"}, false)
	if notes := strings.Join(p.Notes, "\n"); strings.Contains(notes, "csrf") {
		t.Errorf("the notes are about csrf:\n%s", notes)
	}
}

func TestMake_StoreThatKeptNothing(t *testing.T) {
	p := mustPlan(t, edit(t,
		appFile, `"_coke_session",`, "\"_coke_session\",\n\t\t\tSessionStore: sessions.Null{},",
		appFile, `"github.com/gobuffalo/envy"`, "\"github.com/gobuffalo/envy\"\n\t\"github.com/gobuffalo/x/sessions\"",
	), options())
	check(t, p, []string{appFile + ":x/sessions", storeFile + ":Adopt"}, false)
	if !strings.Contains(strings.Join(p.Notes, "\n"), "kept no sessions") {
		t.Errorf("notes: %v", p.Notes)
	}
}

// If the session holds a whole user, its key is not a user key.
func TestMake_UserInSessionIsNoKey(t *testing.T) {
	p := mustPlan(t, edit(t, "actions/auth.go", `"current_user_id", u.ID`, `"user", u`), options())
	check(t, p, []string{storeFile + ":UserKey"}, false)
}

func TestMake_MainPackages(t *testing.T) {
	files := edit(t)
	files["main.go"] = files[mainFile]
	delete(files, mainFile)
	check(t, mustPlan(t, files, options()), []string{"main.go:sessionmw.Serve(app)"}, true)

	files["cmd/worker/main.go"] = files["main.go"]
	p := mustPlan(t, files, options())
	check(t, p, []string{"main.go:sessionmw.Serve(app)", "cmd/worker/main.go:sessionmw.Serve(app)"}, true)
}

func TestMake_OnePackage(t *testing.T) {
	files := edit(t)
	main := strings.Replace(files[appFile], "package actions", "package main", 1)
	main = strings.Replace(main, `"sync"`, "\"log\"\n\t\"sync\"", 1)
	p := mustPlan(t, map[string]string{
		"go.mod":           files["go.mod"],
		"main.go":          main + "\nfunc main() {\n\tif err := App().Serve(); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}\n",
		"models/models.go": files["models/models.go"],
	}, options())
	check(t, p, []string{"main.go:sessionmw.Serve(App()); err", "session_store.go:package main"}, true)
	check(t, p, []string{"grifts/sessions.go:Register"}, false)
}

func TestMake_Plugins(t *testing.T) {
	const entry = "[[plugin]]\n  binary = \"buffalo-latchkey\"\n  go_get = \"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey@"
	const file = "config/buffalo-plugins.toml"
	p := mustPlan(t, edit(t, file, "[[plugin]]", entry+"v1.0.0\"\n\n[[plugin]]"), options())
	check(t, p, []string{file + ":" + entry + "v1.2.3\""}, true)
	check(t, p, []string{file + ":v1.0.0"}, false)

	files := edit(t)
	delete(files, file)
	p = mustPlan(t, files, options())
	if after(p, file) != "" || !strings.Contains(strings.Join(p.Next, "\n"), "go install ") {
		t.Errorf("without %s the next steps are %v", file, p.Next)
	}
}
