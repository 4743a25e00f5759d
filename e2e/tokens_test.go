package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// newToken is the answer of POST /tokens.
type newToken struct {
	Token   string         `json:"token"`
	Session map[string]any `json:"session"`
}

// lives is how long it does.
func (made newToken) lives(t *testing.T) time.Duration {
	t.Helper()
	var times [2]time.Time
	for i, name := range []string{"created_at", "expires_at"} {
		text, _ := made.Session[name].(string)
		var err error
		if times[i], err = time.Parse(time.RFC3339, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return times[1].Sub(times[0])
}

// createToken has a client that is signed in make a token.
func createToken(t *testing.T, client *testapp.Client, name string) (made newToken) {
	t.Helper()
	r := client.JSON(http.MethodPost, "/tokens", map[string]any{"label": name, "days": 7})
	wantStatus(t, r, http.StatusCreated)
	wantNoNewCookie(t, r)
	r.Decode(t, &made)
	return made
}

// A program presents a token, and has no cookies.
type program struct {
	*testapp.Client
	authorization []string
}

func programWith(t *testing.T, app *testapp.App, token string) program {
	t.Helper()
	return program{app.Client(t), []string{"Bearer " + token}}
}

// ask sends a request as curl does, and holds that no answer sets a cookie.
func (p program) ask(t *testing.T, method, path string, options ...testapp.RequestOption) *testapp.Response {
	t.Helper()
	r := p.Do(method, path, append(options, func(r *http.Request) { r.Header["Authorization"] = p.authorization })...)
	if cookies := r.Header.Values("Set-Cookie"); len(cookies) > 0 {
		t.Errorf("%s %s: a token's request sets %q", method, path, cookies)
	}
	return r
}

// wantIs fails the test unless the program is in as the user.
func (p program) wantIs(t *testing.T, username string) {
	t.Helper()
	var got sessionResponse
	r := p.ask(t, http.MethodGet, "/session")
	wantStatus(t, r, http.StatusOK)
	if r.Decode(t, &got); got.User.Username != username || got.Session["auth_method"] != "token" {
		t.Errorf("GET /session: %s", r.Body)
	}
}

// wantRefused fails the test unless the program is told that its token is no good.
func (p program) wantRefused(t *testing.T) {
	t.Helper()
	r := p.ask(t, http.MethodGet, "/session")
	wantStatus(t, r, http.StatusUnauthorized)
	if got := r.Header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type is %q", got)
	}
	if !strings.Contains(r.Body, "The access token is invalid or has expired.") {
		t.Errorf("it is not told that it is the token: %s", r.Body)
	}
}

func TestTokens(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := on(t, app, "manager", firefox)
		made := createToken(t, client, "  Backup of the house ")
		s := made.Session
		if s["sid"] != sidOf(made.Token) || s["label"] != "Backup of the house" || s["auth_method"] != "token" || s["authenticated_at"] != nil || s["current"] != false ||
			s["ip"] != "127.0.0.1" || s["user_agent"] != firefox {
			t.Errorf("made %+v", s)
		}
		if lives := made.lives(t); lives != 7*24*time.Hour {
			t.Errorf("it lives %v, want a week", lives)
		}
		backup := programWith(t, app, made.Token)
		backup.wantIs(t, "manager")
		wantStatus(t, backup.ask(t, http.MethodGet, "/session/alive"), http.StatusNoContent)
		wantStatus(t, backup.ask(t, http.MethodPatch, "/account", testapp.Body("application/json", `{"username":"maya"}`)), http.StatusOK)
		backup.wantIs(t, "maya")

		// It is listed among the sessions, by its name.
		list := client.JSON(http.MethodGet, "/sessions", nil)
		if !strings.Contains(list.Body, `"label":"Backup of the house"`) || !strings.Contains(list.Body, `"label":""`) {
			t.Errorf("listed as %s", list.Body)
		}
		page := client.HTML(http.MethodGet, "/sessions", nil)
		wantForm(t, page, "/sessions/"+sidOf(made.Token), deletion)
		for _, text := range []string{">Backup of the house", "Access token", "Revoke the access token Backup of the house", `<a href="/sessions" aria-current="page">`} {
			if !strings.Contains(page.Body, text) {
				t.Errorf("the page has no %q:\n%s", text, page.Body)
			}
		}
		event := listEvents(t, client, "/events").Events[1] // before the new name
		if event.Kind != "token.created" || event.Detail != "Backup of the house" || !event.Notable || event.SID != sidOf(made.Token) {
			t.Errorf("%+v", event)
		}
		if page := client.HTML(http.MethodGet, "/events", nil); !strings.Contains(page.Body, "Created the access token Backup of the house") {
			t.Errorf("the page:\n%s", page.Body)
		}

		// Ended like any other.
		wantStatus(t, client.JSON(http.MethodDelete, "/sessions/"+sidOf(made.Token), nil), http.StatusNoContent)
		backup.wantRefused(t)
		wantNotLogged(t, app, made.Token)
	})
}

// wantNotLogged fails the test if the app's log has what is secret of a token.
func wantNotLogged(t *testing.T, app *testapp.App, token string) {
	t.Helper()
	for _, part := range strings.Split(token, ".")[1:] {
		if strings.Contains(app.Log(), part) {
			t.Error("the log has the token")
		}
	}
}

// tokenBodies are bodies of POST /tokens, with the status that answers them.
var tokenBodies = map[string]int{
	`{"label":"x"}`:                               http.StatusCreated,
	`{"label":"x","days":null}`:                   http.StatusCreated,
	`{"label":"x","days":1}`:                      http.StatusCreated,
	`{"label":"x","days":365}`:                    http.StatusCreated,
	`{"label":"` + strings.Repeat("é", 64) + `"}`: http.StatusCreated,
	`{"label":"` + strings.Repeat("é", 65) + `"}`: http.StatusUnprocessableEntity,
	`{}`:                                           http.StatusUnprocessableEntity,
	`{"label":" "}`:                                http.StatusUnprocessableEntity,
	`{"label":"a\u0000b"}`:                         http.StatusUnprocessableEntity,
	`{"label":"a\nb"}`:                             http.StatusUnprocessableEntity,
	`{"label":"\ud800"}`:                           http.StatusUnprocessableEntity,
	`{"label":"\u200b"}`:                           http.StatusUnprocessableEntity, // nothing to see
	`{"label":"\u202etxet"}`:                       http.StatusUnprocessableEntity, // from right to left
	`{"label":"a\u2067b"}`:                         http.StatusUnprocessableEntity,
	`{"label":"\u05d0\u200f"}`:                     http.StatusCreated,
	`{"label":"👩‍👩‍👧"}`:                            http.StatusCreated,
	`{"label":"x","days":0}`:                       http.StatusUnprocessableEntity,
	`{"label":"x","days":-1}`:                      http.StatusUnprocessableEntity,
	`{"label":"x","days":366}`:                     http.StatusUnprocessableEntity,
	`{"label":"x","days":1.5}`:                     http.StatusBadRequest,
	`{"label":"x","days":"30"}`:                    http.StatusBadRequest,
	`{"label":"x","days":99999999999999999999999}`: http.StatusBadRequest,
	`{"label":5}`:                                  http.StatusBadRequest,
	`{`:                                            http.StatusBadRequest,
}

func TestTokens_LabelAndDays(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	client := on(t, app, "manager", firefox)
	for body, status := range tokenBodies {
		r := client.Do(http.MethodPost, "/tokens", testapp.Body("application/json", body))
		if wantStatus(t, r, status); t.Failed() {
			t.Fatalf("sent %s", body)
		}
	}
	var usual newToken
	client.JSON(http.MethodPost, "/tokens", map[string]string{"label": "x"}).Decode(t, &usual)
	if lives := usual.lives(t); lives != 30*24*time.Hour {
		t.Errorf("one that is asked for without days lives %v, want 30 days", lives)
	}
	for days, status := range map[string]int{"30": http.StatusCreated, "": http.StatusBadRequest, "0": http.StatusUnprocessableEntity, "x": http.StatusBadRequest} {
		r := client.Do(http.MethodPost, "/tokens", testapp.Form(url.Values{"label": {"x"}, "days": {days}}))
		if wantStatus(t, r, status); t.Failed() {
			t.Fatalf("sent days=%s", days)
		}
	}
	page := client.HTML(http.MethodPost, "/tokens", url.Values{"label": {"Backup"}, "days": {"x"}})
	wantStatus(t, page, http.StatusUnprocessableEntity)
	for _, part := range []string{"The number of days is invalid", `value="Backup"`, `value="x" required min="1" max="365" aria-describedby="token-days-hint" aria-invalid="true"`} {
		if !strings.Contains(page.Body, part) {
			t.Errorf("the form lacks %s:\n%s", part, page.Body)
		}
	}
	var long int
	query(t, app, &long, "SELECT COUNT(*) FROM sessions WHERE auth_method = 'token' AND expires_at > ?", time.Now().UTC().AddDate(0, 0, 366))
	if long != 0 {
		t.Errorf("%d tokens for longer than a year", long)
	}
}

// Who makes more tokens than he may have sessions stays signed in where he makes them.
func TestTokens_MaxPerUser(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine, Extra: []string{"SESSION_MAX_PER_USER=3"}})
		client := on(t, app, "manager", firefox)
		for range 3 {
			createToken(t, client, "Backup")
		}
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				r, err := client.Try(http.MethodPost, "/tokens", testapp.Form(url.Values{"label": {"Backup"}}))
				if err != nil || r.StatusCode != http.StatusCreated {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
		wg.Wait()
		wantSignedIn(t, client, "manager")
		if n := countSessions(t, app); n != 3 {
			t.Errorf("%d sessions, want 3", n)
		}
	})
}

func TestTokens_Ends(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := on(t, app, "manager", firefox)
		for name, end := range map[string]func(p program){
			"SignOut": func(p program) { wantStatus(t, p.ask(t, http.MethodDelete, "/session"), http.StatusNoContent) },
			"Others":  func(program) { wantStatus(t, client.JSON(http.MethodDelete, "/sessions", nil), http.StatusOK) },
			"Expired": func(program) {
				execute(t, app, "UPDATE sessions SET expires_at = ? WHERE auth_method = 'token'", time.Now().UTC().Add(-time.Hour))
			},
			"Disabled": func(program) {
				var me sessionResponse
				client.JSON(http.MethodGet, "/session", nil).Decode(t, &me)
				admin := on(t, app, "admin", firefox)
				for _, disabled := range []bool{true, false} {
					wantStatus(t, admin.JSON(http.MethodPatch, "/admin/users/"+me.User.ID, map[string]bool{"disabled": disabled}), http.StatusOK)
				}
				client.SignIn("manager")
			},
			"DisabledBehindTheStore": func(p program) {
				execute(t, app, "UPDATE users SET disabled_at = ? WHERE username = 'manager'", time.Now().UTC())
				p.wantRefused(t)
				execute(t, app, "UPDATE users SET disabled_at = NULL WHERE username = 'manager'")
			},
		} {
			p := programWith(t, app, createToken(t, client, name).Token)
			p.wantIs(t, "manager")
			if end(p); t.Failed() {
				t.Fatal(name)
			}
			if p.wantRefused(t); t.Failed() {
				t.Fatal(name)
			}
		}
		wantSignedIn(t, client, "manager")
	})
}
