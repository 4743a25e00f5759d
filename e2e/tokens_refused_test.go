package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// A token is made after a recent sign-in only, and never by a token.
func TestTokens_RecentSignIn(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	client := on(t, app, "admin", firefox)
	admin := programWith(t, app, createToken(t, client, "Deploy").Token)
	user := on(t, app, "manager", firefox)
	for _, request := range [][2]string{
		{"POST", "/tokens"}, {"DELETE", "/sessions"}, {"DELETE", "/sessions/" + sid(t, client)},
		{"DELETE", "/admin/sessions/" + sid(t, user)}, {"DELETE", "/admin/sessions?all=true"},
		{"PATCH", "/admin/users/00000000-0000-0000-0000-000000000000"}, {"DELETE", "/identities/00000000-0000-0000-0000-000000000000"},
	} {
		for _, accept := range []string{"application/json", "text/html"} {
			r := admin.ask(t, request[0], request[1], testapp.Header("Accept", accept), testapp.Body("application/json", `{"label":"x"}`))
			wantStatus(t, r, http.StatusForbidden)
			if accept != "text/html" && !strings.Contains(r.Body, "urn:latchkey:problem:sign-in-not-recent") {
				t.Errorf("%v: %s", request, r.Body)
			}
		}
	}
	wantStatus(t, admin.ask(t, http.MethodGet, "/admin/sessions"), http.StatusOK)
	wantSignedIn(t, user, "manager")

	staleSignIns(t, app)
	wantStatus(t, client.JSON(http.MethodPost, "/tokens", map[string]string{"label": "x"}), http.StatusForbidden)
	r := client.HTML(http.MethodPost, "/tokens", url.Values{"label": {"x"}})
	if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?fresh=true") {
		t.Errorf("%d, sent to %q", r.StatusCode, to)
	}
	wantStatus(t, app.Client(t).JSON(http.MethodPost, "/tokens", map[string]string{"label": "x"}), http.StatusUnauthorized)
	if n := countSessions(t, app); n != 3 {
		t.Errorf("%d sessions, want two browsers and a token", n)
	}
}

func TestTokens_SignInRefused(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite, Extra: []string{"GITHUB_KEY=key", "GITHUB_SECRET=secret"}})
	backup := programWith(t, app, createToken(t, on(t, app, "manager", firefox), "Backup").Token)
	for _, p := range []program{backup, programWith(t, app, "nonsense")} {
		for _, request := range [][2]string{
			{"GET", "/auth/bypass?token=admin"}, {"POST", "/auth/bypass?token=admin"}, {"GET", "/auth/bypass?token=nobody"},
			{"POST", "/auth/github"}, {"GET", "/auth/github/callback?state=x&code=y"},
		} {
			r := p.ask(t, request[0], request[1])
			wantStatus(t, r, http.StatusBadRequest)
			if !strings.Contains(r.Body, "not possible with an access token") {
				t.Errorf("%v: %s", request, r.Body)
			}
		}
	}
	backup.wantIs(t, "manager")
	off := testapp.Start(t, testapp.Options{Engine: testdb.SQLite, Extra: []string{"BYPASS_AUTH=false"}})
	wantStatus(t, programWith(t, off, "nonsense").ask(t, http.MethodGet, "/auth/bypass?token=admin"), http.StatusNotFound)
}

// What is not one good token is nobody's, whatever cookie comes along.
func TestTokens_Refused(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	client := on(t, app, "manager", firefox)
	token := createToken(t, client, "Backup").Token
	_, cookie := client.SessionCookie()
	for name, headers := range map[string][]string{
		"Two":       {"Bearer " + token, "Bearer " + token},
		"TwoKinds":  {"Bearer " + token, "Basic YTpi"},
		"TwoInOne":  {"Bearer " + token + ", Bearer " + token},
		"Forged":    {"Bearer " + token[:len(token)-1] + "!"},
		"SIDAlone":  {"Bearer " + sidOf(token)},
		"Nothing":   {"Bearer"},
		"Otherwise": {"Bearer token=" + token},
	} {
		t.Run(name, func(t *testing.T) {
			p := program{withCookie(t, app, "session", cookie), headers}
			p.wantRefused(t)
			alive := p.ask(t, http.MethodGet, "/session/alive")
			wantStatus(t, alive, http.StatusUnauthorized)
			if got := alive.Header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
				t.Errorf("GET /session/alive: WWW-Authenticate is %q", got)
			}
			wantStatus(t, p.ask(t, http.MethodGet, "/"), http.StatusOK) // which needs nobody
			wantStatus(t, p.ask(t, http.MethodGet, "/sessions", testapp.Header("Accept", "text/html")), http.StatusUnauthorized)
		})
	}
	wantSignedIn(t, client, "manager")
	if r := app.Client(t).JSON(http.MethodGet, "/session", nil); r.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("WWW-Authenticate is %q, without a token", r.Header.Get("WWW-Authenticate"))
	}
}

// The cookie beside a token does not count, and stays.
func TestTokens_CookieIgnored(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	token := createToken(t, on(t, app, "manager", firefox), "Backup").Token
	admin := on(t, app, "admin", firefox)
	_, cookie := admin.SessionCookie()
	p := program{withCookie(t, app, "session", cookie), []string{"Bearer " + token}}
	p.wantIs(t, "manager")
	wantStatus(t, p.ask(t, http.MethodDelete, "/session"), http.StatusNoContent)
	wantSignedIn(t, admin, "admin")
	basic := program{withCookie(t, app, "session", cookie), []string{"Basic YTpi"}} // of a proxy
	wantStatus(t, basic.ask(t, http.MethodGet, "/session"), http.StatusOK)
}
