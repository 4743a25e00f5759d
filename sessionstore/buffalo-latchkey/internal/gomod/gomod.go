// Package gomod works out how go.mod and go.sum change when an app requires the
// session store. It works on copies and leaves the app's files alone.
package gomod

import (
	"context"
	"os"
	"regexp"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/textdiff"
)

// An App is what the go command has to know about the app.
type App struct {
	Root string
	// Tags are build tags, such as "sqlite". They may be empty.
	Tags string
	// Files are the Go files that are about to change, by their path in Root. What
	// they import decides what go.mod has to require.
	Files map[string]string
}

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
}

var goLine = regexp.MustCompile(`(?m)^go\s+(\S+)`)

// Resolve works out the new go.mod and go.sum of the app.
func Resolve(ctx context.Context, app App, target Target) (*Result, error) {
	w, err := newWorkspace(ctx, app)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(w.dir)
	r := &Result{ModBefore: w.mod, SumBefore: w.sum, ModAfter: w.mod, SumAfter: w.sum}
	if requires(w.mod, target) {
		return r, nil
	}
	before, err := w.versions("before")
	if err != nil {
		return nil, err
	}
	if err := w.require(target); err != nil {
		return nil, err
	}
	if r.ModAfter, r.SumAfter, err = w.read("after"); err != nil {
		return nil, err
	}
	written := r.ModAfter
	r.ModAfter = textdiff.WithEndings(r.ModBefore, r.ModAfter) // the go command writes newlines only
	r.GoBefore, r.GoAfter = goVersion(r.ModBefore), goVersion(r.ModAfter)
	if r.Moves, err = w.moves(r, before, target); err != nil {
		return nil, err
	}
	r.SumAfter, err = w.addChecksums(written, r)
	return r, err
}

// addChecksums adds to the new go.sum the checksums of modules that moved and that had
// one before. The go command only adds those that the app needs with its usual build
// tags, and the app may also be built with others, such as "sqlite".
func (w *workspace) addChecksums(mod string, r *Result) (string, error) {
	args := []string{"mod", "download", "-modfile=" + w.file("sums")}
	named := len(args)
	for _, move := range r.Moves {
		if hasChecksum(r.SumBefore, move.Module, move.Before) && !hasChecksum(r.SumAfter, move.Module, move.After) {
			args = append(args, move.Module+"@"+move.After)
		}
	}
	if len(args) == named {
		return r.SumAfter, nil
	}
	if err := w.write("sums", mod, r.SumAfter); err != nil {
		return "", err
	}
	if _, err := w.run(args...); err != nil {
		return "", err
	}
	_, sum, err := w.read("sums")
	return sum, err
}

// hasChecksum reports whether go.sum has the checksum of a module's files, and not only
// of its go.mod.
func hasChecksum(sum, module, version string) bool {
	line := module + " " + version + " h1:"
	return strings.HasPrefix(sum, line) || strings.Contains(sum, "\n"+line)
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

// require adds the requirement to the copy "after", and what the new imports need.
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
	if listsAll(w.mod) {
		return w.complete()
	}
	return w.tidy()
}

// listsAll reports whether go.mod lists the indirect requirements too, as it does
// since Go 1.17.
func listsAll(mod string) bool {
	version := goVersion(mod)
	return version != "" && !OlderGo(version, "1.17")
}

// complete adds to the copy "after" what the app needs with its new imports. It is
// not "go mod tidy", which would also change what has nothing to do with the store.
// It lists the app's packages with another copy, because that also rewrites comments
// in go.mod, and takes the checksums; the rest only if the go command insists.
func (w *workspace) complete() error {
	mod, sum, err := w.read("after")
	if err != nil {
		return err
	}
	if err := w.write("full", mod, sum); err != nil {
		return err
	}
	if _, err := w.list("mod", "full", "-e", "-test"); err != nil {
		return err
	}
	fullMod, fullSum, err := w.read("full")
	if err != nil {
		return err
	}
	if err := w.write("after", mod, fullSum); err != nil {
		return err
	}
	if _, err := w.list("readonly", "after", "-e"); err != nil {
		return w.write("after", fullMod, fullSum)
	}
	return nil
}

// list lists the app's packages, with its new imports, by one of the copies.
func (w *workspace) list(mode, copy string, flags ...string) (string, error) {
	args := []string{"list", "-mod=" + mode, "-modfile=" + w.file(copy), "-overlay=" + w.overlay(), "-deps"}
	if w.app.Tags != "" {
		args = append(args, "-tags="+w.app.Tags)
	}
	return w.run(append(append(args, flags...), "./...")...)
}

// tidy is complete for a go.mod that did not list its indirect requirements: the go
// command has added all modules that any of them mentions, and "go mod tidy" leaves
// those that the app uses. If the app has imports that it cannot resolve, the long
// list stays.
func (w *workspace) tidy() error {
	mod, sum, err := w.read("after")
	if err != nil {
		return err
	}
	if _, err := w.run("mod", "tidy", "-modfile="+w.file("after"), "-overlay="+w.overlay()); err == nil {
		return nil
	}
	if err := w.write("after", mod, sum); err != nil {
		return err
	}
	return w.complete()
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
