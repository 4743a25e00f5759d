package sessionmw

import (
	"net/http"

	"filippo.io/csrf"
	"github.com/gobuffalo/buffalo"
)

const (
	// tokenKey is the key under which templates and form helpers expect a token.
	tokenKey = "authenticity_token"
	// tokenValue is in every form. Nothing checks it.
	tokenValue = "not-used"
)

var crossOrigin = csrf.New()

// CSRF protects against cross-site request forgery (OWASP ASVS 5.0, 3.5.1). It replaces
// csrf.New of mw-csrf. It answers 403 to requests that a browser sends from another origin,
// unless their method is GET, HEAD or OPTIONS, as [net/http.CrossOriginProtection] of Go
// 1.25 does. It needs no token and no session. For templates that use it,
// authenticity_token has a fixed value, which nothing checks.
//
// CSRF trusts the header Sec-Fetch-Site, which browsers send over https and to localhost.
// Without that header, the host in the header Origin must equal the request's Host. So a
// proxy in front of an app on plain http must pass Host on unchanged. A request with
// neither header does not come from a current browser, and is allowed.
//
// If another site must be able to send forms to a handler, such as an identity provider
// that uses POST, skip CSRF for that handler:
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
