package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// staleSignIns makes all sign-ins too old for what needs a recent one.
func staleSignIns(t *testing.T, app *testapp.App) {
	t.Helper()
	execute(t, app, "UPDATE sessions SET authenticated_at = ?", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
}

// postFrom sends a form as a browser does that is on a page of the app.
func postFrom(client *testapp.Client, app *testapp.App, page, path string, form url.Values) *testapp.Response {
	return client.Do(http.MethodPost, path, testapp.Header("Accept", "text/html"), testapp.Header("Referer", app.URL+page), testapp.Form(form))
}

// signInAgain signs in with the form of the sign-in page, which leads to page.
func signInAgain(t *testing.T, client *testapp.Client, username, page string) {
	t.Helper()
	r := client.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {username}, "return_to": {page}})
	wantLocation(t, r, page)
}

// reauthFor returns the sign-in page to which a stale request is sent.
func reauthFor(page string) string {
	mark := "?"
	if strings.Contains(page, mark) {
		mark = "&"
	}
	return "/signin?" + url.Values{"fresh": {"true"}, "return_to": {page + mark + "notice=reauthenticated"}}.Encode()
}

var deletion = url.Values{"_method": {http.MethodDelete}}

// TestStale checks that a form which needs a recent sign-in leads to the sign-in page
// and back to its own page, which then accepts the form.
func TestStale(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := on(t, app, "manager", firefox)
		staleSignIns(t, app)
		form := url.Values{"label": {"backup"}, "days": {"7"}}
		wantLocation(t, postFrom(client, app, "/account?notice=renamed", "/tokens", form), reauthFor("/account"))
		wantContains(t, client.HTML(http.MethodGet, reauthFor("/account"), nil), "Please sign in again")
		signInAgain(t, client, "manager", "/account?notice=reauthenticated")
		page := client.HTML(http.MethodGet, "/account?notice=reauthenticated", nil)
		wantContains(t, page, "Thanks for signing in again")
		if n := len(listSessions(t, client, "/sessions").Sessions); n != 1 {
			t.Errorf("%d sessions, want 1: the token must not be created without another click", n)
		}
		wantStatus(t, client.HTML(http.MethodPost, "/tokens", form), http.StatusCreated)
	})
}

// TestStale_StolenCookie is an attack with a stolen, stale cookie: the thief sends a
// form that needs a recent sign-in and hopes that the owner's next sign-in completes it.
func TestStale_StolenCookie(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	owner := on(t, app, "admin", firefox)
	id := findUser(t, owner, "user").ID
	staleSignIns(t, app)
	wantLocation(t, postFrom(owner, app, "/sessions", "/sessions", deletion), reauthFor("/sessions"))

	name, cookie := owner.SessionCookie()
	thief := withCookie(t, app, name, cookie)
	promotion := url.Values{"_method": {http.MethodPatch}, "role": {"admin"}}
	wantLocation(t, postFrom(thief, app, "/sessions", "/admin/users/"+id, promotion), reauthFor("/sessions"))

	signInAgain(t, owner, "admin", "/sessions?notice=reauthenticated")
	page := owner.HTML(http.MethodGet, "/sessions?notice=reauthenticated", nil)
	wantStatus(t, page, http.StatusOK)
	if strings.Contains(page.Body, "/admin/users/"+id) || strings.Contains(page.Body, `name="role"`) {
		t.Errorf("the owner's page contains the thief's form:\n%s", page.Body)
	}
	if role := findUser(t, owner, "user").Role; role != "member" {
		t.Errorf("the user's role = %s, want member", role)
	}
	wantAnonymous(t, thief)
}

// TestStale_Page checks to which page the user comes back.
func TestStale_Page(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"HOST=https://latchkey.example"}})
	client := on(t, app, "manager", firefox)
	for _, c := range []struct{ referer, path, page string }{
		{app.URL + "/sessions/", "/sessions", "/sessions"},
		{app.URL + "/sessions?limit=9&notice=revoked_others", "/sessions", "/sessions?limit=9"},
		{app.URL + "/tokens", "/tokens", "/account"}, // the page of a label that was refused
		{app.URL + "/identities/x", "/sessions", "/"},
		{app.URL + "/nowhere", "/sessions", "/"},
		{"https://latchkey.example/sessions", "/sessions", "/sessions"}, // through a proxy
		{"https://evil.example/sessions", "/sessions", "/"},
		{"http://127.0.0.1:1/sessions", "/sessions", "/"},
		{app.URL + "//evil.example/", "/sessions", "/"},
		{"http://%zz", "/sessions", "/"},
		{"/sessions", "/sessions", "/"},
		{"", "/sessions", "/"},
	} {
		staleSignIns(t, app)
		form := url.Values{}
		if c.path == "/sessions" {
			form = deletion
		}
		r := client.Do(http.MethodPost, c.path, testapp.Header("Accept", "text/html"), testapp.Header("Referer", c.referer), testapp.Form(form))
		if to := r.Header.Get("Location"); to != reauthFor(c.page) {
			t.Errorf("%s from %q: %d, Location = %q, want %q", c.path, c.referer, r.StatusCode, to, reauthFor(c.page))
		}
	}
}

// TestStale_Program checks that a program gets 403 and nothing happens.
func TestStale_Program(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	client := on(t, app, "manager", firefox)
	staleSignIns(t, app)
	wantStatus(t, client.JSON(http.MethodPost, "/tokens", map[string]string{"label": "x"}), http.StatusForbidden)
	if n := countSessions(t, app); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}
