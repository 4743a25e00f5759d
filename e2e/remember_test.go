package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// rememberWays are the ways to ask to be remembered, or not to.
var rememberWays = map[string]struct {
	remembered bool
	send       func(*testapp.Client) *testapp.Response
}{
	"query": {true, func(c *testapp.Client) *testapp.Response {
		return c.JSON(http.MethodGet, "/auth/bypass?token=admin&remember=true", nil)
	}},
	"checkbox": {true, func(c *testapp.Client) *testapp.Response {
		return c.Do(http.MethodPost, "/auth/bypass", testapp.Form(url.Values{"token": {"admin"}, "remember": {"on"}}))
	}},
	"JSON": {true, func(c *testapp.Client) *testapp.Response {
		return c.JSON(http.MethodPost, "/auth/bypass", map[string]any{"token": "admin", "remember": true})
	}},
	"not asked": {false, func(c *testapp.Client) *testapp.Response { return c.SignIn("admin") }},
	"JSON, no": {false, func(c *testapp.Client) *testapp.Response {
		return c.JSON(http.MethodPost, "/auth/bypass", map[string]any{"token": "admin", "remember": false})
	}},
	"query, no": {false, func(c *testapp.Client) *testapp.Response {
		return c.JSON(http.MethodGet, "/auth/bypass?token=admin&remember=0", nil)
	}},
}

// TestRemember holds that a cookie outlives the browser where somebody asked
// for it, for as long as the setting says, and only there.
func TestRemember(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine, Extra: []string{"SESSION_REMEMBER_LIFETIME=100h"}})
		clients := make(map[string]*testapp.Client)
		for name, way := range rememberWays {
			client := app.Client(t)
			r := way.send(client)
			wantStatus(t, r, http.StatusOK)
			wantRemembered(t, name, r, way.remembered)
			wantShown(t, client, way.remembered)
			clients[name] = client
		}
		app.Restart(t)
		idle(t, app, 2*time.Hour) // twice as long as a session that is not remembered lives
		for name, way := range rememberWays {
			if !way.remembered {
				wantAnonymous(t, clients[name])
				continue
			}
			wantSignedIn(t, clients[name], "admin")
		}
	})
}

// wantRemembered checks what the browser is told of the cookie.
func wantRemembered(t *testing.T, name string, r *testapp.Response, remembered bool) {
	t.Helper()
	cookies := r.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%s: %d cookies, want 1", name, len(cookies))
	}
	const most = 100 * 60 * 60
	if age := cookies[0].MaxAge; remembered && (age > most || age < most-600) || !remembered && age != 0 {
		t.Errorf("%s: Max-Age is %d; want remembered %v, for %d seconds", name, age, remembered, most)
	}
	if !remembered && !cookies[0].Expires.IsZero() {
		t.Errorf("%s: got %s, want a cookie that ends with the browser", name, cookies[0])
	}
}

// wantShown checks what GET /session says, and for how long the session lives.
func wantShown(t *testing.T, client *testapp.Client, remembered bool) {
	t.Helper()
	var got sessionResponse
	client.JSON(http.MethodGet, "/session", nil).Decode(t, &got)
	if got.Session["remembered"] != remembered {
		t.Errorf("session.remembered is %v, want %v", got.Session["remembered"], remembered)
	}
	text, _ := got.Session["expires_at"].(string)
	ends, err := time.Parse(time.RFC3339, text)
	if long := time.Until(ends) > 99*time.Hour; err != nil || long != remembered {
		t.Errorf("the session ends at %q (%v), remembered %v", text, err, remembered)
	}
}

// idle moves all sessions back in time, as if nobody had used them since.
func idle(t *testing.T, app *testapp.App, d time.Duration) {
	t.Helper()
	var rows []struct {
		SID       string    `db:"sid"`
		LastSeen  time.Time `db:"last_seen_at"`
		ExpiresAt time.Time `db:"expires_at"`
		Deadline  time.Time `db:"deadline_at"`
	}
	if err := app.DB.RawQuery("SELECT sid, last_seen_at, expires_at, deadline_at FROM sessions").All(&rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		execute(t, app, "UPDATE sessions SET last_seen_at = ?, expires_at = ?, deadline_at = ? WHERE sid = ?",
			r.LastSeen.Add(-d).UTC(), r.ExpiresAt.Add(-d).UTC(), r.Deadline.Add(-d).UTC(), r.SID)
	}
}

// TestRemember_Refused holds that a wish nobody understands signs nobody in.
func TestRemember_Refused(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	for _, wish := range []string{"yes", "TRUE", "2", "true\x00", "\xff", " "} {
		form := url.Values{"token": {"admin"}, "remember": {wish}}
		for method, r := range map[string]*testapp.Response{
			"GET":  client.JSON(http.MethodGet, "/auth/bypass?"+form.Encode(), nil),
			"form": client.HTML(http.MethodPost, "/auth/bypass", form),
			"JSON": client.JSON(http.MethodPost, "/auth/bypass", map[string]string{"token": "admin", "remember": wish}),
		} {
			if r.StatusCode != http.StatusBadRequest {
				t.Errorf("%q by %s: %d, want 400\n%s", wish, method, r.StatusCode, r.Body)
			}
			wantNoNewCookie(t, r)
			wantNothingInternal(t, r)
		}
	}
	if n := countSessions(t, app); n != 0 {
		t.Errorf("%d sessions, want none", n)
	}
}

// TestMaxPerUser holds that a sign-in beyond the limit ends the session that
// was used least recently, and nobody else's.
func TestMaxPerUser(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine, Extra: []string{"SESSION_MAX_PER_USER=2"}})
		first, second, third, other := app.Client(t), app.Client(t), app.Client(t), app.Client(t)
		first.SignIn("admin")
		other.SignIn("user")
		second.SignIn("admin")
		_, unused := second.SessionCookie()
		execute(t, app, "UPDATE sessions SET last_seen_at = ? WHERE sid = ?", time.Now().UTC().Add(-10*time.Minute), sidOf(unused))
		third.SignIn("admin")
		wantAnonymous(t, second)
		for client, username := range map[*testapp.Client]string{first: "admin", third: "admin", other: "user"} {
			wantSignedIn(t, client, username)
		}
		if n := countSessions(t, app); n != 3 {
			t.Errorf("%d sessions, want 3", n)
		}
	})
}

// TestMaxPerUser_None holds that there is no limit by default.
func TestMaxPerUser_None(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	clients := make([]*testapp.Client, 12)
	for i := range clients {
		clients[i] = app.Client(t)
		clients[i].SignIn("admin")
	}
	for _, client := range clients {
		wantSignedIn(t, client, "admin")
	}
}

// TestBrowser_Remember ticks the box as a person does, by its label.
func TestBrowser_Remember(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{Extra: []string{"SESSION_REMEMBER_LIFETIME=240h"}})
	for _, tick := range []bool{true, false} {
		b := openBrowser(t, app)
		b.open("/signin", http.StatusOK)
		b.wantText("form", "Keep me signed in on this device for 10 days")
		if tick {
			b.do(chromedp.Click(chromedp.CSS(`label[for=remember]`)))
		}
		b.wantLoad("/", http.StatusOK, chromedp.SendKeys(chromedp.CSS(`#token`), "admin"), chromedp.Click(signInButton))
		cookies := b.cookies()
		if len(cookies) != 1 || cookies[0].Session == tick {
			t.Errorf("ticked %v: the browser has %+v", tick, cookies)
		}
		b.open("/session", http.StatusOK)
		shown := map[bool]string{true: "Yes", false: "No"}[tick]
		b.wantText(".facts", "Keep signed in</dt><dd>"+shown)
		b.wantQuiet()
	}
}
