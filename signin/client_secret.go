package signin

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"golang.org/x/oauth2"
)

// secretRefusal says when the provider refused the client secret.
type secretRefusal struct {
	err error
	at  time.Time
}

// noteExchange stores whether the provider accepted the client secret. Only invalid_client
// (RFC 6749, 5.2), or 401 from Keycloak, means that it did not.
func (p *openID) noteExchange(err error) {
	var response *oauth2.RetrieveError
	switch {
	case err == nil:
		p.refused.Store(nil)
	case !errors.As(err, &response):
	case response.ErrorCode == "invalid_client", response.Response.StatusCode == http.StatusUnauthorized:
		p.refused.Store(&secretRefusal{redacted{err}, p.now()})
	}
}

// secretStyle returns how to send the client secret: in the header, which all providers
// must accept (OpenID Connect Discovery 1.0, 3), unless the provider only accepts the
// body. Otherwise oauth2 would have to try.
func (p *openID) secretStyle(m *metadata) oauth2.AuthStyle {
	body := slices.Contains(m.SecretMethods, "client_secret_post") && !slices.Contains(m.SecretMethods, "client_secret_basic")
	if body || p.settings.Kind.secretInBody {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}
