package command_test

import (
	"os"
	"path/filepath"
	"testing"
)

// The app's dependencies are modules in local folders, so that the go command
// needs no network.
var files = map[string]string{
	"app/go.mod": `module coke

go 1.24

require (
	github.com/gobuffalo/buffalo v0.0.0
	github.com/gobuffalo/buffalo-pop/v3 v3.0.0
	github.com/gobuffalo/grift v1.0.0
	github.com/gobuffalo/pop/v6 v6.0.0
)

replace (
	github.com/gobuffalo/buffalo => ../buffalo
	github.com/gobuffalo/buffalo-pop/v3 => ../buffalo-pop
	github.com/gobuffalo/grift => ../grift
	github.com/gobuffalo/pop/v6 => ../pop
)
`,
	"app/actions/app.go": `package actions

import (
	"coke/models"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo-pop/v3/pop/popmw"
)

var ENV = "development"

var app *buffalo.App

func App() *buffalo.App {
	if app == nil {
		app = buffalo.New(buffalo.Options{
			SessionName: "_coke_session",
		})

		app.Use(popmw.Transaction(models.DB))
	}
	return app
}
`,
	"app/actions/auth.go": `package actions

import "github.com/gobuffalo/buffalo"

func AuthCreate(c buffalo.Context) error {
	c.Session().Set("current_user_id", 1)
	return nil
}
`,
	"app/models/models.go": `package models

import "github.com/gobuffalo/pop/v6"

var DB *pop.Connection
`,
	"app/cmd/app/main.go": `package main

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
	"app/grifts/init.go":              "package grifts\n",
	"app/database.yml":                "development:\n  dialect: mysql\n",
	"app/config/buffalo-plugins.toml": "[[plugin]]\n  binary = \"buffalo-pop\"",
	"app/.gitignore":                  "/bin/",
	"app/.env":                        "DATABASE_PASSWORD=hunter2\nSESSION_SECRET=tooshort",
	"buffalo/go.mod":                  "module github.com/gobuffalo/buffalo\n\ngo 1.24\n",
	"grift/go.mod":                    "module github.com/gobuffalo/grift\n\ngo 1.24\n",
	"grift/grift/grift.go": `package grift

type Context struct {
	Name string
	Args []string
}

var Tasks = map[string]func([]string) error{}

func NewContext(name string) *Context { return &Context{Name: name} }

func Run(name string, c *Context) error { return Tasks[name](c.Args) }
`,
	"buffalo-pop/go.mod": "module github.com/gobuffalo/buffalo-pop/v3\n\ngo 1.24\n",
	"pop/go.mod":         "module github.com/gobuffalo/pop/v6\n\ngo 1.24\n",
	"store/go.mod":       "module github.com/latchkey/latchkey/sessionstore\n\ngo 1.24\n",
	"pop/pop.go":         "package pop\n\ntype Connection struct{}\n",
	"store/store.go":     "package sessionstore\n\nimport \"time\"\n\ntype Store struct{}\n\ntype Cookie struct{ Insecure bool }\n\ntype Options struct {\n\tSecrets [][]byte\n\tUserKey any\n\tIgnore func(key, value any) bool\n\tCookie Cookie\n\tAdopt any\n\tAdoptUntil time.Time\n}\n\nfunc New(any, Options) (*Store, error) { return &Store{}, nil }\n",
	"store/sessiontask/sessiontask.go": `package sessiontask

import (
	"errors"
	"fmt"

	"github.com/gobuffalo/grift/grift"

	"github.com/latchkey/latchkey/sessionstore"
)

func Register(open func() *sessionstore.Store) {
	grift.Tasks["sessions:list"] = func(args []string) error {
		fmt.Println("sessions of", args, open() != nil)
		return nil
	}
	grift.Tasks["sessions:revoke"] = func([]string) error { return errors.New("no such session") }
}
`,
	"store/sessionmw/sessionmw.go":   "package sessionmw\n\nfunc Require() {}\n\nfunc Transaction(f func()) func() { return f }\n\nfunc Ignore(key, value any) bool { return false }\n\nfunc Secrets() ([][]byte, error) { return nil, nil }\n\nfunc OldCookies() any { return nil }\n\nfunc Serve(any) error { return nil }\n",
	"buffalo/buffalo.go":             "package buffalo\n\ntype App struct{}\n\ntype Options struct {\n\tSessionName string\n\tSessionStore any\n}\n\ntype session struct{}\n\nfunc (session) Set(string, any) {}\n\ntype Context interface{ Session() session }\n\nfunc New(Options) *App { return &App{} }\n\nfunc (*App) Use(func()) {}\n\nfunc (*App) Serve() error { return nil }\n",
	"buffalo-pop/pop/popmw/popmw.go": "package popmw\n\nfunc Transaction(any) func() { return func() {} }\n",
}

// newApp writes the app and makes it the current folder.
func newApp(t *testing.T) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(root, "app"))
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOWORK", "off")
}
