package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestSignIn(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		for name, send := range map[string]func(*testapp.Client) *testapp.Response{
			"GET": func(c *testapp.Client) *testapp.Response {
				return c.JSON(http.MethodGet, "/auth/bypass?token=manager", nil)
			},
			"form": func(c *testapp.Client) *testapp.Response {
				return c.Do(http.MethodPost, "/auth/bypass", testapp.Form(url.Values{"token": {"manager"}}))
			},
			"JSON": func(c *testapp.Client) *testapp.Response { return c.SignIn("manager") },
			"case": func(c *testapp.Client) *testapp.Response { return c.SignIn("Manager") },
		} {
			t.Run(name, func(t *testing.T) { testSignIn(t, app, send) })
		}
		t.Run("Session", func(t *testing.T) { testSessionShown(t, app) })
		t.Run("Again", func(t *testing.T) { testSignInAgain(t, app) })
		t.Run("SignOut", func(t *testing.T) { testSignOut(t, app) })
		t.Run("Disabled", func(t *testing.T) { testDisabled(t, app) })
		t.Run("Restart", func(t *testing.T) { testRestart(t, app) })
	})
}

func testSignIn(t *testing.T, app *testapp.App, send func(*testapp.Client) *testapp.Response) {
	client := app.Client(t)
	r := send(client)
	wantStatus(t, r, http.StatusOK)
	var got user
	r.Decode(t, &got)
	want := user{ID: got.ID, Username: "manager", Name: "Maya Manager", Role: "member"}
	if got != want || got.ID == "" {
		t.Errorf("answered %+v, want %+v with an id", got, want)
	}
	if n := len(r.Cookies()); n != 1 {
		t.Errorf("%d cookies, want 1", n)
	}
	_, cookie := client.SessionCookie()
	var userID string
	query(t, app, &userID, "SELECT user_id FROM sessions WHERE sid = ?", sidOf(cookie))
	if userID != got.ID {
		t.Errorf("the row is user %q's, want %q's", userID, got.ID)
	}
	wantSignedIn(t, client, "manager")
}

// testSessionShown reads GET /session, all of it.
func testSessionShown(t *testing.T, app *testapp.App) {
	client := app.Client(t)
	const agent = "Mozilla/5.0 (e2e)"
	client.Do(http.MethodGet, "/auth/bypass?token=admin", testapp.Header("User-Agent", agent))
	_, cookie := client.SessionCookie()
	r := client.JSON(http.MethodGet, "/session", nil)
	wantStatus(t, r, http.StatusOK)
	if len(r.Cookies()) > 0 {
		t.Error("a read sets a cookie")
	}
	var got sessionResponse
	r.Decode(t, &got)
	if got.User.Username != "admin" || got.User.Name != "Ada Admin" || got.User.Role != "admin" {
		t.Errorf("user %+v", got.User)
	}
	for name, want := range map[string]any{
		"sid": sidOf(cookie), "auth_method": "bypass", "ip": "127.0.0.1", "user_agent": agent, "current": true,
	} {
		if got.Session[name] != want {
			t.Errorf("session.%s is %v, want %v", name, got.Session[name], want)
		}
	}
	wantTimes(t, got.Session)
}

// wantTimes checks the order and the zone of a session's times; no more, for
// the machine may be slow.
func wantTimes(t *testing.T, session map[string]any) {
	t.Helper()
	var last time.Time
	for _, name := range []string{"created_at", "authenticated_at", "last_seen_at", "expires_at"} {
		text, _ := session[name].(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || at.Location() != time.UTC || at.Before(last) {
			t.Errorf("session.%s is %q (%v), want a time in UTC, not before %s", name, text, err, last)
		}
		last = at
	}
	if life := time.Until(last); life < 30*time.Minute || life > time.Hour {
		t.Errorf("the session ends in %s, want what is left of an hour", life)
	}
}

func testSignInAgain(t *testing.T, app *testapp.App) {
	client := app.Client(t)
	client.SignIn("user")
	name, first := client.SessionCookie()
	client.SignIn("user")
	_, second := client.SessionCookie()
	if sidOf(first) == sidOf(second) {
		t.Error("the second sign-in kept the sid")
	}
	wantAnonymous(t, withCookie(t, app, name, first))
	wantSignedIn(t, client, "user")

	client.SignIn("manager")
	wantAnonymous(t, withCookie(t, app, name, second))
	wantSignedIn(t, client, "manager")
}

func testSignOut(t *testing.T, app *testapp.App) {
	for how, send := range map[string]func(*testapp.Client) *testapp.Response{
		"DELETE": func(c *testapp.Client) *testapp.Response { return c.JSON(http.MethodDelete, "/session", nil) },
		"form": func(c *testapp.Client) *testapp.Response {
			return c.HTML(http.MethodPost, "/session", url.Values{"_method": {"DELETE"}})
		},
	} {
		client := app.Client(t)
		client.SignIn("user")
		name, cookie := client.SessionCookie()
		before := countSessions(t, app)
		r := send(client)
		if r.StatusCode >= http.StatusBadRequest {
			t.Errorf("%s: %d %s", how, r.StatusCode, r.Body)
		}
		if _, left := client.SessionCookie(); left != "" {
			t.Errorf("%s: the cookie is not ended: %v", how, r.Cookies())
		}
		if r.Header.Get("Clear-Site-Data") == "" {
			t.Errorf("%s: no Clear-Site-Data", how)
		}
		if n := countSessions(t, app); n != before-1 {
			t.Errorf("%s: %d sessions are left of %d", how, n, before)
		}
		wantAnonymous(t, withCookie(t, app, name, cookie))
	}
	wantStatus(t, app.Client(t).JSON(http.MethodDelete, "/session", nil), http.StatusUnauthorized)
}

func testDisabled(t *testing.T, app *testapp.App) {
	client := app.Client(t)
	client.SignIn("contributor")
	name, cookie := client.SessionCookie()
	execute(t, app, "UPDATE users SET disabled_at = ? WHERE username = 'contributor'", time.Now().UTC())
	wantAnonymous(t, client)
	r := app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=contributor", nil)
	wantStatus(t, r, http.StatusUnauthorized)
	wantNoNewCookie(t, r)
	execute(t, app, "UPDATE users SET disabled_at = NULL WHERE username = 'contributor'")
	wantAnonymous(t, withCookie(t, app, name, cookie)) // it ended, and stays so
}

func testRestart(t *testing.T, app *testapp.App) {
	client := app.Client(t)
	client.SignIn("admin")
	app.Restart(t)
	wantSignedIn(t, client, "admin")
	app.Kill(t)
	app.Restart(t)
	wantSignedIn(t, client, "admin")
}

// TestSignIn_Form goes the way of a browser.
func TestSignIn_Form(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	r := client.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {"admin"}})
	wantStatus(t, r, http.StatusSeeOther)
	if to := r.Header.Get("Location"); to != "/" {
		t.Errorf("redirected to %q, want /", to)
	}
	wantSignedIn(t, client, "admin")
	r = client.HTML(http.MethodPost, "/session", url.Values{"_method": {"DELETE"}})
	wantStatus(t, r, http.StatusSeeOther)
	if to := r.Header.Get("Location"); to != "/signin?notice=signed-out" {
		t.Errorf("redirected to %q, want /signin", to)
	}
	wantAnonymous(t, client)
}

func TestSignIn_Off(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{Env: "production"})
	client := app.Client(t)
	wantStatus(t, client.JSON(http.MethodGet, "/auth/bypass?token=admin", nil), http.StatusNotFound)
	wantStatus(t, client.JSON(http.MethodPost, "/auth/bypass", map[string]string{"token": "admin"}), http.StatusNotFound)
	wantStatus(t, client.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {"admin"}}), http.StatusNotFound)
	if n := countSessions(t, app); n != 0 {
		t.Errorf("%d sessions, want none", n)
	}
}
