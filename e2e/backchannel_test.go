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

// postLogoutToken sends a logout token to the endpoint of the provider evil.
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
		"Session": {"sid": "Session"},
		"Subject": {"sub": "mallory"},
		"Both":    {"sid": "Both", "sub": "mallory"},
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
			wantStatus(t, postLogoutToken(t, app, token), http.StatusBadRequest) // replayed
		})
	}
}

func TestOpenID_BackchannelLogout_Refused(t *testing.T) {
	app, evil, other := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	claimsWith := func(change func(testoidc.Claims)) testoidc.Claims {
		claims := logoutClaims(evil.URL)
		claims["sub"] = "mallory"
		change(claims)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		return claims
	}
	tokenWith := func(name string, value any) string { return evil.SignAs("logout+jwt", claimsWith(set(name, value))) }
	unchanged := func(testoidc.Claims) {}
	for name, token := range map[string]string{
		"NoToken": "", "NotAJWT": "hello", "NoClaims": evil.Sign(testoidc.Claims{}),
		"WrongKey":      evil.Sign(claimsWith(unchanged), testoidc.NewKey(t)),
		"OtherKey":      other.Sign(claimsWith(unchanged)),
		"WrongType":     evil.SignAs("at+jwt", claimsWith(unchanged)),
		"OtherIssuer":   tokenWith("iss", other.URL),
		"OtherAudience": tokenWith("aud", "another-app"),
		"NoEvent":       tokenWith("events", nil),
		"OtherEvent":    tokenWith("events", map[string]any{"https://example.com/event": map[string]any{}}),
		"EventNotAMap":  tokenWith("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": "yes"}),
		"Nonce":         tokenWith("nonce", "n"),
		"NoTokenID":     tokenWith("jti", nil),
		"NoTime":        tokenWith("iat", nil),
		"Old":           tokenWith("iat", time.Now().Add(-time.Hour).Unix()),
		"Future":        tokenWith("iat", time.Now().Add(time.Hour).Unix()),
		"Expired":       tokenWith("exp", time.Now().Add(-time.Hour).Unix()),
		"NoSubject":     tokenWith("sub", nil),
	} {
		if r := postLogoutToken(t, app, token); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: POST backchannel-logout = %d, want %d: %s", name, r.StatusCode, http.StatusBadRequest, r.Body)
		}
	}
	wantSignedIn(t, client, "mallory")
	wantStatus(t, app.Client(t).Do(http.MethodPost, "/auth/unknown/backchannel-logout"), http.StatusNotFound)
}

// If the revocation fails, the provider can send the same logout token again.
func TestOpenID_BackchannelLogout_DatabaseFails(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	claims := logoutClaims(evil.URL)
	claims["sub"] = "mallory"
	token := evil.SignAs("logout+jwt", claims)

	execute(t, app, "CREATE TRIGGER block BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'blocked'); END")
	wantStatus(t, postLogoutToken(t, app, token), http.StatusServiceUnavailable)
	wantSignedIn(t, client, "mallory")
	execute(t, app, "DROP TRIGGER block")
	wantStatus(t, postLogoutToken(t, app, token), http.StatusOK)
	wantAnonymous(t, client)
	wantStatus(t, postLogoutToken(t, app, token), http.StatusBadRequest)
}

// If the provider's keys cannot be fetched, the token does not count as used, and the provider
// can send it again.
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

// Invalid tokens do not block valid ones from the same IP address, because providers
// share addresses.
func TestOpenID_BackchannelLogout_ManyInvalidTokens(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	claims := logoutClaims(evil.URL)
	claims["sub"] = "mallory"
	wrong := maps.Clone(claims)
	wrong["aud"] = "another-app"
	invalid := evil.Sign(wrong)
	for range 70 {
		wantStatus(t, postLogoutToken(t, app, invalid), http.StatusBadRequest)
	}
	wantStatus(t, postLogoutToken(t, app, evil.Sign(claims)), http.StatusOK)
	wantAnonymous(t, client)
}

// A logout at the provider while the sign-in is in progress refuses the sign-in.
func TestOpenID_BackchannelLogout_DuringSignIn(t *testing.T) {
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
		t.Errorf("%d sessions, want 0", n)
	}
	evil.Override(testoidc.Overrides{Claims: set("sid", "next-session")})
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	wantStatus(t, client.JSON(http.MethodGet, "/session", nil), http.StatusOK)
}

// A logout token for a subject revokes only the sessions that were started with that
// subject, even if the user has linked others or unlinked it since.
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
