package actions

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// maxPath is the longest path that is led back to, in bytes: it travels in a cookie.
const maxPath = 1024

// localPath returns a path of this app as it is, and "" for everything else: an
// address that led people elsewhere would lend them our name (ASVS 5.0 3.7.2).
// Browsers take a backslash for a slash and leave out some control characters.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxPath || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(text, "/") ||
		strings.Contains(u.Path, "//") || strings.ContainsRune(u.Path, '\\') || strings.ContainsFunc(u.Path, unicode.IsControl) {
		return ""
	}
	return text
}

// withReturn is a path of ours that then leads to a page.
func withReturn(path, page string) string {
	return path + "?" + url.Values{"return_to": {page}}.Encode()
}

// here is the path that was asked for, without the slash that Buffalo puts at its end.
func here(r *http.Request) string {
	u := url.URL{Path: "/" + strings.Trim(r.URL.Path, "/"), RawQuery: r.URL.RawQuery}
	return u.RequestURI()
}

// orHome is a path, or the start page's where there is none.
func orHome(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
