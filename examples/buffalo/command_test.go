package buffalo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The lines that the command wrote or changed in the app, and the lines before
// the change.
var made = []struct{ file, line, before string }{
	{file: "actions/session_store.go"},
	{file: "grifts/sessions.go"},
	{file: "migrations/20261126000001_create_sessions.up.fizz"},
	{file: "migrations/20261126000001_create_sessions.down.fizz"},
	{"config/buffalo-plugins.toml", `
[[plugin]]
  binary = "buffalo-latchkey"
  go_get = "github.com/latchkey/latchkey/sessionstore/buffalo-latchkey@latest"
`, ""},
	{"actions/app.go", "			SessionStore: SessionStore(),\n", ""},
	{"actions/app.go", `		// Answer 503 when the session could not be loaded.
		app.Use(sessionmw.Require)

`, ""},
	{"actions/app.go", "sessionmw.CSRF", "csrf.New"},
	{"actions/app.go", "sessionmw.Transaction(popmw.Transaction(models.DB))", "popmw.Transaction(models.DB)"},
	{"actions/app.go", `"github.com/latchkey/latchkey/sessionstore/sessionmw"`, `"github.com/gobuffalo/mw-csrf"`},
	{"cmd/app/main.go", "sessionmw.Serve(app)", "app.Serve()"},
	{"cmd/app/main.go", "	\"github.com/latchkey/latchkey/sessionstore/sessionmw\"\n", ""},
}

// Running the command on the stock app produces the files in this folder.
func TestMadeByCommand(t *testing.T) {
	app := stockApp(t)
	before := read(t, filepath.Join(app, "actions/app.go"))
	run(t, app, "--yes")
	if read(t, filepath.Join(app, "actions/app.go")) == before {
		t.Fatal("the command did not change the stock app")
	}
	for _, m := range made {
		got, want := read(t, madeFile(t, app, m.file)), read(t, m.file)
		if got != want {
			t.Errorf("%s: the command wrote\n%s\nwant\n%s", m.file, got, want)
		}
	}
	if out := run(t, app, "--yes"); !strings.Contains(out, "Nothing to change") {
		t.Errorf("a second run said\n%s", out)
	}
}

// stockApp returns a copy of this app as it was before the command.
func stockApp(t *testing.T) string {
	app := t.TempDir()
	if err := os.CopyFS(app, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	for _, m := range made {
		name := filepath.Join(app, m.file)
		if m.line == "" {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text := read(t, name)
		if !strings.Contains(text, m.line) {
			t.Fatalf("%s is without %q", m.file, m.line)
		}
		write(t, name, strings.Replace(text, m.line, m.before, 1))
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mod := strings.NewReplacer(
		"module github.com/latchkey/latchkey\n", "module github.com/latchkey/latchkey/examples/buffalo\n",
		"=> ./sessionstore", "=> "+filepath.Join(root, "sessionstore"),
	).Replace(read(t, "../../go.mod"))
	write(t, filepath.Join(app, "go.mod"), mod)
	write(t, filepath.Join(app, "go.sum"), read(t, "../../go.sum"))
	return app
}

// madeFile returns the path of a file in the app. Migrations are found by name,
// without the timestamp.
func madeFile(t *testing.T, app, file string) string {
	if !strings.HasPrefix(file, "migrations/") {
		return filepath.Join(app, file)
	}
	_, name, _ := strings.Cut(file, "_")
	found, err := filepath.Glob(filepath.Join(app, "migrations", "*_"+name))
	if err != nil || len(found) != 1 {
		t.Fatalf("migrations %s: %v, %v", name, found, err)
	}
	return found[0]
}

// run runs the command in the app.
func run(t *testing.T, app string, flags ...string) string {
	program := filepath.Join(t.TempDir(), "buffalo-latchkey")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/latchkey/latchkey/sessionstore/buffalo-latchkey").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, append(flags, "--skip-build")...)
	cmd.Dir = app
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("buffalo-latchkey: %v\n%s", err, out)
	}
	return string(out)
}

// The date until which old cookies are adopted depends on the current date.
var adoptUntil = regexp.MustCompile(`AdoptUntil: time\.Date\(.*\)`)

func read(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return adoptUntil.ReplaceAllString(string(text), "AdoptUntil")
}

func write(t *testing.T, name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
