package actions

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
)

// maxPath is the longest path to return to, in bytes, because it is kept in a cookie.
const maxPath = 1024

// localPath returns a path of this app unchanged, and "" for everything else, so
// that no link can redirect from here to another site (ASVS 5.0 3.7.2). Browsers
// read a backslash as a slash, and ignore some control characters.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxPath || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(text, "/") ||
		strings.Contains(u.Path, "//") || strings.ContainsRune(u.Path, '\\') || strings.ContainsFunc(u.Path, unicode.IsControl) {
		return ""
	}
	return text
}

// withReturn adds the page to return to.
func withReturn(path, page string) string {
	return path + "?" + url.Values{"return_to": {page}}.Encode()
}

// here returns the path and query of a request, without the slash that Buffalo adds.
func here(r *http.Request) string {
	u := url.URL{Path: requestPath(r), RawQuery: r.URL.RawQuery}
	return u.RequestURI()
}

// requestPath returns the path of a request, without the slash that Buffalo adds.
func requestPath(r *http.Request) string { return "/" + strings.Trim(r.URL.Path, "/") }

// orHome returns the path, or that of the home page for "".
func orHome(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// currentPage returns the page that the user sees: the requested page, or for a form
// the page that it is on, without its notice. It returns the home page if the browser
// does not say, or if that address has no page, like that of a form that was refused.
func (a *app) currentPage(r *http.Request) string {
	if r.Method == http.MethodGet {
		return here(r)
	}
	return a.formPage(r)
}

// formPage returns the page that a form was sent from, or the home page.
func (a *app) formPage(r *http.Request) string {
	page, err := url.Parse(r.Referer())
	if err != nil || page.Host == "" || page.Host != r.Host && page.Host != a.cfg.Host.Host {
		return "/"
	}
	query := page.Query()
	query.Del("notice")
	page.RawQuery = query.Encode()
	sent := &http.Request{URL: page}
	if !a.hasRoute(sent, http.MethodGet) {
		return "/"
	}
	return orHome(localPath(here(sent)))
}

// previousPage returns where an error page leads back to.
func (a *app) previousPage(r *http.Request) string {
	if r.Method == http.MethodGet {
		return "/"
	}
	return a.formPage(r)
}

// listPage returns the list at path, with the search and the page of it that the
// form was sent from.
func (a *app) listPage(r *http.Request, path string) string {
	if page := a.formPage(r); strings.HasPrefix(page, path+"?") {
		return page
	}
	return path
}

// changed answers a request that changed something. Browsers are redirected to a
// page, which shows the notice.
func (a *app) changed(c buffalo.Context, page string, n notice) error {
	if web.PrefersHTML(c.Request()) {
		return c.Redirect(http.StatusSeeOther, "%s", withNotice(page, n))
	}
	return c.Render(http.StatusNoContent, nil)
}

// withNotice adds a notice to the address of a page.
func withNotice(page string, n notice) string {
	mark := "?"
	if strings.Contains(page, mark) {
		mark = "&"
	}
	return page + mark + "notice=" + string(n)
}
