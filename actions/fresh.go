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
// here or at his provider. If he did not it answers the request, by sending a browser to sign in again and back,
// and returns nil with the error to end it with.
func (a *app) requireFresh(c buffalo.Context) (*models.User, error) {
	user := currentUser(c)
	if user == nil {
		return nil, errNobody
	}
	record, err := a.record(c)
	if err != nil {
		return nil, err
	}
	if time.Since(record.AuthenticatedAt) < a.cfg.Session.FreshFor {
		return user, nil
	}
	if prefersHTML(c) {
		return nil, c.Redirect(http.StatusSeeOther, "%s", freshPath(c.Request()))
	}
	return nil, errStale
}

// freshPath is where people sign in again to come back to the page they are on.
func freshPath(r *http.Request) string {
	query := url.Values{"fresh": {"true"}, "return_to": {"/"}}
	if r.Method == http.MethodGet {
		query.Set("return_to", r.URL.RequestURI())
	} else if page, err := url.Parse(r.Referer()); err == nil && page.Host == r.Host && localPath(page.RequestURI()) != "" {
		query.Set("return_to", page.RequestURI())
	}
	return "/signin?" + query.Encode()
}

// errStale is what programs are told of it.
var errStale = buffalo.HTTPError{Status: http.StatusForbidden, Cause: sentence{id: "error.stale", kind: staleType}}
