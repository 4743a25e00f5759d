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

func TestOpenID_SignIn(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := withRealProvider(t, engine)
		client := app.Client(t)
		if page := client.HTML(http.MethodGet, "/signin", nil); !strings.Contains(page.Body, "Sign in with Example") {
			t.Errorf("the sign-in page does not offer the provider:\n%s", page.Body)
		}
		r := signInVia(t, app, client, url.Values{"return_to": {"/session?tab=1"}})
		if to := r.Header.Get("Location"); to != "/session?tab=1" {
			t.Errorf("sent to %q", to)
		}
		wantSignedIn(t, client, "test-user")
		if n := countSessions(t, app); n != 1 {
			t.Errorf("%d session rows", n)
		}
		var row struct {
			UserID string `db:"user_id"`
			Method string `db:"auth_method"`
			Name   string `db:"name"`
			Email  string `db:"email"`
			Role   string `db:"role"`
		}
		query(t, app, &row, "SELECT s.user_id, s.auth_method, u.name, u.email, u.role FROM sessions s JOIN users u ON u.username = 'test-user'")
		if row.Method != "openid-connect" || row.Name != testoidc.Name || row.Email != testoidc.Email || row.Role != "member" {
			t.Errorf("the row: %+v", row)
		}

		// The same person again, on another device, is the same user.
		other := app.Client(t)
		signInVia(t, app, other, nil)
		var users int
		query(t, app, &users, "SELECT COUNT(*) FROM users")
		if users != 5 {
			t.Errorf("%d users, want the 4 of development and one more", users)
		}
		_, mine := client.SessionCookie()
		_, others := other.SessionCookie()
		if sidOf(mine) == sidOf(others) {
			t.Error("two devices share a session")
		}
	})
}

func TestOpenID_Remember(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	client := app.Client(t)
	r := signInVia(t, app, client, url.Values{"remember": {"on"}})
	for _, cookie := range r.Cookies() {
		if cookie.Name == "session" && cookie.MaxAge < 29*24*60*60 {
			t.Errorf("remembered for %d s", cookie.MaxAge)
		}
	}
}

func TestOpenID_DisabledUser(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	client := app.Client(t)
	signInVia(t, app, client, nil)
	execute(t, app, "UPDATE users SET disabled_at = '2026-01-01' WHERE username = 'test-user'")
	wantAnonymous(t, client)
	back := passLogin(t, app, leave(t, client, openID, nil))
	r := client.HTML(http.MethodGet, back, nil)
	wantStatus(t, r, http.StatusUnauthorized)
	if !strings.Contains(r.Body, "disabled") {
		t.Errorf("the page does not say why:\n%s", r.Body)
	}
	wantAnonymous(t, client)
}

// Signing in again as the same user gives the session a new id, and the provider
// is told to ask who it is.
func TestOpenID_ASVS_7_2_4_Reauthentication(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	client := app.Client(t)
	signInVia(t, app, client, nil)
	name, before := client.SessionCookie()
	target := leave(t, client, openID, url.Values{"fresh": {"true"}, "return_to": {"/account"}})
	asked, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	if asked.Query().Get("prompt") != "login" || asked.Query().Get("max_age") != "0" {
		t.Errorf("the provider is asked for %s", asked.RawQuery)
	}
	r := client.HTML(http.MethodGet, passLogin(t, app, target), nil)
	if to := r.Header.Get("Location"); to != "/account" {
		t.Errorf("%d, sent to %q", r.StatusCode, to)
	}
	_, after := client.SessionCookie()
	if sidOf(before) == sidOf(after) {
		t.Error("the session kept its sid")
	}
	wantSignedIn(t, client, "test-user")
	wantAnonymous(t, withCookie(t, app, name, before))
}

// The start of a sign-in is an act: nobody is sent to a provider by a link.
func TestOpenID_ASVS_7_6_2_OnlyByPost(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	client := app.Client(t)
	r := client.HTML(http.MethodGet, openID, nil)
	wantStatus(t, r, http.StatusMethodNotAllowed)
	wantNoNewCookie(t, r)
	r = client.HTML(http.MethodGet, openID+"/callback?code=stolen&state=", nil)
	wantStatus(t, r, http.StatusBadRequest)
	wantNoNewCookie(t, r)
	if n := countSessions(t, app); n != 0 {
		t.Errorf("%d session rows", n)
	}
}

func TestOpenID_ASVS_10_1_2_StateBindsBrowserAndIsUsedOnce(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	victim, attacker := app.Client(t), app.Client(t)

	target := leave(t, attacker, openID+"?state=chosen", url.Values{"state": {"chosen"}})
	if strings.Contains(target, "chosen") {
		t.Error("the state was taken from the request")
	}
	back := passLogin(t, app, target)
	wantStatus(t, victim.HTML(http.MethodGet, back, nil), http.StatusBadRequest)
	wantAnonymous(t, victim)

	cookies := attacker.Cookies()
	wantStatus(t, attacker.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	wantSignedIn(t, attacker, "test-user")

	replay := app.Client(t)
	for name, value := range cookies {
		replay.SetCookie(name, value)
	}
	wantStatus(t, replay.HTML(http.MethodGet, back, nil), http.StatusBadRequest)

	// An answer without a state, or for another provider, is nobody's.
	wantStatus(t, attacker.HTML(http.MethodGet, openID+"/callback?code=x&state=", nil), http.StatusBadRequest)
	wantStatus(t, attacker.HTML(http.MethodGet, openID+"/callback?code=x", nil), http.StatusBadRequest)
}

// Answers that nobody asked for cost anybody nothing to send, and fill no table.
func TestOpenID_ASVS_10_1_2_LostAnswersAreNoEvents(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	r := app.Client(t).HTML(http.MethodGet, openID+"/callback?code=x&state=y", nil)
	wantStatus(t, r, http.StatusBadRequest)
	var n int
	if query(t, app, &n, "SELECT COUNT(*) FROM events"); n != 0 {
		t.Errorf("%d events", n)
	}
	testapp.Poll(t, "write it down in the log", func() bool {
		return strings.Contains(app.Log(), "event=signin.failure") && strings.Contains(app.Log(), r.Header.Get("X-Request-Id"))
	})
}

// Several tabs at once: each attempt has a cookie of its own.
func TestOpenID_Tabs(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	client := app.Client(t)
	first, second := leave(t, client, openID, nil), leave(t, client, openID, nil)
	wantStatus(t, client.HTML(http.MethodGet, passLogin(t, app, second), nil), http.StatusSeeOther)
	wantStatus(t, client.HTML(http.MethodGet, passLogin(t, app, first), nil), http.StatusSeeOther)
	for range 12 {
		leave(t, client, openID, nil)
	}
	if n := len(client.Cookies()); n > 6 {
		t.Errorf("%d cookies after a dozen attempts", n)
	}
}

func TestOpenID_ASVS_3_7_2_ReturnTo(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	for _, evil := range []string{"//evil.example", `/\evil.example`, "https:evil.example", "https://evil.example/", "/%09/evil.example", `\\evil.example`, "javascript:alert(1)", "evil", "/a//b", "/" + strings.Repeat("x", 1024)} {
		r := signInVia(t, app, app.Client(t), url.Values{"return_to": {evil}})
		if to := r.Header.Get("Location"); to != "/" {
			t.Errorf("return_to=%s leads to %q", evil, to)
		}
	}
}

func TestOpenID_UnknownProvider(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	client := app.Client(t)
	for _, path := range []string{"/auth/github", "/auth/nobody?provider=openid-connect", "/auth/nobody/callback?provider=openid-connect&state=x&code=y"} {
		method := http.MethodPost
		if strings.Contains(path, "callback") {
			method = http.MethodGet
		}
		wantStatus(t, client.HTML(method, path, nil), http.StatusNotFound)
	}
}

func TestOpenID_ASVS_10_1_1_TokensStayHere(t *testing.T) {
	app := withRealProvider(t, testdb.SQLite)
	client := app.Client(t)
	signInVia(t, app, client, nil)
	for name := range client.Cookies() {
		if name != "session" {
			t.Errorf("the cookie %s is left", name)
		}
	}
	var data []byte
	query(t, app, &data, "SELECT data FROM sessions")
	if strings.Contains(string(data), "eyJ") {
		t.Errorf("the session holds a token: %q", data)
	}
}
