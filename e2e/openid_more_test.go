package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/internal/test/testoidc"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// fromElsewhere makes a request look like one that a page of another site sent.
func fromElsewhere(r *http.Request) {
	r.Header.Set("Origin", "https://appleid.apple.com")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Accept", "text/html")
}

// A provider may post its answer: browsers send no cookies with that, and ask again.
func TestOpenID_FormPost(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	back, err := url.Parse(answer(t, app, leave(t, client, "/auth/evil", nil)))
	if err != nil {
		t.Fatal(err)
	}
	form := back.Query()
	form.Set("user", `{"name":"ignored"}`)
	r := app.Client(t).Do(http.MethodPost, back.Path, fromElsewhere, testapp.Form(form))
	wantStatus(t, r, http.StatusSeeOther)
	wantNoNewCookie(t, r)
	again := r.Header.Get("Location")
	if strings.Contains(again, "ignored") || !strings.HasPrefix(again, "/auth/evil/callback?") {
		t.Fatalf("sent to %q", again)
	}
	wantStatus(t, client.HTML(http.MethodGet, again, nil), http.StatusSeeOther)
	wantSignedIn(t, client, "mallory")

	for path, method := range map[string]string{"/auth/evil": "", "/account": "PATCH", "/sessions": "DELETE", "/auth/evil/backchannel-logout": ""} {
		r := client.Do(http.MethodPost, path, fromElsewhere, testapp.Form(url.Values{"_method": {method}}))
		wantStatus(t, r, http.StatusForbidden)
	}
}

// A provider that keeps people waiting is given up.
func TestOpenID_Slow(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	evil.Override(testoidc.Overrides{Token: func(http.ResponseWriter) bool { <-release; return true }})
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusBadGateway)
	wantAnonymous(t, client)
}

// A provider that is not there keeps the app neither from starting nor others
// from signing in.
func TestOpenID_NotThere(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite, Extra: []string{
		"KEYCLOAK_KEY=k", "KEYCLOAK_SECRET=s", "KEYCLOAK_URL=http://127.0.0.1:" + testapp.FreePort(t) + "/realms/x",
		"GITHUB_KEY=k", "GITHUB_SECRET=s",
	}})
	client := app.Client(t)
	wantStatus(t, client.HTML(http.MethodPost, "/auth/keycloak", nil), http.StatusBadGateway)
	if target := leave(t, client, "/auth/github", nil); !strings.HasPrefix(target, "https://github.com/login/oauth/authorize?") {
		t.Errorf("sent to %q", target)
	}
	client.SignIn("admin")
}

// ASVS 5.0 6.3.4: production has no undocumented way in.
func TestOpenID_ASVS_6_3_4_NoBypassInProduction(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Env: "production", Engine: testdb.SQLite})
	client := app.Client(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r := client.HTML(method, "/auth/bypass?token=admin", nil)
		if r.StatusCode != http.StatusNotFound && r.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, r.StatusCode)
		}
		wantNoNewCookie(t, r)
	}
}
