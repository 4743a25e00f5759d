package command_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/command"
)

func run(t *testing.T, input string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	streams := command.Streams{In: strings.NewReader(input), Out: &out, Err: &out}
	if err := command.Main(t.Context(), args, streams); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, &out)
	}
	return out.String()
}

func snapshot(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		texts[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is now\n%s\nwant\n%s", name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

func TestLatchkey_BuildsAndUndoes(t *testing.T) {
	newApp(t)
	before := snapshot(t)
	out := run(t, "", "latchkey", "--yes", "--store", "../store")
	if !strings.Contains(out, "The app builds.") {
		t.Errorf("the app was not built:\n%s", out)
	}
	run(t, "", "latchkey", "--undo", "--yes")
	same(t, snapshot(t), before)
}

func TestLatchkey_SecondRunChangesNothing(t *testing.T) {
	newApp(t)
	run(t, "", "latchkey", "--yes", "--skip-build", "--store", "../store")
	before := snapshot(t)
	if out := run(t, "", "latchkey", "--yes", "--store", "../store"); !strings.HasPrefix(out, "Nothing to change") {
		t.Errorf("the second run says:\n%s", out)
	}
	same(t, snapshot(t), before)
}

// If a CI or Docker build uses a Go version that cannot read the new go.mod, it
// fails where the developer does not see it.
func TestLatchkey_NamesOldGo(t *testing.T) {
	newApp(t)
	for name, text := range map[string]string{
		"../store/go.mod":          "module github.com/latchkey/latchkey/sessionstore\n\ngo 1.24.1\n",
		"go.mod":                   "// +heroku goVersion go1.22\n" + files["app/go.mod"],
		"Dockerfile":               "# build\nFROM gobuffalo/buffalo:v0.18.14 as builder\nRUN buffalo build\nFROM alpine\n",
		"docker/dev/Dockerfile":    "FROM --platform=linux/amd64 golang:1.23-alpine\n",
		"docker/new/Dockerfile":    "FROM golang:1.24\n",
		"docker-compose.yml":       "services:\n  dev:\n    image: golang:1.20\n",
		".github/workflows/ci.yml": "jobs:\n  test:\n    steps:\n      - with:\n          go-version: '1.21'\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := run(t, "", "--yes", "--skip-build", "--store", "../store")
	for _, want := range []string{
		"In Dockerfile:2, below the line FROM gobuffalo/buffalo:v0.18.14 as builder", "COPY --from=golang:1.24 /usr/local/go /usr/local/go",
		"docker/dev/Dockerfile:1 builds with Go 1.23", "docker-compose.yml:3 builds with Go 1.20",
		".github/workflows/ci.yml:5 builds with Go 1.21", "go.mod:1 builds with Go 1.22",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output has no %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "docker/new/Dockerfile") {
		t.Errorf("the output names an image that is new enough:\n%s", out)
	}
	if out := run(t, "", "--yes", "--store", "../store"); strings.Contains(out, "Dockerfile") {
		t.Errorf("the second run says:\n%s", out)
	}
}

// The image golang:1.25 has the newest Go 1.25, and what go.mod required before
// is not this command's concern.
func TestLatchkey_IsSilentAboutTheAppsOwnGo(t *testing.T) {
	newApp(t)
	for name, text := range map[string]string{
		"go.mod":     strings.Replace(files["app/go.mod"], "go 1.24\n", "go 1.24.2\n", 1),
		"Dockerfile": "FROM golang:1.24-alpine\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out := run(t, "", "--dry-run", "--store", "../store"); strings.Contains(out, "Dockerfile") {
		t.Errorf("the output names the Dockerfile:\n%s", out)
	}
}

func TestLatchkey_AsksFirst(t *testing.T) {
	newApp(t)
	before := snapshot(t)
	run(t, "", "--store", "../store")
	run(t, "n\n", "--store", "../store")
	run(t, "y\n", "--dry-run", "--store", "../store")
	same(t, snapshot(t), before)
	run(t, "y\n", "--skip-build", "--store", "../store")
	if _, err := os.Stat(".latchkey.json"); err != nil {
		t.Error("nothing was changed after a yes")
	}
}

var hexSecret = regexp.MustCompile(`(?m)^SESSION_SECRET=([0-9a-f]{64})$`)

func TestLatchkey_ShowsAndRecordsNoSecret(t *testing.T) {
	newApp(t)
	out := run(t, "", "latchkey", "--yes", "--skip-build", "--store", "../store")
	texts := snapshot(t)
	match := hexSecret.FindStringSubmatch(texts[".env"])
	if match == nil || !strings.Contains(texts[".env"], "OLD_SESSION_SECRET=tooshort\n") {
		t.Fatalf(".env is %q", texts[".env"])
	}
	undone := run(t, "", "latchkey", "--undo", "--yes")
	for _, secret := range []string{match[1], "tooshort", "hunter2"} {
		for where, text := range map[string]string{"output": out, "record": texts[".latchkey.json"], "output of undo": undone} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has the secret %s", where, secret)
			}
		}
	}
}

func TestLatchkey_UndoKeepsLaterEdits(t *testing.T) {
	newApp(t)
	want := maps.Clone(snapshot(t))
	run(t, "", "latchkey", "--yes", "--skip-build", "--store", "../store")
	const name, line = "actions/app.go", "\n// Later was added afterwards.\nfunc Later() {}\n"
	want[name] += line
	if err := os.WriteFile(name, []byte(snapshot(t)[name]+line), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "", "latchkey", "--undo", "--yes")
	same(t, snapshot(t), want)
}

func TestLatchkey_UndoSaysWhatItCannot(t *testing.T) {
	newApp(t)
	run(t, "", "latchkey", "--yes", "--skip-build", "--store", "../store")
	const name = "actions/app.go"
	changed := strings.Replace(snapshot(t)[name], "sessionmw.Transaction(", "mine(", 1)
	if err := os.WriteFile(name, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	out := run(t, "", "latchkey", "--undo", "--yes")
	if !strings.Contains(out, "cannot be taken back") || !strings.Contains(out, "popmw.Transaction(models.DB)") {
		t.Errorf("undo does not name the lines:\n%s", out)
	}
	if !strings.Contains(snapshot(t)[name], "mine(") {
		t.Error("undo changed the lines of the owner")
	}
}

func TestAvailable(t *testing.T) {
	out := run(t, "", "available")
	for _, part := range []string{`"name":"latchkey","buffalo_command":"generate"`, `"name":"sessions","buffalo_command":"root"`} {
		if !strings.Contains(out, part) {
			t.Errorf("%s has no %s", out, part)
		}
	}
}
