package signin

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/internal/text"
)

// maxErrorText is the longest error text that is logged, in characters.
const maxErrorText = 300

// redacted is an error of a request to a provider. It removes what may contain a token,
// the query of a URL and the token endpoint's response, and shortens the rest, which may
// be the provider's whole response.
type redacted struct{ error }

func (e redacted) Error() string {
	var failed *url.Error
	var refused *oauth2.RetrieveError
	message := e.error.Error()
	switch {
	case errors.As(e.error, &refused):
		message = fmt.Sprintf("the token endpoint responded %s %q", refused.Response.Status, refused.ErrorCode)
	case errors.As(e.error, &failed):
		address, _, _ := strings.Cut(failed.URL, "?")
		message = fmt.Sprintf("%s %s: %v", failed.Op, address, failed.Err)
	}
	return text.Shorten(message, maxErrorText)
}

func (e redacted) Unwrap() error { return e.error }
