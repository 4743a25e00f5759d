package buffaloapp

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Grifts is the folder of the app's tasks: the one with a file that imports
// grift, or "grifts".
func (a *App) Grifts() string {
	for _, f := range a.Code() {
		if f.AST.Name.Name == "grifts" && imports(f, "github.com/gobuffalo/grift/grift") {
			return f.Dir()
		}
	}
	return "grifts"
}

// Ignored reports whether git ignores a file, and whether it has committed it.
func (a *App) Ignored(name string) (ignored, committed bool) {
	git := func(args ...string) error {
		cmd := exec.Command("git", args...)
		cmd.Dir = a.Root
		return cmd.Run()
	}
	if git("ls-files", "--error-unmatch", name) == nil {
		return false, true
	}
	if git("rev-parse", "--git-dir") == nil {
		return git("check-ignore", "-q", name) == nil, false
	}
	text, _, _ := a.ReadFile(".gitignore")
	for _, line := range strings.Split(text, "\n") {
		pattern := strings.TrimPrefix(strings.TrimSpace(line), "/")
		if match, err := path.Match(pattern, name); err == nil && match {
			return true, false
		}
	}
	return false, false
}

// A Builder is a line that says which Go builds the app, such as FROM golang:1.23.
type Builder struct {
	Place, Line string
	// Go is the version, such as "1.23".
	Go string
	// Buffalo: it is an image with Buffalo's command, which has a Go of its own.
	Buffalo bool
}

var (
	dockerFile   = regexp.MustCompile(`(?i)^(.*\.)?Dockerfile(\..*)?$|^(docker-)?compose.*\.ya?ml$|^\.gitlab-ci\.yml$`)
	goImage      = regexp.MustCompile(`^\s*(?:FROM|image:)\s+(?:--platform=\S+\s+)?["']?(?:\S*/)?golang:(1\.[0-9]+)`)
	buffaloImage = regexp.MustCompile(`^\s*FROM\s+(?:--platform=\S+\s+)?(?:\S*/)?gobuffalo/buffalo(:|@|\s|$)`)
	setupGo      = regexp.MustCompile(`^[\s-]*go[-_]version:\s*\[?\s*["']?[~^]?v?(1\.[0-9]+)`)
	herokuGo     = regexp.MustCompile(`^//\s*\+heroku goVersion\s+go(1\.[0-9]+)`)
)

// buffaloImageGo is the Go in the last image that Buffalo published.
const buffaloImageGo = "1.18"

// Builders looks into Dockerfiles and their like, GitHub's workflows and go.mod.
func (a *App) Builders() ([]Builder, error) {
	names, err := a.dockerFiles()
	if err != nil {
		return nil, fmt.Errorf("look for Dockerfiles: %w", err)
	}
	workflows, err := a.list(".github/workflows")
	if err != nil {
		return nil, fmt.Errorf("look for workflows: %w", err)
	}
	var found []Builder
	for _, name := range append(append(names, workflows...), "go.mod") {
		text, _, err := a.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("look for the Go version: %w", err)
		}
		for i, line := range strings.Split(text, "\n") {
			if b, ok := builder(strings.TrimRight(line, "\r")); ok {
				b.Place = fmt.Sprintf("%s:%d", name, i+1)
				found = append(found, b)
			}
		}
	}
	return found, nil
}

func (a *App) dockerFiles() ([]string, error) {
	var names []string
	err := filepath.WalkDir(a.Root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != a.Root && a.skip(name, entry.Name()) {
			return filepath.SkipDir
		}
		if entry.Type().IsRegular() && dockerFile.MatchString(entry.Name()) {
			rel, err := filepath.Rel(a.Root, name)
			names = append(names, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	return names, err
}

func builder(line string) (Builder, bool) {
	b := Builder{Line: strings.TrimSpace(line)}
	if buffaloImage.MatchString(line) {
		b.Go, b.Buffalo = buffaloImageGo, true
		return b, true
	}
	for _, pattern := range []*regexp.Regexp{goImage, setupGo, herokuGo} {
		if match := pattern.FindStringSubmatch(line); match != nil {
			b.Go = match[1]
			return b, true
		}
	}
	return b, false
}
