package sessionmw

import (
	"net/http"

	"filippo.io/csrf"
	"github.com/gobuffalo/buffalo"
)

const (
	// tokenKey is where templates and form helpers find the token of mw-csrf.
	tokenKey = "authenticity_token"
	// tokenValue is in every form. Nothing checks it.
	tokenValue = "not-used"
)

var crossOrigin = csrf.New()

// CSRF replaces csrf.New of mw-csrf. It refuses requests that another site had the
// browser send, with 403, unless their method is GET, HEAD or OPTIONS. It needs no
// token and no session. authenticity_token stays set for templates that show it,
// but has the same value for everyone.
//
// It trusts the header Sec-Fetch-Site, which browsers send over https and to
// localhost. Without it, the host of the header Origin must be the request's Host:
// a proxy in front of an app on plain http has to pass Host on unchanged. A request
// with neither header does not come from a browser, and passes.
//
// Where another site is meant to send forms, such as a provider that answers with
// POST, skip it as you would csrf.New:
//
//	app.Middleware.Skip(sessionmw.CSRF, AuthCallback)
func CSRF(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		c.Set(tokenKey, tokenValue)
		if err := crossOrigin.Check(c.Request()); err != nil {
			return c.Error(http.StatusForbidden, err)
		}
		return next(c)
	}
}
