package e2e

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// postLogoutToken sends a logout token as the provider evil would.
func postLogoutToken(t *testing.T, app *testapp.App, token string) *testapp.Response {
	t.Helper()
	return app.Client(t).Do(http.MethodPost, "/auth/evil/backchannel-logout", testapp.Form(url.Values{"logout_token": {token}}))
}

func logoutClaims(issuer string) testoidc.Claims {
	return testoidc.Claims{
		"iss": issuer, "aud": "app", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "jti": time.Now().String(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
}

func TestOpenID_BackchannelLogout(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	for name, claim := range map[string]testoidc.Claims{
		"OfSession": {"sid": "OfSession"},
		"OfSubject": {"sub": "mallory"},
		"OfBoth":    {"sid": "OfBoth", "sub": "mallory"},
	} {
		t.Run(name, func(t *testing.T) {
			client, other, admin := app.Client(t), app.Client(t), app.Client(t)
			admin.SignIn("admin")
			evil.Override(testoidc.Overrides{Claims: set("sid", name)})
			wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
			evil.Override(testoidc.Overrides{Claims: set("sid", "another-session")})
			wantStatus(t, tryEvil(t, app, other), http.StatusSeeOther)
			evil.Override(testoidc.Overrides{})

			claims := logoutClaims(evil.URL)
			maps.Copy(claims, claim)
			token := evil.SignAs("logout+jwt", claims)
			wantStatus(t, postLogoutToken(t, app, token), http.StatusOK)
			wantAnonymous(t, client)
			if claim["sid"] == nil {
				wantAnonymous(t, other)
			} else {
				wantSignedIn(t, other, "mallory")
			}
			wantSignedIn(t, admin, "admin")
			wantStatus(t, postLogoutToken(t, app, token), http.StatusBadRequest) // again
		})
	}
}

func TestOpenID_BackchannelLogout_Refused(t *testing.T) {
	app, evil, other := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	good := func(change func(testoidc.Claims)) testoidc.Claims {
		claims := logoutClaims(evil.URL)
		claims["sub"] = "mallory"
		change(claims)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		return claims
	}
	as := func(name string, value any) string { return evil.SignAs("logout+jwt", good(set(name, value))) }
	same := func(testoidc.Claims) {}
	for name, token := range map[string]string{
		"NoToken": "", "NoJWT": "hello", "NoClaims": evil.Sign(testoidc.Claims{}),
		"WrongKey":      evil.Sign(good(same), testoidc.NewKey(t)),
		"KeyOfAnother":  other.Sign(good(same)),
		"WrongType":     evil.SignAs("at+jwt", good(same)),
		"OtherIssuer":   as("iss", other.URL),
		"OtherAudience": as("aud", "another-app"),
		"NoEvent":       as("events", nil),
		"OtherEvent":    as("events", map[string]any{"https://example.com/event": map[string]any{}}),
		"EventNoObject": as("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": "yes"}),
		"Nonce":         as("nonce", "n"),
		"NoID":          as("jti", nil),
		"NoTime":        as("iat", nil),
		"Old":           as("iat", time.Now().Add(-time.Hour).Unix()),
		"Future":        as("iat", time.Now().Add(time.Hour).Unix()),
		"Expired":       as("exp", time.Now().Add(-time.Hour).Unix()),
		"Nobody":        as("sub", nil),
	} {
		if r := postLogoutToken(t, app, token); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Body)
		}
	}
	wantSignedIn(t, client, "mallory")
	wantStatus(t, app.Client(t).Do(http.MethodPost, "/auth/nobody/backchannel-logout"), http.StatusNotFound)
}

// A logout token that could not be carried out is good once more.
func TestOpenID_BackchannelLogout_DatabaseFails(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	claims := logoutClaims(evil.URL)
	claims["sub"] = "mallory"
	token := evil.SignAs("logout+jwt", claims)

	execute(t, app, "CREATE TRIGGER hold BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'held'); END")
	wantStatus(t, postLogoutToken(t, app, token), http.StatusServiceUnavailable)
	wantSignedIn(t, client, "mallory")
	execute(t, app, "DROP TRIGGER hold")
	wantStatus(t, postLogoutToken(t, app, token), http.StatusOK)
	wantAnonymous(t, client)
	wantStatus(t, postLogoutToken(t, app, token), http.StatusBadRequest)
}

// Keys that cannot be had are no fault of the token's: the provider is to send it
// again.
func TestOpenID_BackchannelLogout_NoKeys(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	claims := logoutClaims(evil.URL)
	claims["sub"] = "mallory"
	token := evil.Sign(claims)
	evil.Override(testoidc.Overrides{Keys: func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return true }})
	wantStatus(t, postLogoutToken(t, app, token), http.StatusBadGateway)
	evil.Override(testoidc.Overrides{})
	wantStatus(t, postLogoutToken(t, app, token), http.StatusOK)
}

// Who sends bad tokens does not keep good ones of the same address out: providers
// share addresses.
func TestOpenID_BackchannelLogout_ManyBadOnes(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	claims := logoutClaims(evil.URL)
	claims["sub"] = "mallory"
	foreign := maps.Clone(claims)
	foreign["aud"] = "another-app"
	bad := evil.Sign(foreign)
	for range 70 {
		wantStatus(t, postLogoutToken(t, app, bad), http.StatusBadRequest)
	}
	wantStatus(t, postLogoutToken(t, app, evil.Sign(claims)), http.StatusOK)
	wantAnonymous(t, client)
}

// Somebody signs out at the provider while the browser is on its way here.
func TestOpenID_BackchannelLogout_Meanwhile(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	client := app.Client(t)
	claims := logoutClaims(evil.URL)
	claims["sid"] = "provider-session"
	evil.Override(testoidc.Overrides{Claims: set("name", nil), UserInfo: func(testoidc.Claims) {
		wantStatus(t, postLogoutToken(t, app, evil.Sign(claims)), http.StatusOK)
	}})
	r := tryEvil(t, app, client)
	wantStatus(t, r, http.StatusForbidden)
	wantNoNewCookie(t, r)
	wantAnonymous(t, client)
	if n := countSessions(t, app); n != 0 {
		t.Errorf("%d session rows", n)
	}
	evil.Override(testoidc.Overrides{Claims: set("sid", "the-next")})
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	wantStatus(t, client.JSON(http.MethodGet, "/session", nil), http.StatusOK)
}

// A subject's sessions are those that came out of its, whatever is linked since.
func TestOpenID_BackchannelLogout_Subjects(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	client, second := app.Client(t), app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	evil.Override(testoidc.Overrides{Claims: func(c testoidc.Claims) { c["sub"], c["sid"] = "second", "another" }})
	back := answer(t, app, leave(t, client, "/auth/evil", url.Values{"link": {"true"}}))
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	wantStatus(t, tryEvil(t, app, second), http.StatusSeeOther)
	wantSignedIn(t, second, "mallory")
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+accountOf(t, client).Identities[1].ID, nil), http.StatusNoContent)

	claims := logoutClaims(evil.URL)
	claims["sub"] = "second"
	wantStatus(t, postLogoutToken(t, app, evil.Sign(claims)), http.StatusOK)
	wantAnonymous(t, second)
	wantSignedIn(t, client, "mallory")
}
