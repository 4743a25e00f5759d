package web

import (
	"net/http"
	"slices"

	"github.com/elnormous/contenttype"
)

// The last of htmlTypes is what Buffalo's test suite sends.
var (
	jsonTypes = []contenttype.MediaType{contenttype.NewMediaType("application/json")}
	htmlTypes = []contenttype.MediaType{
		contenttype.NewMediaType("text/html"),
		contenttype.NewMediaType("application/xhtml+xml"),
		contenttype.NewMediaType("application/html"),
	}
	jsonThenHTML = slices.Concat(jsonTypes, htmlTypes)
	htmlThenJSON = slices.Concat(htmlTypes, jsonTypes)
)

// PrefersHTML reports whether the client asks for HTML. Browsers do; a client that
// sends no Accept header gets JSON.
func PrefersHTML(r *http.Request) bool { return acceptsHTML(r, jsonThenHTML) }

// PrefersPage is like PrefersHTML, but a client that sends no Accept header gets
// HTML.
func PrefersPage(r *http.Request) bool { return acceptsHTML(r, htmlThenJSON) }

// acceptsHTML reports whether the client prefers HTML. Of equal types, the first in
// offers wins. A client that accepts neither gets JSON.
func acceptsHTML(r *http.Request, offers []contenttype.MediaType) bool {
	best, _, err := contenttype.GetAcceptableMediaType(r, offers)
	return err == nil && best.MatchesAny(htmlTypes...)
}
