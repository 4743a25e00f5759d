package actions

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gobuffalo/buffalo"
)

// recent calls next if the current user signed in within SESSION_FRESH_FOR, here or
// at their provider. Otherwise a browser is sent to sign in again and then back to
// the page with the form. The request is not repeated: see docs/decisions/12.
func (a *app) recent(next buffalo.Handler) buffalo.Handler {
	return a.recentOn("", next)
}

// recentOn is recent, but leads back to the given page instead of the one with the
// form.
func (a *app) recentOn(page string, next buffalo.Handler) buffalo.Handler {
	return a.usersOnly(func(c buffalo.Context) error {
		record, err := a.currentRecord(c)
		if err != nil {
			return err
		}
		if time.Since(record.AuthenticatedAt) < a.cfg.Session.FreshFor {
			return next(c)
		}
		return a.askToReauthenticate(c, page)
	})
}

// askToReauthenticate sends a browser to sign in again. Other clients get an error.
func (a *app) askToReauthenticate(c buffalo.Context, page string) error {
	if !a.isBrowser(c) {
		return errNotRecent
	}
	a.logRefusal(c, errNotRecent, errNotRecent)
	if page == "" {
		page = a.currentPage(c.Request())
	}
	query := url.Values{"fresh": {"true"}, "return_to": {withNotice(page, noticeReauthenticated)}}
	return c.Redirect(http.StatusSeeOther, "/signin?%s", query.Encode())
}
