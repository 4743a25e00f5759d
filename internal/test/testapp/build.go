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

// binary builds the app, once for all tests of a package, and returns its path.
// It lies beside the test's own binary, in a folder that `go test` removes.
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
	return path, lookAtSources()
})

// sources has `go list` print the folders and embedded files of a package, if
// it is one of ours.
const sources = `{{if and .Module .Module.Main}}{{.Dir}}
{{$dir := .Dir}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}{{end}}`

// lookAtSources looks at the files that the app is built of. `go test` notes
// what a test looks at, and repeats no result from before a change to it; that
// the test builds a program it cannot know.
func lookAtSources() error {
	list, err := run("go", "list", "-deps", "-f", sources, program)
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
