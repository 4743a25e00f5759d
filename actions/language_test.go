package actions

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/locales"
)

func newChooser(t *testing.T) func(string) string {
	t.Helper()
	texts, err := newTexts(locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	return chooser(texts.AvailableLanguages())
}

func TestChooser(t *testing.T) {
	choose := newChooser(t)
	for acceptLanguage, want := range map[string]string{
		"":                english,
		"de":              "de",
		"DE":              "de",
		"de-DE":           "de",
		"de-AT":           "de",
		"de-Latn-CH-1996": "de",
		"de-XY":           "de", // there is no such country
		"en":              english,
		"en-GB":           english,
		"en-GB, de":       english,
		"de, en":          "de",
		"fr":              english,
		"fr, de":          "de",
		"gsw-CH, en":      "de", "lb, en": "de", // as CLDR has it
		"tlh, xx, de":                           "de",
		"fr-CH, fr;q=0.9, de;q=0.7, en;q=0.8":   english,
		"fr-CH, fr;q=0.9, de;q=0.8, en;q=0.7":   "de",
		"en;q=0.5,de":                           "de",
		"en;Q=0.5,de ; q=0.9":                   "de",
		"de;q=0":                                english,
		"de;q=0, fr":                            english,
		"de;q=0.0, en;q=0.1":                    english,
		"*":                                     english,
		"fr, *":                                 english,
		"*, de;q=0.5":                           "de", // RFC 4647, 3.4
		"de;q=0, *":                             english,
		"de;q=x, en":                            english,
		"de;q=2":                                english,
		"de;q=NaN":                              english,
		"de;x=1":                                english,
		",, ;q=1,,de":                           "de",
		"deutsch":                               english,
		"de@calendar=buddhist":                  english,
		"../../etc/passwd":                      english,
		"de\x00":                                english,
		"{{.Name}}, <b>, 'de'":                  english,
		"und, root, mul, i-klingon, x-de":       english,
		strings.Repeat("fr,", 5000) + "de":      english, // beyond what is read
		strings.Repeat("-", 10000):              english,
		strings.Repeat("de-", 5000):             "de",
		strings.Repeat("x", 10000) + ", de":     english,
		"de, " + strings.Repeat("a-b;q=", 2000): "de",
	} {
		if got := choose(acceptLanguage); got != want {
			t.Errorf("%.60q is answered in %q, want %q", acceptLanguage, got, want)
		}
	}
}

func BenchmarkChooser(b *testing.B) {
	texts, err := newTexts(locales.FS())
	if err != nil {
		b.Fatal(err)
	}
	choose := chooser(texts.AvailableLanguages())
	for name, acceptLanguage := range map[string]string{
		"browser": "de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7",
		"hostile": strings.Repeat("xx-", 3333) + "," + strings.Repeat("a,", 5000),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				choose(acceptLanguage)
			}
		})
	}
}

// Test_Language holds that nothing but Accept-Language chooses the language, and that
// neither it nor the choice makes a session.
func (as *ActionSuite) Test_Language() {
	as.DBDelta(0, "sessions", func() {
		client := as.with("lang=de")
		res := client.HTML("/?lang=de").Get()
		as.Contains(res.Body.String(), `<html lang="en">`)

		req := client.HTML("/")
		req.Headers["Accept-Language"] = "de-AT"
		res = req.Get()
		as.Contains(res.Body.String(), `<html lang="de">`)
		as.Contains(res.Header().Values("Vary"), "Accept-Language")
		as.Empty(res.Header().Values("Set-Cookie"))
	})
}

// Test_Language_Errors holds that people read errors in their language, and programs in
// English.
func (as *ActionSuite) Test_Language_Errors() {
	page := as.HTML("/missing")
	page.Headers["Accept-Language"] = "de"
	res := page.Get()
	as.Equal(http.StatusNotFound, res.Code)
	as.Contains(res.Body.String(), "Unter dieser Adresse gibt es nichts.")
	as.Contains(res.Header().Values("Vary"), "Accept-Language")

	problem := as.JSON("/missing")
	problem.Headers["Accept-Language"] = "de"
	answer := problem.Get()
	as.Equal(http.StatusNotFound, answer.Code)
	as.Contains(answer.Body.String(), "There is nothing at this address.")
	as.NotContains(answer.Header().Values("Vary"), "Accept-Language")
}
