// Package text makes text from browsers and providers safe to store, log and show.
package text

import (
	"regexp"
	"strings"
	"unicode"
)

// token matches the value of a session cookie and an access token: a public ID, a
// secret and a signature. See sessionstore for the format.
var token = regexp.MustCompile(`([A-Za-z0-9_-]{16,})\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`)

// HideTokens removes the secret parts of session cookies and access tokens, and leaves
// their public IDs. It also removes them from JSON Web Tokens, which look alike.
func HideTokens(s string) string {
	if strings.Count(s, ".") < 2 {
		return s
	}
	return token.ReplaceAllString(s, "$1.…")
}

// Truncate returns the first n characters of s.
func Truncate(s string, n int) string {
	count := 0
	for i := range s {
		if count == n {
			return s[:i]
		}
		count++
	}
	return s
}

// Shorten is Truncate with an ellipsis after a text that was too long.
func Shorten(s string, n int) string {
	if short := Truncate(s, n); len(short) < len(s) {
		return short + "…"
	}
	return s
}

// Clean removes invalid UTF-8 and the characters that IsHarmful reports.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if IsHarmful(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// IsHarmful reports whether r is a control character, which some databases reject, or
// changes the direction of the text that follows, so that a page would show it reversed.
// The marks that Hebrew and Arabic need are harmless.
func IsHarmful(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
