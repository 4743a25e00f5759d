package actions

import (
	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey"
)

// docsPolicy is web.ContentSecurityPolicy, except that the viewer of the API's
// document may use inline styles.
const docsPolicy = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// openAPI sends the API's document. It does not use Buffalo's Render, which would
// save the session.
func (a *app) openAPI(c buffalo.Context) error {
	c.Response().Header().Set("Content-Type", "application/yaml")
	_, err := c.Response().Write(latchkey.OpenAPI)
	return err
}

// docs shows the API's document. Users can try the API there in their own session,
// because the browser sends the cookie.
func (a *app) docs(c buffalo.Context) error {
	c.Response().Header().Set("Content-Security-Policy", docsPolicy)
	return a.pages.show(c, "docs.plush.html", "docs.title")
}
