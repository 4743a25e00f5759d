package web

import (
	"strings"
	"testing"
)

const english = "en-us"

func newChooser() func(string) string { return LanguageChooser([]string{english, "de"}, english) }

// languages are Accept-Language headers, with the language that is chosen.
var languages = map[string]string{
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
	"tlh, de":                               "de",
	"fr-CH, fr;q=0.9, de;q=0.7, en;q=0.8":   english,
	"fr-CH, fr;q=0.9, de;q=0.8, en;q=0.7":   "de",
	"en;q=0.5,de":                           "de",
	"en;q=0.5,de ; q=0.9":                   "de",
	"de;q=0":                                english,
	"de;q=0, fr":                            english,
	"de;q=0.0, en;q=0.1":                    english,
	"*":                                     english,
	"fr, *":                                 english,
	"*, de;q=0.5":                           "de", // RFC 4647, 3.4
	"de;q=0, *":                             english,
	"de;q=x, en":                            english,
	"de;q=2":                                "de",
	"de;q=NaN":                              "de",
	"de;x=1":                                english,
	"xx, de":                                english, // a header with an unknown language is ignored
	",, ;q=1,,de":                           english,
	"deutsch":                               "de", // what old browsers sent
	"de@calendar=buddhist":                  english,
	"../../etc/passwd":                      english,
	"de\x00":                                english,
	"{{.Name}}, <b>, 'de'":                  english,
	"und, root, mul, i-klingon, x-de":       english,
	strings.Repeat("fr,", 5000) + "de":      english, // too long
	strings.Repeat("-", 10000):              english,
	strings.Repeat("de-", 5000):             english, // too long
	strings.Repeat("x", 10000) + ", de":     english,
	"de, " + strings.Repeat("a-b;q=", 2000): english,
}

func TestLanguageChooser(t *testing.T) {
	choose := newChooser()
	for acceptLanguage, want := range languages {
		if got := choose(acceptLanguage); got != want {
			t.Errorf("%.60q is answered in %q, want %q", acceptLanguage, got, want)
		}
	}
}

func BenchmarkLanguageChooser(b *testing.B) {
	choose := newChooser()
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
