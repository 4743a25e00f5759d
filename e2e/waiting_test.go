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

// staleSignIns makes all sign-ins too old to count as recent.
func staleSignIns(t *testing.T, app *testapp.App) {
	t.Helper()
	execute(t, app, "UPDATE sessions SET authenticated_at = ?", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
}

// postFrom sends a form as a browser does that is on a page of the app.
func postFrom(client *testapp.Client, app *testapp.App, page, path string, form url.Values) *testapp.Response {
	return client.Do(http.MethodPost, path, testapp.Header("Accept", "text/html"), testapp.Header("Referer", app.URL+page), testapp.Form(form))
}

// resumes reports whether a page goes on with what waits for a sign-in.
func resumes(t *testing.T, client *testapp.Client, page string) bool {
	t.Helper()
	r := client.HTML(http.MethodGet, page, nil)
	wantStatus(t, r, http.StatusOK)
	return strings.Contains(r.Body, "data-submit")
}

// signInAgain signs in by the form, which leads to a page.
func signInAgain(t *testing.T, client *testapp.Client, username, page string) {
	t.Helper()
	r := client.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {username}, "return_to": {page}})
	if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || to != page {
		t.Fatalf("signing in again leads to %d %q, want %q\n%s", r.StatusCode, to, page, r.Body)
	}
}

var deletion = url.Values{"_method": {http.MethodDelete}}

// What needs a recent sign-in is done after it, once, on the page where it was begun.
func TestWaiting(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := on(t, app, "manager", firefox)
		staleSignIns(t, app)
		form := url.Values{"label": {`Ada's "backup" <1>`}, "days": {"7"}}
		r := postFrom(client, app, "/account?notice=renamed", "/tokens", form)
		const stale = "/signin?fresh=true&return_to=%2Faccount"
		if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || to != stale {
			t.Fatalf("%d, sent to %q", r.StatusCode, to)
		}
		if page := client.HTML(http.MethodGet, stale, nil); !strings.Contains(page.Body, "To continue with “Create token”") {
			t.Errorf("the sign-in page does not say what waits:\n%s", page.Body)
		}
		if page := client.HTML(http.MethodGet, "/signin?fresh=true&return_to=%2Fevents", nil); strings.Contains(page.Body, "Create token") {
			t.Errorf("the sign-in page that leads elsewhere says what waits:\n%s", page.Body)
		}
		if resumes(t, client, "/account") {
			t.Error("the page goes on before the sign-in")
		}
		wantStatus(t, client.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {"amdin"}, "return_to": {"/account"}}), http.StatusUnauthorized)
		signInAgain(t, client, "manager", "/account")
		page := client.HTML(http.MethodGet, "/account", nil)
		for _, part := range []string{
			`<form class="notice" action="/tokens" method="post" data-submit>`, "Continue with “Create token”?",
			`<input type="hidden" name="days" value="7">`, `<input type="hidden" name="label" value="Ada&#39;s &#34;backup&#34; &lt;1&gt;">`,
		} {
			if !strings.Contains(page.Body, part) {
				t.Errorf("the page lacks %s:\n%s", part, page.Body)
			}
		}
		if resumes(t, client, "/events") {
			t.Error("another page goes on")
		}
		refused := postFrom(client, app, "/account", "/account", url.Values{"_method": {http.MethodPatch}, "username": {"-"}})
		wantStatus(t, refused, http.StatusUnprocessableEntity)
		if strings.Contains(refused.Body, "data-submit") {
			t.Errorf("the page goes on with a token in place of the username that it is about:\n%s", refused.Body)
		}
		wantStatus(t, client.HTML(http.MethodPost, "/tokens", form), http.StatusCreated)
		if resumes(t, client, "/account") {
			t.Error("the page goes on once more")
		}
	})
}

// What is refused once it is done waits no longer: the page would send it for ever.
func TestWaiting_Refused(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	client := on(t, app, "admin", firefox)
	page := "/admin/users/" + findUser(t, client, "admin").ID
	staleSignIns(t, app)
	form := url.Values{"_method": {http.MethodPatch}, "role": {"member"}}
	wantStatus(t, postFrom(client, app, page, page, form), http.StatusSeeOther)
	signInAgain(t, client, "admin", page)
	if !resumes(t, client, page) {
		t.Error("the page does not go on")
	}
	refused := postFrom(client, app, page, page, form)
	wantStatus(t, refused, http.StatusConflict) // the last administrator
	if !strings.Contains(refused.Body, `<a class="button" href="`+page+`">Go back`) {
		t.Errorf("the page does not lead back:\n%s", refused.Body)
	}
	if resumes(t, client, page) {
		t.Error("the page goes on once more")
	}
}

// What waits is dropped where its page is not where the sign-in leads, or somebody else
// signs in.
func TestWaiting_Dropped(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	for name, signIn := range map[string]func(*testing.T, *testapp.Client) *testapp.Client{
		"Elsewhere": func(t *testing.T, c *testapp.Client) *testapp.Client {
			signInAgain(t, c, "manager", "/events")
			return c
		},
		"SomebodyElse": func(t *testing.T, c *testapp.Client) *testapp.Client {
			signInAgain(t, c, "user", "/sessions")
			return c
		},
		"SignedOut": func(t *testing.T, c *testapp.Client) *testapp.Client {
			wantStatus(t, c.JSON(http.MethodDelete, "/session", nil), http.StatusNoContent)
			signInAgain(t, c, "manager", "/sessions")
			return c
		},
		"InAnotherBrowser": func(t *testing.T, _ *testapp.Client) *testapp.Client {
			other := app.Client(t)
			signInAgain(t, other, "manager", "/sessions")
			return other
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := on(t, app, "manager", firefox)
			staleSignIns(t, app)
			wantStatus(t, postFrom(client, app, "/sessions", "/sessions", deletion), http.StatusSeeOther)
			if page := client.HTML(http.MethodGet, "/signin?fresh=true&return_to=%2Fsessions", nil); !strings.Contains(page.Body, "Sign out all other devices") {
				t.Errorf("nothing waits:\n%s", page.Body)
			}
			client = signIn(t, client)
			if resumes(t, client, "/sessions") {
				t.Error("the page goes on")
			}
			signInAgain(t, client, "manager", "/sessions")
			if resumes(t, client, "/sessions") {
				t.Error("the page goes on after one more sign-in")
			}
		})
	}
}

// Who signs in again comes back to a page, also from an address that is spelled in
// another way or that takes forms alone.
func TestWaiting_Page(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"HOST=https://latchkey.example"}})
	client := on(t, app, "manager", firefox)
	for _, c := range []struct{ referer, path, page string }{
		{app.URL + "/sessions/", "/sessions", "/sessions"},
		{app.URL + "/sessions?limit=9&notice=revoked_others", "/sessions", "/sessions?limit=9"},
		{app.URL + "/tokens", "/tokens", "/account"}, // the page of a name that was refused
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
		want := "/signin?" + url.Values{"fresh": {"true"}, "return_to": {c.page}}.Encode()
		if to := r.Header.Get("Location"); to != want {
			t.Errorf("%s from %q: %d, sent to %q", c.path, c.referer, r.StatusCode, to)
			continue
		}
		signInAgain(t, client, "manager", c.page)
		if !resumes(t, client, c.page) {
			t.Errorf("%s from %q does not go on", c.path, c.referer)
		}
	}
}

// Only what a form of ours asked for waits, and never a whole megabyte of it. What waited
// before it does not wait on.
func TestWaiting_NotKept(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	for name, request := range map[string]struct {
		status int
		send   func(*testapp.Client) *testapp.Response
	}{
		"NoForm": {http.StatusSeeOther, func(c *testapp.Client) *testapp.Response { return c.HTML(http.MethodDelete, "/sessions", nil) }},
		"TooLong": {http.StatusSeeOther, func(c *testapp.Client) *testapp.Response {
			return postFrom(c, app, "/", "/tokens", url.Values{"label": {strings.Repeat("x", 5000)}})
		}},
		"LongAddress": {http.StatusSeeOther, func(c *testapp.Client) *testapp.Response {
			return postFrom(c, app, "/", "/sessions?x="+strings.Repeat("x", 70_000), deletion)
		}},
		"Program": {http.StatusForbidden, func(c *testapp.Client) *testapp.Response {
			return c.JSON(http.MethodPost, "/tokens", map[string]string{"label": "x"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			client := on(t, app, "manager", firefox)
			staleSignIns(t, app)
			if request.status == http.StatusSeeOther {
				wantStatus(t, postFrom(client, app, "/", "/sessions", deletion), http.StatusSeeOther) // nor what waited before
			}
			wantStatus(t, request.send(client), request.status)
			signInAgain(t, client, "manager", "/")
			if resumes(t, client, "/") {
				t.Error("the page goes on")
			}
		})
	}
}

// What waits does not outlive the time in which a sign-in is recent.
func TestWaiting_RunsOut(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"SESSION_FRESH_FOR=1s"}})
	client := on(t, app, "manager", firefox)
	staleSignIns(t, app)
	wantStatus(t, postFrom(client, app, "/sessions", "/sessions", deletion), http.StatusSeeOther)
	testapp.Poll(t, "forget what waits", func() bool {
		page := client.HTML(http.MethodGet, "/signin?fresh=true&return_to=%2Fsessions", nil)
		return !strings.Contains(page.Body, "Sign out all other devices")
	})
	signInAgain(t, client, "manager", "/sessions")
	if resumes(t, client, "/sessions") {
		t.Error("the page goes on")
	}
}
