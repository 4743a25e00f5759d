package actions

import (
	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey"
)

// docsPolicy is contentSecurityPolicy, but that the viewer of the API's document
// may style its elements in place.
const docsPolicy = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// openAPI serves the document of the API, past Buffalo's Render, which would save
// the session.
func (a *app) openAPI(c buffalo.Context) error {
	c.Response().Header().Set("Content-Type", "application/yaml")
	_, err := c.Response().Write(latchkey.OpenAPI)
	return err
}

// docs shows the document of the API, and lets people try it in their present
// session: the browser sends its cookie along.
func (a *app) docs(c buffalo.Context) error {
	c.Response().Header().Set("Content-Security-Policy", docsPolicy)
	return a.pages.show(c, "docs.plush.html", "docs.title")
}
