package testapp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

const program = "github.com/latchkey/latchkey/cmd/app"

// binary builds the app, once for all tests of a package, and returns its path. It is in
// the folder of the test's binary, which `go test` deletes.
var binary = sync.OnceValues(func() (string, error) {
	test, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(test), "latchkey-app")
	args := []string{"build", "-o", path}
	if race {
		args = append(args, "-race")
	}
	if _, err := run("go", append(args, program)...); err != nil {
		return "", err
	}
	return path, statSources()
})

// sourcesTemplate makes `go list` print the folders and embedded files of a package of
// this module.
const sourcesTemplate = `{{if and .Module .Module.Main}}{{.Dir}}
{{$dir := .Dir}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}{{end}}`

// statSources reads the names and times of the app's source files, so that `go test` does
// not use a cached result after a change to them. It cannot know that the test builds
// them.
func statSources() error {
	list, err := run("go", "list", "-deps", "-f", sourcesTemplate, program)
	if err != nil {
		return err
	}
	for path := range strings.FieldsFuncSeq(list, func(c rune) bool { return c == '\n' }) {
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			_, err = os.ReadDir(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func run(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
