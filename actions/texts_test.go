package actions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/latchkey/latchkey/locales"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/templates"
)

// TestTexts checks that code and templates use all texts, and only texts that exist.
// It finds a text by its whole ID in quotes. Package locales tests that all languages
// have the same texts.
func TestTexts(t *testing.T) {
	existing := textIDs(t)
	used := map[string]bool{}
	for _, id := range slices.Concat(idsInTemplates(t), idsInCode(t, existing)) {
		used[id] = true
		if !existing[id] {
			t.Errorf("there is no text %s", id)
		}
	}
	for id := range existing {
		if !used[id] {
			t.Errorf("nothing uses the text %s", id)
		}
	}
}

func textIDs(t *testing.T) map[string]bool {
	t.Helper()
	content, err := fs.ReadFile(locales.FS(), "all.en-us.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var texts []struct{ ID string }
	if err := yaml.Unmarshal(content, &texts); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, text := range texts {
		ids[text.ID] = true
	}
	if len(ids) < 150 {
		t.Errorf("found only %d texts", len(ids))
	}
	return ids
}

var (
	textInTemplate  = regexp.MustCompile(`\bt\(\s*"([^"]*)"\s*[,)]`)
	anyTextTemplate = regexp.MustCompile(`[^\w.]t\(`)
)

func idsInTemplates(t *testing.T) (ids []string) {
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
		found := textInTemplate.FindAllSubmatch(content, -1)
		if all := len(anyTextTemplate.FindAll(content, -1)); all != len(found) {
			t.Errorf("%s uses %d texts, but only %d have a whole ID", name, all, len(found))
		}
		for _, match := range found {
			ids = append(ids, string(match[1]))
		}
	}
	return ids
}

// idOfText matches what looks like the ID of a text: its first part is that of one.
func idOfText(existing map[string]bool) *regexp.Regexp {
	groups := map[string]bool{}
	for id := range existing {
		group, _, _ := strings.Cut(id, ".")
		groups[group] = true
	}
	return regexp.MustCompile(`"((?:` + strings.Join(slices.Collect(maps.Keys(groups)), "|") + `)(?:\.[a-z0-9_.]+)?)"`)
}

// notTexts matches names of templates.
var notTexts = regexp.MustCompile(`"[a-z_]+\.plush\.html"`)

func idsInCode(t *testing.T, existing map[string]bool) (ids []string) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	pattern := idOfText(existing)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range pattern.FindAllStringSubmatch(notTexts.ReplaceAllString(string(content), ""), -1) {
			// A word without a dot may be something else.
			if strings.Contains(match[1], ".") || existing[match[1]] {
				ids = append(ids, match[1])
			}
		}
	}
	return ids
}

// TestTexts_Values checks that every value of package models has a text.
func TestTexts_Values(t *testing.T) {
	for comment, has := range map[string]func(value string) bool{
		"The values of User.Role": func(value string) bool { return roleTexts[value] != "" },
		"The values of Event.Kind": func(value string) bool {
			return eventTexts[value] != "" || value == models.SessionEnded || value == models.SignInFailed
		},
		"The values of Event.Detail": func(value string) bool { return endTexts[value].event != "" && endTexts[value].chart != "" },
	} {
		values := constants(t, comment)
		if len(values) < 2 {
			t.Errorf("%s: found only %q", comment, values)
		}
		for _, value := range values {
			if !has(value) {
				t.Errorf("%s: %s has no text", comment, value)
			}
		}
	}
}

// constants returns the values of the constants of package models under a comment.
func constants(t *testing.T, comment string) (values []string) {
	t.Helper()
	for _, name := range []string{"../models/user.go", "../models/event.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, constantsIn(t, file, comment)...)
	}
	return values
}

func constantsIn(t *testing.T, file *ast.File, comment string) (values []string) {
	t.Helper()
	ast.Inspect(file, func(n ast.Node) bool {
		group, ok := n.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST || !strings.HasPrefix(group.Doc.Text(), comment) {
			return true
		}
		for _, spec := range group.Specs {
			literal := spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit)
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	return values
}
