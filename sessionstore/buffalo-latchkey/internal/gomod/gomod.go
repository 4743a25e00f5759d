// Package gomod works out how go.mod and go.sum change when an app requires the
// session store. It works on copies and leaves the app's files alone.
package gomod

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A Target is what to require: a version, or the source in a folder.
type Target struct {
	Module   string
	Packages []string
	Version  string
	Dir      string
}

// A Result holds the new files and what moved.
type Result struct {
	ModBefore, ModAfter string
	SumBefore, SumAfter string
	Moves               []Move
	// GoBefore and GoAfter are the versions in the lines "go".
	GoBefore, GoAfter string
	// Versions are those before, of all modules.
	Versions map[string]string
}

var goLine = regexp.MustCompile(`(?m)^go\s+(\S+)`)

// Resolve works out the new go.mod and go.sum of the app in root.
func Resolve(root, tags string, target Target) (*Result, error) {
	w, err := newWorkspace(root, tags)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(w.dir)
	r := &Result{ModBefore: w.mod, SumBefore: w.sum, ModAfter: w.mod, SumAfter: w.sum}
	if requires(w.mod, target) {
		return r, nil
	}
	if r.Versions, err = w.versions("before"); err != nil {
		return nil, err
	}
	if err := w.require(target); err != nil {
		return nil, err
	}
	if r.ModAfter, r.SumAfter, err = w.read("after"); err != nil {
		return nil, err
	}
	r.GoBefore, r.GoAfter = goVersion(r.ModBefore), goVersion(r.ModAfter)
	r.Moves, err = w.moves(r, target)
	return r, err
}

func goVersion(mod string) string {
	if match := goLine.FindStringSubmatch(mod); match != nil {
		return match[1]
	}
	return ""
}

// requires reports whether go.mod has the requirement, or a newer one.
func requires(mod string, target Target) bool {
	name := regexp.QuoteMeta(target.Module)
	require := regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + name + `\s+(v\S+)`).FindStringSubmatch(mod)
	replace := regexp.MustCompile(`(?m)^\s*(?:replace\s+)?` + name + `(?:\s+v\S+)?\s+=>\s+(.+?)\s*$`).FindStringSubmatch(mod)
	if require == nil {
		return false
	}
	if target.Dir != "" {
		return replace != nil && strings.Trim(replace[1], `"`) == target.Dir
	}
	return replace != nil || !older(require[1], target.Version)
}

// A workspace is a folder with copies of go.mod and go.sum.
type workspace struct {
	root, tags, dir string
	mod, sum        string
}

func newWorkspace(root, tags string) (*workspace, error) {
	dir, err := os.MkdirTemp("", "latchkey-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	w := &workspace{root: root, tags: tags, dir: dir}
	if err := w.fill(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return w, nil
}

func (w *workspace) fill() error {
	mod, err := os.ReadFile(filepath.Join(w.root, "go.mod"))
	if err != nil {
		return fmt.Errorf("read the requirements: %w", err)
	}
	sum, err := os.ReadFile(filepath.Join(w.root, "go.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the checksums: %w", err)
	}
	w.mod, w.sum = string(mod), string(sum)
	for _, name := range []string{"before", "after"} {
		if err := w.write(name, w.mod, w.sum); err != nil {
			return err
		}
	}
	return nil
}

func (w *workspace) write(name, mod, sum string) error {
	if err := os.WriteFile(w.file(name), []byte(mod), 0o600); err != nil {
		return fmt.Errorf("copy go.mod: %w", err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, name+".sum"), []byte(sum), 0o600); err != nil {
		return fmt.Errorf("copy go.sum: %w", err)
	}
	return nil
}

func (w *workspace) file(name string) string { return filepath.Join(w.dir, name+".mod") }

func (w *workspace) read(name string) (mod, sum string, err error) {
	m, err := os.ReadFile(w.file(name))
	if err != nil {
		return "", "", fmt.Errorf("read the new go.mod: %w", err)
	}
	s, err := os.ReadFile(filepath.Join(w.dir, name+".sum"))
	if err != nil {
		return "", "", fmt.Errorf("read the new go.sum: %w", err)
	}
	return string(m), string(s), nil
}

// require adds the requirement to the copy "after", and the checksums that the
// store's packages and the app's need. It is not "go mod tidy", which would also
// change what has nothing to do with the store.
func (w *workspace) require(target Target) error {
	mod := "-modfile=" + w.file("after")
	if target.Dir != "" {
		if err := w.useFolder(target); err != nil {
			return err
		}
	} else if _, err := w.run("get", mod, target.Module+"@"+target.Version); err != nil {
		return err
	}
	args := append([]string{"list", "-mod=mod", mod, "-deps"}, target.Packages...)
	if _, err := w.run(args...); err != nil {
		return err
	}
	return w.addSums()
}

// addSums adds the checksums that the app's own packages need. It works on a copy,
// because listing them also rewrites the comments in go.mod.
func (w *workspace) addSums() error {
	mod, sum, err := w.read("after")
	if err != nil {
		return err
	}
	if err := w.write("sums", mod, sum); err != nil {
		return err
	}
	if _, err := w.run("list", "-e", "-mod=mod", "-modfile="+w.file("sums"), "-tags="+w.tags, "-deps", "-test", "./..."); err != nil {
		return err
	}
	fullMod, sum, err := w.read("sums")
	if err != nil {
		return err
	}
	if err := w.write("after", mod, sum); err != nil {
		return err
	}
	if _, err := w.run("list", "-e", "-mod=readonly", "-modfile="+w.file("after"), "-tags="+w.tags, "-deps", "./..."); err != nil {
		return w.write("after", fullMod, sum) // it needs more than checksums
	}
	return nil
}

// useFolder requires the module beside the direct requirements, as "go get" does,
// and replaces it by a folder.
func (w *workspace) useFolder(target Target) error {
	if err := w.write("after", addRequirement(w.mod, target.Module), w.sum); err != nil {
		return err
	}
	_, err := w.run("mod", "edit", "-require="+target.Module+"@v0.0.0", "-replace="+target.Module+"="+target.Dir, w.file("after"))
	return err
}

var requireBlock = regexp.MustCompile(`(?m)^require \(\r?\n`)

// addRequirement adds a module to the first block of requirements, in its place
// by name.
func addRequirement(mod, module string) string {
	block := requireBlock.FindStringIndex(mod)
	if block == nil || regexp.MustCompile(`(?m)^\s*(require\s+)?`+regexp.QuoteMeta(module)+`\s+v`).MatchString(mod) {
		return mod
	}
	at := block[1]
	for _, line := range strings.SplitAfter(mod[at:], "\n") {
		if name := strings.TrimSpace(line); strings.HasPrefix(name, ")") || name > module {
			break
		}
		at += len(line)
	}
	return mod[:at] + "\t" + module + " v0.0.0\n" + mod[at:]
}

// run runs the go command in the app.
func (w *workspace) run(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = w.root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, tail(stderr.String()))
	}
	return stdout.String(), nil
}

// tail is the end of a long output, where go writes the cause.
func tail(text string) string {
	const lines = 15
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
