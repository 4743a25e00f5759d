package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// TestSecretsStayInside uses the app and then searches responses, database and log for
// secrets (ASVS 5.0 16.2.5). Package testapp also searches the logs of all other tests.
func TestSecretsStayInside(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		for _, env := range []string{"development", "staging"} {
			t.Run(env, func(t *testing.T) {
				database := testdb.NewURL(t, engine)
				app := testapp.Start(t, testapp.Options{DatabaseURL: database, Env: env, Extra: []string{"LOG_LEVEL=debug"}})
				answers := useEverything(t, app)
				if n := countSessions(t, app); n == 0 {
					t.Fatal("there is no session to search")
				}
				places := map[string]string{"a response": answers, "a row": dump(t, app)}
				places["the database's files"] = filesOf(t, database)
				app.Stop(t)
				places["the log"] = app.Log()
				places["the database's files after the stop"] = filesOf(t, database)
				wantNoSecrets(t, app, places)
			})
		}
	})
}

// useEverything signs in and out, causes errors, and returns all responses without
// Set-Cookie.
func useEverything(t *testing.T, app *testapp.App) string {
	t.Helper()
	var all strings.Builder
	note := func(r *testapp.Response) {
		r.Header.Del("Set-Cookie")
		fmt.Fprintln(&all, r.Header, r.Body)
	}
	for _, username := range []string{"admin", "user", "manager"} {
		client := app.Client(t)
		note(client.SignIn(username))
		note(client.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {username}}))
		for _, path := range []string{"/", "/session", "/signin", "/missing", "/readyz", "/auth/bypass", "/auth/bypass?token=nobody"} {
			note(client.HTML(http.MethodGet, path, nil))
			note(client.JSON(http.MethodGet, path, nil))
		}
		note(client.JSON(http.MethodPut, "/session", nil))
		note(client.Do(http.MethodDelete, "/session", crossSite...))
		note(client.JSON(http.MethodPost, "/auth/bypass", "not an object"))
		name, cookie := client.SessionCookie()
		note(withCookie(t, app, name, flip(cookie)).HTML(http.MethodGet, "/session", nil))
		note(withCookie(t, app, name, cookie+"x").HTML(http.MethodGet, "/session", nil))
		if username == "user" {
			note(client.HTML(http.MethodPost, "/session", url.Values{"_method": {"DELETE"}}))
			note(withCookie(t, app, name, cookie).JSON(http.MethodGet, "/session", nil))
		}
	}
	return all.String()
}

// dump returns the content of the table sessions.
func dump(t *testing.T, app *testapp.App) string {
	t.Helper()
	var all strings.Builder
	for _, column := range []string{"sid", "secret_hash", "data", "user_id", "auth_method", "ip", "user_agent"} {
		var values []string
		if err := app.DB.RawQuery("SELECT " + column + " FROM sessions").All(&values); err != nil {
			t.Fatalf("read %s: %v", column, err)
		}
		fmt.Fprintln(&all, values)
	}
	return all.String()
}

// filesOf returns the content of a SQLite database's files, including the write-ahead
// log. It returns nothing for other databases.
func filesOf(t *testing.T, databaseURL string) string {
	t.Helper()
	path, ok := strings.CutPrefix(databaseURL, "sqlite3://")
	if !ok {
		return ""
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files at %s: %v", path, err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}

func wantNoSecrets(t *testing.T, app *testapp.App, places map[string]string) {
	t.Helper()
	secrets := append(app.Secrets(), string(unhex(t, app.Secret)))
	if len(secrets) < 8 {
		t.Fatalf("%d secrets are known, want at least 8, of two sign-ins of three users", len(secrets))
	}
	for place, text := range places {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains the secret %q", place, secret)
			}
		}
	}
}
