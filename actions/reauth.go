package actions

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
)

// staleType is the type of the problem that a recent sign-in solves (RFC 9457).
const staleType = "urn:latchkey:problem:sign-in-not-recent"

// requireFresh returns who asks, if he proved within SESSION_FRESH_FOR who he is,
// here or at his provider. If he did not it answers the request, by sending a
// browser to sign in again and back, and returns nil with the error to end it with.
// What was asked for, which the text of id act names, is done when he comes back.
func (a *app) requireFresh(c buffalo.Context, act string) (*models.User, error) {
	return a.requireFreshFor(c, act, "")
}

// requireFreshFor is requireFresh for who is then to come to a page of this app; to
// where he is, if it is "".
func (a *app) requireFreshFor(c buffalo.Context, act, page string) (*models.User, error) {
	user := currentUser(c)
	if user == nil {
		return nil, errNobody
	}
	record, err := a.record(c)
	if err != nil {
		return nil, err
	}
	if time.Since(record.AuthenticatedAt) < a.cfg.Session.FreshFor {
		if err := dropWaiting(c); err != nil {
			return nil, err
		}
		return user, nil
	}
	a.logRefusal(c, "signin.stale", "user", user.ID, "path", clip(c.Request().URL.Path))
	if a.canSignIn(c) {
		if page == "" {
			page = a.pageOf(c.Request())
		}
		if err := a.await(c, act, page); err != nil {
			return nil, err
		}
		return nil, c.Redirect(http.StatusSeeOther, "/signin?%s", url.Values{"fresh": {"true"}, "return_to": {page}}.Encode())
	}
	return nil, errStale
}

// pageOf is the page that people are on: the one that they asked for, or the one
// whose form they sent, without what that said had just happened. It is the start page
// where nobody can say, or where the address of that page takes forms alone, as it does
// of one that was refused.
func (a *app) pageOf(r *http.Request) string {
	if r.Method == http.MethodGet {
		return here(r)
	}
	page, err := url.Parse(r.Referer())
	if err != nil || page.Host == "" || page.Host != r.Host && page.Host != a.cfg.Host.Host {
		return "/"
	}
	query := page.Query()
	query.Del("notice")
	page.RawQuery = query.Encode()
	sent := &http.Request{URL: page}
	if !a.takes(sent, http.MethodGet) {
		return "/"
	}
	return orHome(localPath(here(sent)))
}

// errStale is what programs are told of it.
var errStale = buffalo.HTTPError{Status: http.StatusForbidden, Cause: sentence{id: "error.stale", kind: staleType}}
