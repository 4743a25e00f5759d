package gomod_test

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gomod"
)

const (
	storeModule = "example.com/store"
	usesStore   = "package app\n\nimport _ \"example.com/store\"\n"
)

// The modules are folders next to the app, so that the go command needs no
// network. The store requires lib v1.1.0 and is the only one that imports it.
var modules = map[string]string{
	"app/main.go":    "package app\n\nimport _ \"example.com/used\"\n",
	"used/go.mod":    "module example.com/used\n\ngo 1.20\n",
	"used/used.go":   "package used\n",
	"unused/go.mod":  "module example.com/unused\n\ngo 1.16\n",
	"unused/u.go":    "package unused\n",
	"lib/go.mod":     "module example.com/lib\n\ngo 1.20\n",
	"lib/lib.go":     "package lib\n",
	"store/go.mod":   "module example.com/store\n\ngo 1.24.0\n\nrequire example.com/lib v1.1.0\n\nreplace example.com/lib => ../lib\n",
	"store/store.go": "package store\n\nimport _ \"example.com/lib\"\n",
}

const replaced = `
replace (
	example.com/lib => ../lib
	example.com/unused => ../unused
	example.com/used => ../used
)
`

func newApp(t *testing.T, goMod string) string {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{"app/go.mod": goMod + replaced}
	for name, text := range modules {
		files[name] = text
	}
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "")
	return filepath.Join(root, "app")
}

func resolve(t *testing.T, root string) *gomod.Result {
	t.Helper()
	app := gomod.App{Root: root, Files: map[string]string{"store.go": usesStore}}
	r, err := gomod.Resolve(t.Context(), app, gomod.Target{Module: storeModule, Packages: []string{storeModule}, Dir: "../store"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestResolve(t *testing.T) {
	const goMod = `module example.com/app

go 1.24.0

require (
	example.com/lib v1.0.0 // pinned for a reason
	example.com/unused v1.0.0
	example.com/used v1.0.0
)
`
	root := newApp(t, goMod)
	r := resolve(t, root)
	for _, want := range []string{
		"\texample.com/store v0.0.0\n", "example.com/lib v1.1.0 // pinned for a reason\n",
		"example.com/unused v1.0.0\n", "replace example.com/store => ../store\n",
	} {
		if !strings.Contains(r.ModAfter, want) {
			t.Errorf("the new go.mod has no %q:\n%s", want, r.ModAfter)
		}
	}
	if len(r.Moves) != 1 || r.Moves[0].Module != "example.com/lib" || r.Moves[0].Before != "v1.0.0" || r.Moves[0].After != "v1.1.0" {
		t.Fatalf("moves = %+v, want only lib from v1.0.0 to v1.1.0", r.Moves)
	}
	if why := strings.Join(r.Moves[0].Why, " "); why != "example.com/store@v0.0.0 example.com/lib@v1.1.0" {
		t.Errorf("lib moved because of %q", why)
	}
	if now, _ := os.ReadFile(filepath.Join(root, "go.mod")); string(now) != r.ModBefore {
		t.Error("the app's own go.mod was changed")
	}
}

// The imports of the app's new files must be in go.mod, or the app does not
// build.
func TestResolve_ListsIndirectRequirements(t *testing.T) {
	r := resolve(t, newApp(t, "module example.com/app\n\ngo 1.24.0\n\nrequire example.com/used v1.0.0\n"))
	if !strings.Contains(r.ModAfter, "example.com/lib v1.1.0 // indirect\n") {
		t.Errorf("the new go.mod does not list lib:\n%s", r.ModAfter)
	}
}

// A go.mod from before Go 1.17 gets a list of indirect requirements, with only
// the modules that the app uses.
func TestResolve_TidiesOldModules(t *testing.T) {
	r := resolve(t, newApp(t, "module example.com/app\n\ngo 1.16\n\nrequire (\n\texample.com/unused v1.0.0 // indirect\n\texample.com/used v1.0.0\n)\n"))
	if strings.Contains(r.ModAfter, "example.com/unused v1.0.0") {
		t.Errorf("the new go.mod lists a module that the app does not use:\n%s", r.ModAfter)
	}
	if r.GoBefore != "1.16" || r.GoAfter != "1.24.0" {
		t.Errorf("go %s became %s, want 1.16 and 1.24.0", r.GoBefore, r.GoAfter)
	}
}

// If the app is also built with other tags, such as "sqlite", it needs checksums
// of modules that it does not import otherwise.
func TestResolve_KeepsChecksumsOfOtherTags(t *testing.T) {
	root := newApp(t, "module example.com/app\n\ngo 1.24.0\n\nrequire (\n\texample.com/tagged v1.0.0\n\texample.com/used v1.0.0\n)\n")
	publish(t, filepath.Join(root, "../proxy"), "example.com/tagged", "v1.0.0", "v1.1.0")
	for name, text := range map[string]string{
		"../store/go.mod": modules["store/go.mod"] + "\nrequire example.com/tagged v1.1.0\n",
		"tagged.go":       "//go:build sometimes\n\npackage app\n\nimport _ \"example.com/tagged\"\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	goCommand(t, root, "mod", "download", "example.com/tagged")

	r := resolve(t, root)
	for name, text := range map[string]string{"go.mod": r.ModAfter, "go.sum": r.SumAfter} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(r.ModAfter, "example.com/tagged v1.1.0") {
		t.Errorf("tagged did not move:\n%s", r.ModAfter)
	}
	goCommand(t, root, "build", "-tags=sometimes", ".")
}

func goCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}

// publish puts versions of an empty module into a proxy folder, and configures
// the go command to use it.
func publish(t *testing.T, dir, module string, versions ...string) {
	t.Helper()
	at := filepath.Join(dir, module, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	goMod := "module " + module + "\n\ngo 1.20\n"
	for _, version := range versions {
		var archive bytes.Buffer
		w := zip.NewWriter(&archive)
		for name, text := range map[string]string{"go.mod": goMod, "p.go": "package " + path.Base(module) + "\n"} {
			f, err := w.Create(module + "@" + version + "/" + name)
			if err == nil {
				_, err = f.Write([]byte(text))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for ending, text := range map[string]string{".info": `{"Version":"` + version + `"}`, ".mod": goMod, ".zip": archive.String()} {
			if err := os.WriteFile(filepath.Join(at, version+ending), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(dir))
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw")
}

func TestResolve_KeepsLineEndings(t *testing.T) {
	root := newApp(t, "module example.com/app\n\ngo 1.24.0\n\nrequire example.com/used v1.0.0\n")
	file := filepath.Join(root, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	if mod := resolve(t, root).ModAfter; strings.Count(mod, "\n") != strings.Count(mod, "\r\n") {
		t.Errorf("the new go.mod has other line endings:\n%q", mod)
	}
}

func TestResolve_SecondTime(t *testing.T) {
	root := newApp(t, "module example.com/app\n\ngo 1.24.0\n\nrequire example.com/used v1.0.0\n")
	first := resolve(t, root)
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte(first.ModAfter), 0o644); err != nil {
		t.Fatal(err)
	}
	if second := resolve(t, root); second.ModAfter != second.ModBefore {
		t.Errorf("the second time go.mod becomes\n%s", second.ModAfter)
	}
}

func TestResolve_KeepsNewerVersion(t *testing.T) {
	root := newApp(t, "module example.com/app\n\ngo 1.24.0\n\nrequire example.com/store v1.10.0\n")
	r, err := gomod.Resolve(t.Context(), gomod.App{Root: root}, gomod.Target{Module: storeModule, Packages: []string{storeModule}, Version: "v1.9.0"})
	if err != nil || r.ModAfter != r.ModBefore {
		t.Errorf("go.mod has v1.10.0 and becomes, with v1.9.0: %v\n%s", err, r.ModAfter)
	}
}

func TestResolve_UnknownStore(t *testing.T) {
	root := newApp(t, "module example.com/app\n\ngo 1.24.0\n\nrequire example.com/used v1.0.0\n")
	_, err := gomod.Resolve(t.Context(), gomod.App{Root: root}, gomod.Target{Module: storeModule, Packages: []string{storeModule}, Dir: "../missing"})
	if err == nil || !strings.Contains(err.Error(), "../missing") {
		t.Errorf("err = %v, want one that names the folder", err)
	}
}

func TestOlderGo(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"1.16", "1.24.0", true},
		{"1.24", "1.24.0", false},
		{"1.24.0", "1.24", false},
		{"1.9", "1.10", true},
		{"1.25", "1.24.0", false},
		{"", "1.24.0", false},
	} {
		if got := gomod.OlderGo(test.a, test.b); got != test.want {
			t.Errorf("OlderGo(%q, %q) = %v", test.a, test.b, got)
		}
	}
}
