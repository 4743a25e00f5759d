package web

import (
	"golang.org/x/text/language"
)

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
