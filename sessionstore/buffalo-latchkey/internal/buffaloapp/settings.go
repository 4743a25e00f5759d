package buffaloapp

import (
	"os/exec"
	"path"
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

var goImage = regexp.MustCompile(`(?m)^FROM\s+\S*golang:(1\.[0-9]+)`)

// DockerGo is the Go version that the app's Dockerfile builds with, or nothing.
func (a *App) DockerGo() string {
	text, _, _ := a.ReadFile("Dockerfile")
	if match := goImage.FindStringSubmatch(text); match != nil {
		return match[1]
	}
	return ""
}
