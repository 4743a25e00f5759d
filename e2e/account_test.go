package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testapp"
	"github.com/latchkey/latchkey/internal/testdb"
)

type account struct {
	User       user
	Identities []struct{ ID, Provider, Label string }
}

func accountOf(t *testing.T, client *testapp.Client) account {
	t.Helper()
	return get[account](t, client, "/account")
}

// linkOther links the provider other to who is signed in.
func linkOther(t *testing.T, app *testapp.App, client *testapp.Client) *testapp.Response {
	t.Helper()
	return client.HTML(http.MethodGet, answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"true"}})), nil)
}

func TestAccount_ASVS_7_4_3_LinkAndUnlink(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	only := accountOf(t, client)
	if len(only.Identities) != 1 || only.Identities[0].Label != "Evil" {
		t.Fatalf("%+v", only)
	}
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+only.Identities[0].ID, nil), http.StatusConflict) // the last

	r := linkOther(t, app, client)
	if to := r.Header.Get("Location"); to != "/account?notice=linked" {
		t.Fatalf("%d, sent to %q\n%s", r.StatusCode, to, r.Body)
	}
	if page := client.HTML(http.MethodGet, "/account?notice=linked", nil); !strings.Contains(page.Body, "End all my other sessions") {
		t.Errorf("the page does not offer to end the other sessions:\n%s", page.Body)
	}
	both := accountOf(t, client)
	if len(both.Identities) != 2 {
		t.Fatalf("%+v", both)
	}
	wantStatus(t, linkOther(t, app, client), http.StatusSeeOther) // again: nothing changes

	// Either leads to the same user now, and the other sessions can be ended.
	second := app.Client(t)
	back := answer(t, app, leave(t, second, "/auth/other", nil))
	wantStatus(t, second.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	wantSignedIn(t, second, "mallory")
	wantStatus(t, client.JSON(http.MethodDelete, "/sessions", nil), http.StatusOK)
	wantNobody(t, second)
	wantSignedIn(t, client, "mallory")

	// Somebody else's identity is not to be found, and not to be had.
	admin := app.Client(t)
	admin.SignIn("admin")
	wantStatus(t, admin.JSON(http.MethodDelete, "/identities/"+both.Identities[1].ID, nil), http.StatusNotFound)
	wantStatus(t, linkOther(t, app, admin), http.StatusConflict)
	wantSignedIn(t, admin, "admin")

	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+both.Identities[0].ID, nil), http.StatusNoContent)
	if left := accountOf(t, client); len(left.Identities) != 1 || left.Identities[0].ID != both.Identities[1].ID {
		t.Errorf("%+v", left)
	}
}

func TestAccount_LinkWhileSomebodyElseSignsIn(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	client.SignIn("manager")
	back := answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"true"}}))
	client.SignIn("admin")
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusForbidden)
	var identities int
	query(t, app, &identities, "SELECT COUNT(*) FROM identities")
	if identities != 0 {
		t.Errorf("%d identities", identities)
	}
}

func TestAccount_ASVS_7_5_1_RecentSignIn(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	id := accountOf(t, client).Identities[0].ID
	longAgo(t, app)
	for _, request := range [][2]string{{"DELETE", "/identities/" + id}, {"DELETE", "/sessions"}} {
		r := client.JSON(request[0], request[1], nil)
		wantStatus(t, r, http.StatusForbidden)
		if !strings.Contains(r.Body, "urn:latchkey:problem:sign-in-not-recent") {
			t.Errorf("%v: %s", request, r.Body)
		}
		r = client.HTML("POST", request[1], url.Values{"_method": {request[0]}})
		if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?fresh=true") {
			t.Errorf("%v: %d, sent to %q", request, r.StatusCode, to)
		}
	}
	r := client.HTML("POST", "/auth/other", url.Values{"link": {"true"}})
	if to := r.Header.Get("Location"); !strings.HasPrefix(to, "/signin?fresh=true") {
		t.Errorf("link: %d, sent to %q", r.StatusCode, to)
	}
	if page := client.HTML("GET", "/signin?fresh=true&return_to=/account", nil); !strings.Contains(page.Body, "needs a recent sign-in") {
		t.Errorf("the page does not say why:\n%s", page.Body)
	}
}

func TestAccount_Rename(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := app.Client(t)
		client.SignIn("manager")
		for username, status := range map[string]int{"": 422, "a b": 422, "-x": 422, "Ünsal": 422, strings.Repeat("x", 65): 422, "admin": 409, "ADMIN": 409} {
			wantStatus(t, client.JSON("PATCH", "/account", map[string]string{"username": username}), status)
		}
		wantSignedIn(t, client, "manager")
		wantStatus(t, client.JSON("PATCH", "/account", map[string]string{"username": "Maya.M"}), http.StatusNoContent)
		wantSignedIn(t, client, "maya.m")
		r := client.HTML("POST", "/account", url.Values{"_method": {"PATCH"}, "username": {"maya"}})
		if to := r.Header.Get("Location"); to != "/account?notice=renamed" {
			t.Errorf("%d, sent to %q", r.StatusCode, to)
		}
		wantStatus(t, app.Client(t).JSON("PATCH", "/account", map[string]string{"username": "x"}), http.StatusUnauthorized)
		wantStatus(t, app.Client(t).JSON("GET", "/account", nil), http.StatusUnauthorized)
	})
}

// The last way in is the last that leads anywhere: a provider that was switched off
// does not.
func TestAccount_LastUsableWay(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	wantStatus(t, linkOther(t, app, client), http.StatusSeeOther)
	execute(t, app, "UPDATE identities SET issuer = 'https://gone.example' WHERE provider = 'other'")
	mine := accountOf(t, client).Identities
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+mine[0].ID, nil), http.StatusConflict)
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+mine[1].ID, nil), http.StatusNoContent)
}

// The username that somebody has already is no change, and no event.
func TestAccount_SameUsername(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	client := on(t, app, "manager", firefox)
	wantStatus(t, client.JSON(http.MethodPatch, "/account", map[string]string{"username": " Manager"}), http.StatusNoContent)
	var n int
	if query(t, app, &n, "SELECT COUNT(*) FROM events WHERE kind = 'user.renamed'"); n != 0 {
		t.Errorf("%d events", n)
	}
}
