package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// wantRecent checks whether the client's sign-in counts as recent.
func wantRecent(t *testing.T, client *testapp.Client, recent bool) {
	t.Helper()
	status := http.StatusForbidden
	if recent {
		status = http.StatusOK
	}
	wantStatus(t, client.JSON(http.MethodDelete, "/sessions", nil), status)
}

// reauthenticate signs in again at the provider evil, which must ask for the password.
func reauthenticate(t *testing.T, app *testapp.App, client *testapp.Client) {
	t.Helper()
	back := answer(t, app, leave(t, client, "/auth/evil", url.Values{"fresh": {"true"}}))
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
}

// How recent a sign-in is depends on the provider's auth_time. If the browser was already
// signed in at the provider, the provider did not ask for the password.
func TestReauth_ASVS_7_5_1_AuthTime(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	anHourAgo := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	for name, c := range map[string]struct {
		authTime any
		recent   bool
		want     any
	}{
		"Now":       {time.Now().Unix(), true, nil},
		"AnHourAgo": {anHourAgo.Unix(), false, anHourAgo.Format(time.RFC3339)},
		"Missing":   {nil, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			evil.Override(testoidc.Overrides{Claims: set("auth_time", c.authTime)})
			client := app.Client(t)
			wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
			var me sessionResponse
			client.JSON(http.MethodGet, "/session", nil).Decode(t, &me)
			if got := me.Session["authenticated_at"]; !c.recent && got != c.want {
				t.Errorf("authenticated_at = %v, want %v", got, c.want)
			}
			wantRecent(t, client, c.recent)

			// Another sign-in with the same auth_time changes nothing.
			wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
			wantRecent(t, client, c.recent)

			evil.Override(testoidc.Overrides{Claims: set("auth_time", time.Now().Unix())})
			reauthenticate(t, app, client)
			wantRecent(t, client, true)
		})
	}
}

// The app sends max_age, the longest lifetime of a session, to the provider.
func TestReauth_ASVS_7_6_1_MaxAge(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	target, err := url.Parse(leave(t, app.Client(t), "/auth/evil", nil))
	if err != nil {
		t.Fatal(err)
	}
	if params := target.Query(); params.Get("max_age") != "2592000" || params.Has("prompt") {
		t.Errorf("authorization request = %s, want max_age=2592000 and no prompt", target.RawQuery)
	}
}

// Re-authentication offers only the sign-in methods of the current user.
func TestReauth_Methods(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	page := client.HTML(http.MethodGet, "/signin?fresh=true", nil)
	if !strings.Contains(page.Body, `formaction="/auth/evil"`) || strings.Contains(page.Body, `formaction="/auth/other"`) {
		t.Errorf("GET /signin?fresh=true does not offer only the provider evil:\n%s", page.Body)
	}
	if page := client.HTML(http.MethodGet, "/signin", nil); !strings.Contains(page.Body, `formaction="/auth/other"`) {
		t.Errorf("GET /signin does not offer the provider other:\n%s", page.Body)
	}
}

// After a failed sign-in, the page shows all sign-in methods and keeps the entered username.
func TestReauth_FailedSignIn(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	for name, client := range map[string]*testapp.Client{"anonymous": app.Client(t), "manager": on(t, app, "manager", firefox)} {
		page := client.HTML(http.MethodGet, "/auth/bypass?token=amdin", nil)
		wantStatus(t, page, http.StatusUnauthorized)
		for _, part := range []string{`role="alert"`, `value="amdin"`, `formaction="/auth/evil"`, `formaction="/auth/other"`} {
			if !strings.Contains(page.Body, part) {
				t.Errorf("%s: the page lacks %s:\n%s", name, part, page.Body)
			}
		}
		for _, path := range []string{"/auth/bypass?token=amdin", "/missing"} {
			if page := client.HTML(http.MethodGet, path, nil); strings.Contains(page.Body, `href="/account"`) != (name == "manager") {
				t.Errorf("%s: the menu of %s should link to /account only when signed in:\n%s", name, path, page.Body)
			}
		}
	}
}

// An identity belongs to the provider with its issuer, even if the provider's name in the
// settings has changed.
func TestReauth_Methods_RenamedProvider(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	execute(t, app, "UPDATE identities SET provider = 'former'")
	if page := client.HTML(http.MethodGet, "/signin?fresh=true", nil); !strings.Contains(page.Body, `formaction="/auth/evil"`) {
		t.Errorf("GET /signin?fresh=true does not offer the provider evil:\n%s", page.Body)
	}
}

// Linking an identity fails if the sign-in is no longer recent when the user returns from
// the provider.
func TestReauth_ASVS_7_5_1_LateLink(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	back := answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"true"}}))
	staleSignIns(t, app)
	r := client.HTML(http.MethodGet, back, nil)
	wantLocation(t, r, reauthFor("/account"))
	if a := accountOf(t, client); len(a.Identities) != 1 {
		t.Errorf("GET /account = %+v, want one identity", a)
	}
}
