// Package install works out what has to change in a Buffalo app so that it keeps
// its sessions in the database. It writes nothing.
package install

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/textdiff"
)

// Import paths of the session store.
const (
	storePackage = buffaloapp.StoreModule
	kitPackage   = buffaloapp.StoreModule + "/sessionmw"
	taskPackage  = buffaloapp.StoreModule + "/sessiontask"
)

// Latest stands for the version of a program that was built from source.
const Latest = "latest"

// Options are the choices of the app's owner.
type Options struct {
	// UserKey is the session value with the user's ID. Without it the app's code
	// decides, and Choose if that leaves a doubt.
	UserKey string
	Choose  func(keys []buffaloapp.UserKey) (string, error)
	// KeepCSRF leaves the app's csrf middleware alone.
	KeepCSRF bool
	// NewSecret adds SESSION_SECRET to a .env without one.
	NewSecret bool
	// AdoptUntil is how long sessions of the old cookie count. Zero: not at all.
	AdoptUntil time.Time
	// Version is what the plugin is installed by, such as "v0.1.0" or Latest.
	Version string
	Now     time.Time
	Random  io.Reader
}

// A Change is the new text of a file.
type Change struct {
	Path          string
	Before, After string
	Exists        bool
	// Env is set for a file with secrets, whose text must not be shown or kept.
	Env *EnvEdit
}

// A Manual is an edit that the owner has to make.
type Manual struct {
	Where, Why, Lines string
}

// A Plan is all that has to change.
type Plan struct {
	Changes []Change
	Manual  []Manual
	Notes   []string
	Next    []string
	// Tags are the build tags that the app needs, or nothing.
	Tags string
	// Packages are the folders whose Go files change, as "./actions".
	Packages []string
}

// GoFiles returns the new texts of the Go files that change.
func (p *Plan) GoFiles() map[string]string {
	files := map[string]string{}
	for _, c := range p.Changes {
		if strings.HasSuffix(c.Path, ".go") {
			files[c.Path] = c.After
		}
	}
	return files
}

type planner struct {
	*Plan
	app   *buffaloapp.App
	opts  Options
	edits map[string]*fileEdit
	// dir is the folder of the package with buffalo.New, call the call, and
	// store the name of the function that returns the store.
	dir   string
	call  *buffaloapp.NewCall
	store string
	// oldStore is the store to adopt.
	oldStore oldStore
}

// Make works out the changes.
func Make(app *buffaloapp.App, opts Options) (*Plan, error) {
	p := &planner{Plan: &Plan{}, app: app, opts: opts, edits: map[string]*fileEdit{}}
	steps := []func() error{
		p.findApp, p.refuseOwnStore, p.nameStore,
		p.setOption, p.addStoreFile, p.addRequire, p.wrapTransactions, p.replaceCSRF,
		p.replaceServe, p.addTasks, p.addMigrations, p.addSecret, p.addPlugin,
		p.finishEdits, p.listPackages, p.addNotes,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p.Plan, nil
}

func (p *planner) findApp() error {
	calls := p.app.NewCalls()
	if len(calls) == 0 {
		if !p.app.Exists("actions") || p.app.PackageName("actions") == "" {
			return errors.New("found neither buffalo.New nor a package in the folder actions: run the command in the main folder of your Buffalo app")
		}
		p.dir = "actions"
		return nil
	}
	p.call, p.dir = calls[0], calls[0].File.Dir()
	for _, other := range calls[1:] {
		p.note("%s calls buffalo.New too and was left alone. If it serves pages with sessions, give it the same SessionStore.", p.app.Place(other.Call))
	}
	return nil
}

// refuseOwnStore stops where the store was set up by hand.
func (p *planner) refuseOwnStore() error {
	opens := p.app.Opens()
	if len(opens) > 0 && p.app.StoreFunc(p.dir) == "" {
		return fmt.Errorf("%s calls sessionstore.New already: this app was set up by hand, so keep it as it is, or remove that code and run the command again", p.app.Place(opens[0].Expr))
	}
	return nil
}

func (p *planner) nameStore() error {
	if p.store = p.app.StoreFunc(p.dir); p.store == "" {
		p.store = freeName(p.app.TopLevel(p.dir), "SessionStore", "DatabaseSessionStore", "LatchkeySessionStore")
	}
	return nil
}

// freeName is the first of the names that a package does not have, or the last
// one with more letters.
func freeName(taken map[string]bool, names ...string) string {
	for _, name := range names {
		if !taken[name] {
			return name
		}
	}
	name := names[len(names)-1]
	for taken[name] {
		name += "X"
	}
	return name
}

func (p *planner) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

func (p *planner) manual(where, why, lines string) {
	p.Manual = append(p.Manual, Manual{where, why, lines})
}

// create adds a new file.
func (p *planner) create(name, text string) {
	p.Changes = append(p.Changes, Change{Path: name, After: text})
}

// change adds new text for a file that may exist.
func (p *planner) change(name, before, after string, exists bool) {
	if after = textdiff.WithEndings(before, after); before != after {
		p.Changes = append(p.Changes, Change{Path: name, Before: before, After: after, Exists: exists})
	}
}

// freeFile is the first of the names in a folder that does not exist.
func (p *planner) freeFile(dir string, names ...string) string {
	for _, name := range names {
		if file := path.Join(dir, name); !p.app.Exists(file) {
			return file
		}
	}
	return path.Join(dir, "latchkey_"+names[0])
}

func (p *planner) listPackages() error {
	seen := map[string]bool{}
	for _, c := range p.Changes {
		dir := "./" + path.Dir(c.Path)
		if strings.HasSuffix(c.Path, ".go") && !seen[dir] {
			seen[dir] = true
			p.Packages = append(p.Packages, dir)
		}
	}
	return nil
}
