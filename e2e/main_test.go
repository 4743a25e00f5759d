// Package e2e tests the built program over HTTP and in a real browser, on every
// database.
package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// eachEngine runs a test on every database, in parallel.
func eachEngine(t *testing.T, test func(*testing.T, testdb.Engine)) {
	t.Parallel()
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// sessionResponse is the response of GET /session.
type sessionResponse struct {
	User    user           `json:"user"`
	Session map[string]any `json:"session"`
}

type user struct{ ID, Username, Name, Role string }

func wantStatus(t *testing.T, r *testapp.Response, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("%s %s = %d, want %d\n%s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.Body)
	}
}

// wantSignedIn checks that the client is signed in as the user.
func wantSignedIn(t *testing.T, client *testapp.Client, username string) {
	t.Helper()
	r := client.JSON(http.MethodGet, "/session", nil)
	if r.StatusCode != http.StatusOK {
		t.Errorf("GET /session = %d, want %d for %s", r.StatusCode, http.StatusOK, username)
		return
	}
	var got sessionResponse
	if r.Decode(t, &got); got.User.Username != username {
		t.Errorf("GET /session: username = %q, want %q", got.User.Username, username)
	}
}

// wantAnonymous checks that the client is not signed in.
func wantAnonymous(t *testing.T, client *testapp.Client) {
	t.Helper()
	r := client.JSON(http.MethodGet, "/session", nil)
	wantStatus(t, r, http.StatusUnauthorized)
	wantNoNewCookie(t, r)
}

// wantNoNewCookie checks that r sets no cookie. It may delete one.
func wantNoNewCookie(t *testing.T, r *testapp.Response) {
	t.Helper()
	for _, cookie := range r.Cookies() {
		if !testapp.DeletesCookie(cookie) {
			t.Errorf("%s %s sets a cookie: %s", r.Request.Method, r.Request.URL.Path, cookie)
		}
	}
}

// withCookie returns a client that sends only this cookie.
func withCookie(t *testing.T, app *testapp.App, name, value string) *testapp.Client {
	t.Helper()
	client := app.Client(t)
	client.SetCookie(name, value)
	return client
}

// sidOf returns the sid in the value of a session cookie.
func sidOf(cookie string) string {
	sid, _, _ := strings.Cut(cookie, ".")
	return sid
}

func countSessions(t *testing.T, app *testapp.App) (n int) {
	t.Helper()
	query(t, app, &n, "SELECT COUNT(*) FROM sessions")
	return n
}

// get decodes the JSON at a path.
func get[T any](t *testing.T, client *testapp.Client, path string) (response T) {
	t.Helper()
	r := client.JSON(http.MethodGet, path, nil)
	wantStatus(t, r, http.StatusOK)
	r.Decode(t, &response)
	return response
}

// query reads one value from the app's database.
func query(t *testing.T, app *testapp.App, into any, sql string, args ...any) {
	t.Helper()
	if err := app.DB.RawQuery(sql, args...).First(into); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func execute(t *testing.T, app *testapp.App, sql string, args ...any) {
	t.Helper()
	if err := app.DB.RawQuery(sql, args...).Exec(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
