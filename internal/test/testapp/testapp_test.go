package testapp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func TestStart(t *testing.T) {
	for _, env := range []string{"test", "development", "staging", "production"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			app := Start(t, Options{Env: env})
			if r := app.Client(t).JSON(http.MethodGet, "/readyz", nil); r.StatusCode != http.StatusOK {
				t.Errorf("readyz: %d", r.StatusCode)
			}
			var users int
			if err := app.DB.RawQuery("SELECT COUNT(*) FROM users").First(&users); err != nil || users != 4 {
				t.Errorf("%d users, %v; want the 4 development users", users, err)
			}
		})
	}
}

func TestApp_KillAndRestart(t *testing.T) {
	t.Parallel()
	app := Start(t, Options{})
	client := app.Client(t)
	client.SignIn("admin")
	at, log := app.URL, app.Log()
	app.Kill(t)
	if r, err := client.Try(http.MethodGet, "/session"); err == nil {
		t.Errorf("the killed app responds %d", r.StatusCode)
	}
	app.Restart(t)
	if app.URL != at {
		t.Errorf("the app moved from %s to %s", at, app.URL)
	}
	if !strings.HasPrefix(app.Log(), log) || log == "" {
		t.Error("the log from before the restart is lost")
	}
	if r := client.JSON(http.MethodGet, "/session", nil); r.StatusCode != http.StatusOK {
		t.Errorf("the session from before the restart: %d", r.StatusCode)
	}
}

func TestOptions_Extra(t *testing.T) {
	t.Parallel()
	app := Start(t, Options{Extra: []string{"SESSION_NAME=latch", "BYPASS_AUTH=false", "LOG_LEVEL"}})
	if r := app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=admin", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("the disabled development sign-in: %d", r.StatusCode)
	}
	app.Run(t, "version").Want(t, 0)
}

func TestClient_KeepsSecureCookies(t *testing.T) {
	t.Parallel()
	app := Start(t, Options{Env: "staging"})
	client := app.Client(t)
	client.SignIn("admin")
	name, value := client.SessionCookie()
	if name != "__Host-session" {
		t.Errorf("the cookie is %q", name)
	}
	secret := strings.Split(value, ".")[1]
	if secrets := app.Secrets(); len(secrets) != 2 || secrets[0] != app.Secret || secrets[1] != secret {
		t.Errorf("secrets %q, want %q and %q", secrets, app.Secret, secret)
	}
	if r := client.HTML(http.MethodDelete, "/session", nil); r.StatusCode != http.StatusSeeOther {
		t.Errorf("sign out: %d, want a redirect, not followed", r.StatusCode)
	}
	if name, _ := client.SessionCookie(); name != "" {
		t.Error("the deleted cookie is kept")
	}
}

// errorCounter is a test that counts its errors instead of failing.
type errorCounter struct {
	testing.TB
	errors int
}

func (c *errorCounter) Helper()               {}
func (c *errorCounter) Errorf(string, ...any) { c.errors++ }
func (c *errorCounter) Logf(string, ...any)   {}
func (c *errorCounter) Failed() bool          { return c.errors > 0 }

func TestClient_ChecksResponses(t *testing.T) {
	for body, want := range map[string]int{`{"name":"latchkey","user":null}`: 0, `{"name":"latchkey","user":null,"hash":"x"}`: 1, `{}`: 1} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body) // the client reads it
		}))
		counter := &errorCounter{TB: t}
		_, err := newClient(counter, &App{URL: server.URL}).Try(http.MethodGet, "/")
		server.Close()
		if err != nil || counter.errors != want {
			t.Errorf("%s: %d errors, want %d (%v)", body, counter.errors, want, err)
		}
	}
}

func TestApp_ChecksItsLog(t *testing.T) {
	t.Parallel()
	app := Start(t, Options{})
	app.Stop(t)
	app.addIssuedCookies([]*http.Cookie{{Value: "sid.very-secret.mac"}})
	for line, want := range map[string]int{
		"all is well":            0,
		"cookie=very-secret":     1,
		"WARNING: DATA RACE":     1,
		"panic: " + app.Secret:   2,
		"sid of a cookie is sid": 0,
	} {
		counter := &errorCounter{TB: t}
		checked := &App{Secret: app.Secret, serve: app.serve, issuedCookies: app.issuedCookies}
		_, _ = checked.log.Write([]byte(line)) // never fails
		checked.finish(counter)
		if counter.errors != want {
			t.Errorf("%q: %d errors, want %d", line, counter.errors, want)
		}
	}
}
