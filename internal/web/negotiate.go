package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/elnormous/contenttype"
	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/middleware/i18n"
	"golang.org/x/text/language"
)

// The last of htmlTypes is what Buffalo's test suite sends.
var (
	jsonTypes = []contenttype.MediaType{contenttype.NewMediaType("application/json")}
	htmlTypes = []contenttype.MediaType{
		contenttype.NewMediaType("text/html"),
		contenttype.NewMediaType("application/xhtml+xml"),
		contenttype.NewMediaType("application/html"),
	}
	jsonThenHTML = slices.Concat(jsonTypes, htmlTypes)
	htmlThenJSON = slices.Concat(htmlTypes, jsonTypes)
)

// PrefersHTML reports whether the client asks for HTML. Browsers do; a client that
// sends no Accept header gets JSON.
func PrefersHTML(r *http.Request) bool { return acceptsHTML(r, jsonThenHTML) }

// PrefersPage is like PrefersHTML, but a client that sends no Accept header gets
// HTML.
func PrefersPage(r *http.Request) bool { return acceptsHTML(r, htmlThenJSON) }

// acceptsHTML reports whether the client prefers HTML. Of equal types, the first in
// offers wins. A client that accepts neither gets JSON.
func acceptsHTML(r *http.Request, offers []contenttype.MediaType) bool {
	best, _, err := contenttype.GetAcceptableMediaType(r, offers)
	return err == nil && best.MatchesAny(htmlTypes...)
}

// maxAcceptLanguage is the longest Accept-Language that is read, in bytes. Browsers
// send far less.
const maxAcceptLanguage = 500

// LanguageChooser returns a function that chooses the language of a response for an
// Accept-Language header. It returns one of names, which are BCP 47 tags, or
// fallback if none of them matches. The range * matches none (RFC 4647, 3.4).
func LanguageChooser(names []string, fallback string) func(acceptLanguage string) string {
	var offers []language.Tag
	for _, name := range names {
		offers = append(offers, language.Make(name))
	}
	matcher := language.NewMatcher(offers)
	return func(acceptLanguage string) string {
		if len(acceptLanguage) > maxAcceptLanguage {
			return fallback
		}
		wanted, weights, err := language.ParseAcceptLanguage(acceptLanguage)
		if err != nil {
			return fallback
		}
		for i, tag := range wanted {
			if weights[i] == 0 {
				continue
			}
			if _, best, confidence := matcher.Match(tag); confidence >= language.High {
				return names[best]
			}
		}
		return fallback
	}
}

// NewTexts reads the texts in files. Accept-Language alone chooses the language of a
// response. Buffalo's middleware would also read a cookie and a session value, and
// ignores weights and regions such as de-AT.
func NewTexts(files fs.FS, fallback string) (*i18n.Translator, error) {
	texts, err := i18n.New(files, fallback)
	if err != nil {
		return nil, fmt.Errorf("read locales: %w", err)
	}
	choose := LanguageChooser(texts.AvailableLanguages(), fallback)
	texts.LanguageExtractors = []i18n.LanguageExtractor{
		func(_ i18n.LanguageExtractorOptions, c buffalo.Context) []string {
			return []string{choose(strings.Join(c.Request().Header.Values("Accept-Language"), ","))}
		},
	}
	return texts, nil
}
