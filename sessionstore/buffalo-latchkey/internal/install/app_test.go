package install_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
)

// stock is what "buffalo new" and "buffalo generate auth" write, shortened.
var stock = map[string]string{
	"go.mod": "module coke\n\ngo 1.24\n",
	"actions/app.go": `package actions

import (
	"sync"

	"coke/models"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo-pop/v3/pop/popmw"
	"github.com/gobuffalo/envy"
	"github.com/gobuffalo/middleware/csrf"
	"github.com/gobuffalo/middleware/paramlogger"
)

var ENV = envy.Get("GO_ENV", "development")

var (
	app     *buffalo.App
	appOnce sync.Once
)

func App() *buffalo.App {
	appOnce.Do(func() {
		app = buffalo.New(buffalo.Options{
			Env:         ENV,
			SessionName: "_coke_session",
		})

		// Automatically redirect to SSL
		app.Use(forceSSL())

		// Log request parameters (filters apply).
		app.Use(paramlogger.ParameterLogger)

		// Protect against CSRF attacks.
		app.Use(csrf.New)

		// Wraps each request in a transaction.
		app.Use(popmw.Transaction(models.DB))

		app.Middleware.Skip(csrf.New, HookHandler)
	})
	return app
}
`,
	"actions/auth.go": `package actions

import "github.com/gobuffalo/buffalo"

func AuthCreate(c buffalo.Context) error {
	c.Session().Set("current_user_id", u.ID)
	return nil
}
`,
	"models/models.go": `package models

import "github.com/gobuffalo/pop/v6"

var DB *pop.Connection
`,
	"cmd/app/main.go": `package main

import (
	"log"

	"coke/actions"
)

func main() {
	app := actions.App()
	if err := app.Serve(); err != nil {
		log.Fatal(err)
	}
}
`,
	"grifts/init.go": `package grifts

import (
	"coke/actions"

	"github.com/gobuffalo/buffalo"
)

func init() {
	buffalo.Grifts(actions.App())
}
`,
	"database.yml": `development:
  dialect: sqlite3
  database: a.sqlite
production:
  dialect: sqlite3
  database: b.sqlite
`,
	"config/buffalo-plugins.toml": "[[plugin]]\n  binary = \"buffalo-pop\"\n",
	".gitignore":                  "/bin/\n",
}

// edit replaces text in the stock app. changes are triples of path, old text and
// new text.
func edit(t *testing.T, changes ...string) map[string]string {
	t.Helper()
	files := maps.Clone(stock)
	for c := range slices.Chunk(changes, 3) {
		name, before, after := c[0], c[1], c[2]
		if !strings.Contains(files[name], before) {
			t.Fatalf("%s of the stock app has no %q", name, before)
		}
		files[name] = strings.ReplaceAll(files[name], before, after)
	}
	return files
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func options() install.Options {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	return install.Options{
		Now: now, AdoptUntil: now.AddDate(0, 0, 30), Version: "v1.2.3",
		Random: bytes.NewReader(bytes.Repeat([]byte{0xab}, 64)),
		Choose: func([]buffaloapp.UserKey) (string, error) { return "", install.ErrNoUserKey },
	}
}

func plan(t *testing.T, root string, opts install.Options) (*install.Plan, error) {
	t.Helper()
	app, err := buffaloapp.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	return install.Make(app, opts)
}

func mustPlan(t *testing.T, files map[string]string, opts install.Options) *install.Plan {
	t.Helper()
	p, err := plan(t, write(t, files), opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// after returns the new text of a file. name is its path, or a migration's name
// without the timestamp.
func after(p *install.Plan, name string) string {
	for _, c := range p.Changes {
		if c.Path == name || strings.HasSuffix(c.Path, "_"+name) {
			return c.After
		}
	}
	return ""
}
