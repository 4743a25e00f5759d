package arch

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// inBackquotes matches code in Markdown.
var inBackquotes = regexp.MustCompile("`([^`\n]+)`")

// The table of packages in docs/architecture.md has the imports of allowed.
func TestArchitecture_Imports(t *testing.T) {
	described := map[string][]string{}
	for _, line := range strings.Split(readDoc(t, "docs/architecture.md"), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, pkg := range codeIn(cells[1]) {
			described[pkg] = codeIn(cells[3])
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(allowed)) {
		imports, ok := described[nameInDoc(pkg)]
		if !ok {
			t.Errorf("%s is missing", pkg)
			continue
		}
		var want []string
		for _, imported := range allowed[pkg] {
			want = append(want, nameInDoc(imported))
		}
		slices.Sort(want)
		slices.Sort(imports)
		if !slices.Equal(imports, want) {
			t.Errorf("%s: the table has %v, want %v", pkg, imports, want)
		}
	}
}

// The files that docs/architecture.md names exist.
func TestArchitecture_Files(t *testing.T) {
	root := os.DirFS("../..")
	for _, name := range codeIn(readDoc(t, "docs/architecture.md")) {
		if !strings.Contains(name, "/") || path.Ext(name) == "" {
			continue
		}
		if _, err := fs.Stat(root, name); err != nil {
			t.Error(err)
		}
	}
}

// relativeLink matches the links in Markdown that lead to files of the repository.
var relativeLink = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)

// The links between documents lead to files that exist.
func TestDocs_Links(t *testing.T) {
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".md" {
			return err
		}
		for _, link := range relativeLink.FindAllStringSubmatch(readDoc(t, name), -1) {
			if _, err := fs.Stat(root, path.Join(path.Dir(name), link[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func codeIn(markdown string) (found []string) {
	for _, match := range inBackquotes.FindAllStringSubmatch(markdown, -1) {
		found = append(found, match[1])
	}
	return found
}

// nameInDoc returns what the document calls a package of allowed.
func nameInDoc(pkg string) string {
	if pkg == "" {
		return "."
	}
	return pkg
}
