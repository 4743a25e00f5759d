package signin

import (
	"errors"
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// A code is sent only once, with the client secret where the provider expects it.
func TestOpenID_SecretStyle(t *testing.T) {
	for _, c := range []struct {
		methods any
		kind    Kind
		basic   bool
	}{
		{nil, OpenIDConnect, true},
		{[]string{"client_secret_post", "client_secret_basic"}, OpenIDConnect, true},
		{[]string{"private_key_jwt"}, OpenIDConnect, true},
		{[]string{"client_secret_post", "private_key_jwt"}, OpenIDConnect, false},
		{nil, Kind{Name: "linkedin", secretInBody: true}, false},
	} {
		flow, fake, _ := newFakeFlow(t, Settings{Kind: c.kind})
		var asked []*http.Request
		client := flow.Providers[0].goth.(*openID).client
		client.Transport = seen{client.Transport, func(r *http.Request) {
			if r.URL.Path == "/token" {
				asked = append(asked, r)
			}
		}}
		fake.Override(testoidc.Overrides{Metadata: claim("token_endpoint_auth_methods_supported", c.methods), Token: func(w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}})
		if _, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Error(err)
		}
		if len(asked) != 1 {
			t.Fatalf("%+v: the code was sent %d times", c, len(asked))
		}
		if _, secret, basic := asked[0].BasicAuth(); basic != c.basic || basic && secret != "s3cret" {
			t.Errorf("%+v: Basic authentication: %t", c, basic)
		}
	}
}

// seen calls show with each request before it is sent.
type seen struct {
	http.RoundTripper
	show func(*http.Request)
}

func (s seen) RoundTrip(r *http.Request) (*http.Response, error) {
	s.show(r)
	return s.RoundTripper.RoundTrip(r)
}

// A wrong client secret makes the provider unavailable.
func TestOpenID_WrongSecret(t *testing.T) {
	flow, fake, clock := newFakeFlow(t, Settings{})
	p := flow.Providers[0]
	respond := func(status int, code string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			w.Write([]byte(`{"error":"` + code + `"}`))
			return true
		}
	}
	for _, c := range []struct {
		status      int
		code        string
		unavailable bool
	}{
		{http.StatusUnauthorized, "invalid_client", true},
		{http.StatusBadRequest, "invalid_client", true},
		{http.StatusUnauthorized, "unauthorized_client", true}, // from Keycloak
		{http.StatusBadRequest, "invalid_grant", false},        // about the code
		{http.StatusInternalServerError, "server_error", false},
	} {
		fake.Override(testoidc.Overrides{Token: respond(c.status, c.code)})
		if _, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Error(err)
		}
		if err := p.Unavailable(); (err != nil) != c.unavailable {
			t.Errorf("%+v: unavailable: %v", c, err)
		}
		clock.advance(discoveryPause)
		if err := p.Unavailable(); err != nil {
			t.Errorf("%+v, later: %v", c, err)
		}
	}
	fake.Override(testoidc.Overrides{Token: respond(http.StatusUnauthorized, "invalid_client")})
	_, _ = signIn(t, flow, LoginRequest{})
	fake.Override(testoidc.Overrides{})
	if _, err := signIn(t, flow, LoginRequest{}); err != nil || p.Unavailable() != nil {
		t.Errorf("with the right secret: %v, unavailable: %v", err, p.Unavailable())
	}
}
