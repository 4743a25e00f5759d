// Package buffaloapp reads a Buffalo app: its Go files, the places that sessions
// have to do with, and its settings. It changes nothing.
package buffaloapp

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// StoreModule is the module of the session store.
const StoreModule = "github.com/latchkey/latchkey/sessionstore"

// A File is a Go file of the app. Its path is relative to the app's folder, with
// slashes.
type File struct {
	Path string
	Src  []byte
	AST  *ast.File
	Test bool
}

// Dir is the folder of the file, relative to the app's folder.
func (f *File) Dir() string { return path.Dir(f.Path) }

// An App is a Buffalo app in a folder.
type App struct {
	Root   string
	Module string
	Fset   *token.FileSet
	Files  []*File
}

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)

// Read parses the Go files below root, which has to be the folder of a module.
func Read(root string) (*App, error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noModule(root)
	}
	if err != nil {
		return nil, fmt.Errorf("read the module's name: %w", err)
	}
	match := moduleLine.FindSubmatch(mod)
	if match == nil {
		return nil, errors.New("go.mod has no module line: run the command in the main folder of your Buffalo app")
	}
	app := &App{Root: root, Module: string(match[1]), Fset: token.NewFileSet()}
	if err := filepath.WalkDir(root, app.visit); err != nil {
		return nil, fmt.Errorf("read the app: %w", err)
	}
	return app, nil
}

// noModule is the error for a folder without go.mod. Apps from before 2018 have none.
func noModule(root string) error {
	if _, err := os.Stat(filepath.Join(root, "actions")); err == nil {
		return errors.New("this app has no go.mod: the store needs Go modules, Buffalo 0.18 or later and Pop 6, so move the app to them first")
	}
	return errors.New("there is no go.mod in this folder: run the command in the main folder of your Buffalo app")
}

func (a *App) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if entry.IsDir() {
		if name != a.Root && a.skip(name, entry.Name()) {
			return filepath.SkipDir
		}
		return nil
	}
	if !strings.HasSuffix(name, ".go") || !entry.Type().IsRegular() {
		return nil
	}
	return a.parse(name)
}

// skip leaves out what the go command leaves out.
func (a *App) skip(dir, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	switch name {
	case "vendor", "node_modules", "testdata":
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func (a *App) parse(name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(a.Root, name)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	tree, err := parser.ParseFile(a.Fset, rel, src, parser.ParseComments)
	if err != nil {
		if strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		return fmt.Errorf("%w: make the app compile first", err)
	}
	if neverBuilt(tree) {
		return nil
	}
	a.Files = append(a.Files, &File{Path: rel, Src: src, AST: tree, Test: strings.HasSuffix(rel, "_test.go")})
	return nil
}

// neverBuilt reports whether a build constraint leaves the file out with all other
// tags set and with none set, as "ignore" does for scripts.
func neverBuilt(tree *ast.File) bool {
	for _, group := range tree.Comments {
		if group.Pos() > tree.Package {
			break
		}
		for _, comment := range group.List {
			expr, err := constraint.Parse(comment.Text)
			if err == nil && !expr.Eval(func(tag string) bool { return tag != "ignore" }) && !expr.Eval(func(string) bool { return false }) {
				return true
			}
		}
	}
	return false
}

// Code returns the files that are not tests.
func (a *App) Code() []*File {
	var files []*File
	for _, f := range a.Files {
		if !f.Test {
			files = append(files, f)
		}
	}
	return files
}

// In returns the files of a folder, with its tests.
func (a *App) In(dir string) []*File {
	var files []*File
	for _, f := range a.Files {
		if f.Dir() == dir {
			files = append(files, f)
		}
	}
	return files
}

// ImportPath is the import path of a folder of the app.
func (a *App) ImportPath(dir string) string { return path.Join(a.Module, dir) }

// Offset is the offset of pos in its file.
func (a *App) Offset(pos token.Pos) int { return a.Fset.Position(pos).Offset }

// Text is the source of a node.
func (a *App) Text(f *File, n ast.Node) string {
	return string(f.Src[a.Offset(n.Pos()):a.Offset(n.End())])
}

// Place is file:line of a node.
func (a *App) Place(n ast.Node) string {
	p := a.Fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// Exists reports whether the app has a file or folder of this name.
func (a *App) Exists(name string) bool {
	_, err := os.Stat(filepath.Join(a.Root, filepath.FromSlash(name)))
	return err == nil
}

// ReadFile returns a file's text, or nothing if it does not exist.
func (a *App) ReadFile(name string) (text string, exists bool, err error) {
	b, err := os.ReadFile(filepath.Join(a.Root, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(b), err == nil, err
}

// list returns the files in a folder of the app, which need not exist.
func (a *App) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(a.Root, dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			names = append(names, path.Join(dir, entry.Name()))
		}
	}
	return names, err
}
