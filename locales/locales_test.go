package locales

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nicksnyder/go-i18n/i18n/language"
	"go.yaml.in/yaml/v3"
)

const english = "all.en-us.yaml"

// file is the texts of one language by id: each by its plural form, and by "" where it
// has none.
type file map[string]map[string]string

func read(t *testing.T, name string) file {
	t.Helper()
	content, err := fs.ReadFile(FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct {
		ID          string
		Translation yaml.Node
	}
	if err := yaml.Unmarshal(content, &entries); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	texts := file{}
	for _, e := range entries {
		forms := map[string]string{}
		if e.Translation.Kind == yaml.ScalarNode {
			forms[""] = e.Translation.Value
		} else if err := e.Translation.Decode(&forms); err != nil {
			t.Errorf("%s, %s: %v", name, e.ID, err)
		}
		if _, twice := texts[e.ID]; twice {
			t.Errorf("%s has %s twice", name, e.ID)
		}
		texts[e.ID] = forms
	}
	return texts
}

// languageOf is the one that the name of a file says.
func languageOf(t *testing.T, name string) *language.Language {
	t.Helper()
	found := language.Parse(name)
	if len(found) != 1 {
		t.Fatalf("%s does not say one language: %v", name, found)
	}
	return found[0]
}

// TestLanguages holds that every language says all that English says.
func TestLanguages(t *testing.T) {
	names, err := fs.Glob(FS(), "*.yaml")
	if err != nil || len(names) < 2 {
		t.Fatalf("%q, %v, want English and another", names, err)
	}
	want := read(t, english)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			got, spoken := read(t, name), languageOf(t, name)
			for id := range got {
				if _, ok := want[id]; !ok {
					t.Errorf("%s is not in %s", id, english)
				}
			}
			for _, id := range slices.Sorted(maps.Keys(want)) {
				testText(t, id, spoken, want[id], got[id])
			}
			testWhatIsNoSentence(t, spoken, got)
		})
	}
}

// testText compares one text with the English one.
func testText(t *testing.T, id string, spoken *language.Language, want, got map[string]string) {
	t.Helper()
	forms := []string{""}
	if _, single := want[""]; !single {
		forms = nil
		for form := range spoken.Plurals {
			forms = append(forms, string(form))
		}
	}
	slices.Sort(forms)
	if has := slices.Sorted(maps.Keys(got)); !slices.Equal(has, forms) {
		t.Errorf("%s has the forms %q, want %q", id, has, forms)
	}
	for form, text := range got {
		if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
			t.Errorf("%s, %q: the text is %q", id, form, text)
		}
		english, ok := want[form]
		if !ok {
			english = want["other"]
		}
		if variables(text) != variables(english) {
			t.Errorf("%s, %q names %q, want %q", id, form, variables(text), variables(english))
		}
	}
}

var variable = regexp.MustCompile(`{{.*?}}`)

// variables lists what a text names, each once. A form for one may leave the number out.
func variables(text string) string {
	found := variable.FindAllString(text, -1)
	slices.Sort(found)
	found = slices.DeleteFunc(slices.Compact(found), func(v string) bool { return v == "{{.Count}}" })
	return strings.Join(found, " ")
}

// testWhatIsNoSentence looks at the texts that programs read: the page's lang, by which
// scripts choose the form of times too, and the form of times where there are none.
func testWhatIsNoSentence(t *testing.T, spoken *language.Language, texts file) {
	t.Helper()
	base, _, _ := strings.Cut(spoken.Tag, "-")
	if lang := texts["language"][""]; lang != spoken.Tag && lang != base {
		t.Errorf("language is %q, want %q or %q", lang, base, spoken.Tag)
	}
	layout := texts["time.layout"][""]
	when := time.Date(2026, time.November, 24, 21, 3, 0, 0, time.UTC)
	shown := when.Format(layout)
	if back, err := time.Parse(layout, shown); err != nil || !back.Equal(when) || !strings.HasSuffix(layout, " UTC") {
		t.Errorf("time.layout %q shows %q, want day, month, year, hour and minute, and UTC at the end", layout, shown)
	}
	if word := regexp.MustCompile(`[A-Za-z]+`).FindString(shown); word != "UTC" && base != "en" {
		t.Errorf("time.layout shows %q: Go has names of months in English only", shown)
	}
}
