// Package arch tests the imports between packages, and the size of the store's API.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/latchkey/latchkey"

// allowed lists, for each folder, which packages of this module it may import. Imports
// point one way, so that a package can be reused without the rest.
var allowed = map[string][]string{
	"":                                 {},
	"sessionstore":                     {"sessionstore/internal/codec", "sessionstore/internal/contextkey"},
	"sessionstore/internal/contextkey": {},
	"sessionstore/internal/codec":      {},
	"sessionstore/migrations":          {},
	"sessionstore/sessionmw":           {"sessionstore", "sessionstore/internal/contextkey"},
	"sessionstore/sessiontask":         {"sessionstore"},
	"sessionstore/sessiontest":         {"sessionstore"},
	"models":                           {"internal/text"},
	"signin":                           {"internal/text"},
	"templates":                        {},
	"locales":                          {},
	"public":                           {},
	"internal/environ":                 {},
	"internal/schema":                  {""},
	"internal/text":                    {},
	"internal/web":                     {"internal/text"},
	"internal/sessions":                {"config", "sessionstore", "sessionstore/sessionmw"},
	"internal/accounts":                {"models", "sessionstore"},
	"internal/database":                {"config", "models"},
	"config":                           {"", "internal/environ", "signin"},
	"actions":                          {"", "config", "internal/accounts", "internal/schema", "internal/sessions", "internal/text", "internal/web", "locales", "models", "public", "sessionstore", "sessionstore/sessionmw", "signin", "templates"},
	"grifts":                           {"actions", "config", "internal/database", "internal/accounts", "internal/sessions", "models", "sessionstore", "sessionstore/sessiontask"},
	"cmd/app":                          {"actions", "config", "grifts", "internal/database", "internal/schema", "internal/sessions", "internal/web", "models", "sessionstore"},
}

// forTests are the packages that only tests may import.
var forTests = []string{"sessionstore/testdb", "sessionstore/testdb/testproc", "internal/test/appdb", "internal/test/testapp", "internal/test/testoidc", "internal/test/testapi", "internal/arch", "e2e"}

func TestImportsPointOneWay(t *testing.T) {
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		content, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ImportsOnly)
		if err != nil {
			return err
		}
		checkImports(t, strings.TrimPrefix(path.Dir(name), "."), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, from string, file *ast.File) {
	t.Helper()
	if slices.Contains(forTests, from) || strings.HasPrefix(from, "examples/") || strings.HasPrefix(from, "sessionstore/buffalo-latchkey") {
		return
	}
	imports, known := allowed[from]
	if !known {
		t.Errorf("%s is missing in allowed: add what it may import", from)
	}
	for _, imported := range file.Imports {
		to, ours := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), module)
		to = strings.TrimPrefix(to, "/")
		if ours && !slices.Contains(imports, to) {
			t.Errorf("%s must not import %s", from, to)
		}
	}
}
