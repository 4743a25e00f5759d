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

// wantRecent fails the test unless the client may, or may not, do what needs a
// recent sign-in.
func wantRecent(t *testing.T, client *testapp.Client, recent bool) {
	t.Helper()
	status := http.StatusForbidden
	if recent {
		status = http.StatusOK
	}
	wantStatus(t, client.JSON(http.MethodDelete, "/sessions", nil), status)
}

// reauthenticate signs in again at the provider evil, which is told to ask.
func reauthenticate(t *testing.T, app *testapp.App, client *testapp.Client) {
	t.Helper()
	back := answer(t, app, leave(t, client, "/auth/evil", url.Values{"fresh": {"true"}}))
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
}

// A sign-in is as recent as the provider's proof: one in which it asked nothing,
// because the browser is signed in there, proves nothing new.
func TestFresh_ASVS_7_5_1_WhatTheProviderProved(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	hourAgo := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	for name, c := range map[string]struct {
		authTime any
		recent   bool
		want     any
	}{
		"JustNow":    {time.Now().Unix(), true, nil},
		"AnHourAgo":  {hourAgo.Unix(), false, hourAgo.Format(time.RFC3339)},
		"DoesNotSay": {nil, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			evil.Override(testoidc.Overrides{Claims: set("auth_time", c.authTime)})
			client := app.Client(t)
			wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
			var me sessionResponse
			client.JSON(http.MethodGet, "/session", nil).Decode(t, &me)
			if got := me.Session["authenticated_at"]; !c.recent && got != c.want {
				t.Errorf("authenticated_at is %v, want %v", got, c.want)
			}
			wantRecent(t, client, c.recent)

			// The same again, without being asked to prove it, changes nothing.
			wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
			wantRecent(t, client, c.recent)

			evil.Override(testoidc.Overrides{Claims: set("auth_time", time.Now().Unix())})
			reauthenticate(t, app, client)
			wantRecent(t, client, true)
		})
	}
}

// The provider is told how old its proof may be: as old as a session.
func TestFresh_ASVS_7_6_1_MaxAge(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	target, err := url.Parse(leave(t, app.Client(t), "/auth/evil", nil))
	if err != nil {
		t.Fatal(err)
	}
	if asked := target.Query(); asked.Get("max_age") != "2592000" || asked.Has("prompt") {
		t.Errorf("asked for %s", target.RawQuery)
	}
}

// Who must sign in again is offered the ways that lead to him.
func TestFresh_WaysBack(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	page := client.HTML(http.MethodGet, "/signin?fresh=true", nil)
	if !strings.Contains(page.Body, `formaction="/auth/evil"`) || strings.Contains(page.Body, `formaction="/auth/other"`) {
		t.Errorf("the ways back:\n%s", page.Body)
	}
	if page := client.HTML(http.MethodGet, "/signin", nil); !strings.Contains(page.Body, `formaction="/auth/other"`) {
		t.Errorf("the ways in:\n%s", page.Body)
	}
}

// Who could not be signed in is offered all ways in again, and what he wrote.
func TestFresh_WaysInAgain(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	for name, client := range map[string]*testapp.Client{"nobody": app.Client(t), "manager": on(t, app, "manager", firefox)} {
		page := client.HTML(http.MethodGet, "/auth/bypass?token=amdin", nil)
		wantStatus(t, page, http.StatusUnauthorized)
		for _, part := range []string{`role="alert"`, `value="amdin"`, `formaction="/auth/evil"`, `formaction="/auth/other"`} {
			if !strings.Contains(page.Body, part) {
				t.Errorf("%s: the page has no %s:\n%s", name, part, page.Body)
			}
		}
		for _, path := range []string{"/auth/bypass?token=amdin", "/missing"} {
			if page := client.HTML(http.MethodGet, path, nil); strings.Contains(page.Body, `href="/account"`) != (name == "manager") {
				t.Errorf("%s: the menu of %s:\n%s", name, path, page.Body)
			}
		}
	}
}

// A provider is known by its issuer, also when its setting has another name since.
func TestFresh_WaysBack_RenamedProvider(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	execute(t, app, "UPDATE identities SET provider = 'former'")
	if page := client.HTML(http.MethodGet, "/signin?fresh=true", nil); !strings.Contains(page.Body, `formaction="/auth/evil"`) {
		t.Errorf("the ways back:\n%s", page.Body)
	}
}

// A link that was begun in time is not finished long afterwards.
func TestFresh_ASVS_7_5_1_LinkFinishedLate(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	back := answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"true"}}))
	longAgo(t, app)
	r := client.HTML(http.MethodGet, back, nil)
	if to := r.Header.Get("Location"); to != "/signin?fresh=true&return_to=%2Faccount" {
		t.Errorf("%d, sent to %q", r.StatusCode, to)
	}
	if a := accountOf(t, client); len(a.Identities) != 1 {
		t.Errorf("%+v", a)
	}
}
