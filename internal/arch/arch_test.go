// Package arch holds the project to the shape that it says it has.
package arch

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/latchkey/latchkey"

// allowed says which packages of ours each folder may import. Imports point
// one way, so what stands alone can be taken alone.
var allowed = map[string][]string{
	"":                 {},
	"sessionstore":     {},
	"models":           {},
	"templates":        {},
	"locales":          {},
	"public":           {},
	"internal/environ": {},
	"internal/schema":  {""},
	"config":           {"", "internal/environ", "sessionstore"},
	"actions":          {"config", "internal/schema", "locales", "models", "public", "sessionstore", "templates"},
	"grifts":           {"config", "models", "sessionstore"},
	"cmd/app":          {"actions", "config", "grifts", "internal/schema", "models", "sessionstore"},
}

// forTests are packages that only tests may import.
var forTests = []string{"internal/testdb", "internal/testapp", "internal/arch", "e2e"}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		paths := strings.Fields(line)
		from := short(paths[0])
		if slices.Contains(forTests, from) || strings.HasPrefix(from, "examples/") {
			continue
		}
		may, known := allowed[from]
		if !known {
			t.Errorf("%s is new: say here what it may import", from)
		}
		for _, to := range paths[1:] {
			if isOurs(to) && !slices.Contains(may, short(to)) {
				t.Errorf("%s must not import %s", from, short(to))
			}
		}
	}
}

func isOurs(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func short(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }
