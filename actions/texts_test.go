package actions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/locales"
	"github.com/latchkey/latchkey/templates"
)

// TestTexts holds that every text that pages and code ask for is there. That other
// languages have what English has is tested in package locales.
func TestTexts(t *testing.T) {
	texts, err := newTexts(locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	code := readCode(t, ".")
	wanted := slices.Concat(idsOfTemplates(t), code.ids, builtIDs(t, code))
	if len(wanted) < 150 {
		t.Errorf("found only %d ids: %q", len(wanted), wanted)
	}
	for _, id := range wanted {
		// With a count, for those with plural forms; others take no notice of it.
		text, err := texts.TranslateWithLang(english, id, 2, map[string]any{})
		if err != nil || text == id {
			t.Errorf("there is no text %s (%v)", id, err)
		}
	}
	// An id that is put together is in builtIDs, or nobody looks whether it is complete.
	known := slices.Sorted(maps.Keys(parts(t, code)))
	found := slices.Concat(code.beginnings, beginningsOfTemplates(t))
	slices.Sort(found)
	if found = slices.Compact(found); !slices.Equal(found, known) {
		t.Errorf("code and templates put ids together that begin with %q, want %q", found, known)
	}
}

var (
	textInTemplate  = regexp.MustCompile(`\bt\(\s*"([^"]*)"\s*([,)+])`)
	anyTextTemplate = regexp.MustCompile(`[^\w.]t\(`)
)

func eachTemplate(t *testing.T, do func(content string)) {
	t.Helper()
	names, err := fs.Glob(templates.FS(), "*.html")
	if err != nil || len(names) == 0 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(templates.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		if all, read := len(anyTextTemplate.FindAll(content, -1)), len(textInTemplate.FindAll(content, -1)); all != read {
			t.Errorf("%s asks for %d texts, and the test can read %d", name, all, read)
		}
		do(string(content))
	}
}

func idsOfTemplates(t *testing.T) (ids []string) {
	t.Helper()
	eachTemplate(t, func(content string) {
		for _, found := range textInTemplate.FindAllStringSubmatch(content, -1) {
			if found[2] != "+" {
				ids = append(ids, found[1])
			}
		}
	})
	return ids
}

func beginningsOfTemplates(t *testing.T) (beginnings []string) {
	t.Helper()
	eachTemplate(t, func(content string) {
		for _, found := range textInTemplate.FindAllStringSubmatch(content, -1) {
			if found[2] == "+" {
				beginnings = append(beginnings, found[1])
			}
		}
	})
	return beginnings
}

// code is what the sources of the package say about texts.
type code struct {
	ids        []string            // written out
	beginnings []string            // of ids that are put together
	args       map[string][]string // the literals that a function is called with, by "name:position"
	devices    []string
}

// textArgs says which argument of a function is a text's id.
var textArgs = map[string]int{
	"Translate": 1, "TranslateWithLang": 1, "problem": 1, "requireFresh": 1, "requireFreshFor": 1,
	"show": 2, "answer": 3, "writeError": 3,
}

func readCode(t *testing.T, folder string) code {
	t.Helper()
	found := code{args: map[string][]string{}}
	for _, file := range parseFolder(t, folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			found.read(n)
			return true
		})
	}
	return found
}

func (f *code) read(n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := nameOf(n.Fun)
		for i, arg := range n.Args {
			if text, ok := literal(arg); ok {
				key := name + ":" + strconv.Itoa(i)
				f.args[key] = append(f.args[key], text)
			}
		}
		if i, ok := textArgs[name]; ok && i < len(n.Args) {
			f.readID(n.Args[i])
		}
	case *ast.KeyValueExpr:
		switch key := nameOf(n.Key); key {
		case "id":
			f.readID(n.Value)
		case "Device":
			f.readDevice(n.Value)
		}
	case *ast.AssignStmt:
		switch nameOf(n.Lhs[0]) {
		case "id":
			if n.Tok != token.ADD_ASSIGN { // more of one that has begun
				f.readID(n.Rhs[0])
			}
		case "Device":
			f.readDevice(n.Rhs[0])
		}
	}
}

func (f *code) readID(e ast.Expr) {
	if text, ok := literal(e); ok {
		f.ids = append(f.ids, text)
	}
	if sum, ok := e.(*ast.BinaryExpr); ok {
		if text, ok := literal(sum.X); ok {
			f.beginnings = append(f.beginnings, text)
		}
	}
}

func (f *code) readDevice(e ast.Expr) {
	if text, ok := literal(e); ok {
		f.devices = append(f.devices, text)
	}
}

func parseFolder(t *testing.T, folder string) (files []*ast.File) {
	t.Helper()
	names, err := fs.Glob(os.DirFS(folder), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path.Join(folder, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// nameOf is the last part of a name.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(basic.Value)
	return text, err == nil
}

// constants are the values of a group of constants of package models, found by what
// its comment begins with.
func constants(t *testing.T, comment string) (values []string) {
	t.Helper()
	for _, file := range parseFolder(t, "../models") {
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST || !strings.HasPrefix(group.Doc.Text(), comment) {
				continue
			}
			for _, spec := range group.Specs {
				for _, value := range spec.(*ast.ValueSpec).Values {
					if text, ok := literal(value); ok {
						values = append(values, text)
					}
				}
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("models has no constants with the comment %q", comment)
	}
	return values
}

// parts are the ids that are put together: how each begins, and how it may end.
func parts(t *testing.T, code code) map[string][]string {
	t.Helper()
	ends := constants(t, "The values of Event.Detail where sessions end")
	kinds := slices.DeleteFunc(constants(t, "The values of Event.Kind"), func(kind string) bool {
		return kind == "signin.failure" || kind == "session.ended" // whose sentences tell more
	})
	for _, why := range code.args["failure:2"] {
		kinds = append(kinds, "signin.failure."+why)
	}
	return map[string][]string{
		"event.":       kinds,
		"ended.":       ends,
		"cause.":       slices.Concat(ends, []string{"signout"}),
		"role.":        constants(t, "The values of User.Role"),
		"method.":      {bypassMethod, tokenMethod, "none"},
		"device.":      code.devices,
		"status.":      numbers(titles),
		"error.":       append(numbers(statusTexts), "500"),
		"notice.":      notices,
		"admin.chart.": code.args["chartOf:1"],
	}
}

func builtIDs(t *testing.T, code code) (ids []string) {
	t.Helper()
	for beginning, ends := range parts(t, code) {
		if len(ends) == 0 {
			t.Errorf("nothing is known to follow %s", beginning)
		}
		for _, end := range ends {
			ids = append(ids, beginning+end)
		}
	}
	return ids
}

func numbers(all []int) (texts []string) {
	for _, n := range all {
		texts = append(texts, strconv.Itoa(n))
	}
	return texts
}

// TestNotices holds that what a page is sent on to say is among what it may say.
func TestNotices(t *testing.T) {
	happened := readCode(t, ".").args["done:2"]
	slices.Sort(happened)
	known := slices.Clone(notices)
	slices.Sort(known)
	if happened = slices.Compact(happened); !slices.Equal(happened, known) {
		t.Errorf("pages are told of %q, and can say %q", happened, known)
	}
}
