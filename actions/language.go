package actions

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/middleware/i18n"
	"golang.org/x/text/language"
)

// english is the language that programs are answered in, and people who ask for
// none that there is.
const english = "en-us"

// maxAcceptLanguage is how much of Accept-Language is read, in bytes: far more than
// any browser sends.
const maxAcceptLanguage = 500

// newTexts reads the texts. Accept-Language alone chooses among them: the middleware
// would also obey a cookie and a value of the session, which nothing here sets, and
// takes no notice of weights, nor de-AT for German.
func newTexts(files fs.FS) (*i18n.Translator, error) {
	texts, err := i18n.New(files, english)
	if err != nil {
		return nil, fmt.Errorf("read locales: %w", err)
	}
	choose := chooser(texts.AvailableLanguages())
	texts.LanguageExtractors = []i18n.LanguageExtractor{
		func(_ i18n.LanguageExtractorOptions, c buffalo.Context) []string {
			return []string{choose(strings.Join(c.Request().Header.Values("Accept-Language"), ","))}
		},
	}
	return texts, nil
}

// chooser returns what finds the language that a reader likes best, given
// Accept-Language. As in the lookup of RFC 4647, 3.4, the range * says nothing: who
// takes any language gets English.
func chooser(names []string) func(acceptLanguage string) string {
	var offers []language.Tag
	for _, name := range names {
		offers = append(offers, language.Make(name))
	}
	matcher := language.NewMatcher(offers)
	return func(acceptLanguage string) string {
		for _, wanted := range wantedLanguages(acceptLanguage) {
			if _, i, confidence := matcher.Match(wanted); confidence >= language.High {
				return names[i]
			}
		}
		return english
	}
}

// wantedLanguages reads Accept-Language, what is liked best first. What cannot be
// read is left out.
func wantedLanguages(acceptLanguage string) []language.Tag {
	type wish struct {
		tag    language.Tag
		weight float64
	}
	var wishes []wish
	for _, part := range strings.Split(acceptLanguage[:min(len(acceptLanguage), maxAcceptLanguage)], ",") {
		name, parameter, _ := strings.Cut(part, ";")
		tag, _ := language.Parse(strings.TrimSpace(name)) // of de-XY, which it does not know, it keeps de
		if weight := weightOf(parameter); weight > 0 && !tag.IsRoot() {
			wishes = append(wishes, wish{tag, weight})
		}
	}
	slices.SortStableFunc(wishes, func(x, y wish) int { return cmp.Compare(y.weight, x.weight) })
	var tags []language.Tag
	for _, w := range wishes {
		tags = append(tags, w.tag)
	}
	return tags
}

// weightOf reads q=0.5, which is 1 where it is not said, and 0 where it is not a
// weight (RFC 9110, 12.4.2).
func weightOf(parameter string) float64 {
	parameter = strings.ToLower(strings.TrimSpace(parameter))
	if parameter == "" {
		return 1
	}
	value, ok := strings.CutPrefix(parameter, "q=")
	weight, err := strconv.ParseFloat(value, 64)
	if !ok || err != nil || !(weight >= 0 && weight <= 1) {
		return 0
	}
	return weight
}
