package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey"
	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// settings are an environment.
type settings map[string]string

// change returns the settings with some set, and those without "=" unset.
func (s settings) change(changes ...string) settings {
	changed := maps.Clone(s)
	for _, c := range changes {
		if name, value, set := strings.Cut(c, "="); set {
			changed[name] = value
		} else {
			delete(changed, name)
		}
	}
	return changed
}

func (s settings) environ() []string {
	var env []string
	for name, value := range s {
		env = append(env, name+"="+value)
	}
	return slices.Sorted(slices.Values(env))
}

// production are settings that an app starts with, on a migrated database.
func production(t *testing.T, engine testdb.Engine) settings {
	t.Helper()
	s := settings{"GO_ENV": "production", "DATABASE_URL": testdb.NewURL(t, engine), "SESSION_SECRET": config.NewSecret(), "PORT": testapp.FreePort(t)}
	testapp.Run(t, t.TempDir(), s.environ(), "migrate").Want(t, 0)
	return s
}

// publicSecret returns the secret that stands in .env.test.
func publicSecret(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(latchkey.EnvTest, "\nSESSION_SECRET=")
	secret, _, _ := strings.Cut(rest, "\n")
	if !ok || len(secret) < 64 {
		t.Fatalf(".env.test has no secret: %q", secret)
	}
	return secret
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStart_Refused starts the app with settings that it must not accept: it
// says which one, in a line, and never what a secret is.
func TestStart_Refused(t *testing.T) {
	t.Parallel()
	good := production(t, testdb.SQLite)
	short := config.NewSecret()[:62] // 31 bytes
	for what, c := range map[string]struct {
		changes []string
		names   string // the setting that the line names
	}{
		"bypass in production":     {[]string{"BYPASS_AUTH=true"}, "BYPASS_AUTH"},
		"bypass of another sort":   {[]string{"GO_ENV=staging", "BYPASS_AUTH=yes"}, "BYPASS_AUTH"},
		"no secret":                {[]string{"SESSION_SECRET"}, "SESSION_SECRET"},
		"no secret in staging":     {[]string{"SESSION_SECRET", "GO_ENV=staging"}, "SESSION_SECRET"},
		"empty secret":             {[]string{"SESSION_SECRET="}, "SESSION_SECRET"},
		"blank secret":             {[]string{"SESSION_SECRET=  "}, "SESSION_SECRET"},
		"short secret":             {[]string{"SESSION_SECRET=" + short}, "SESSION_SECRET"},
		"secret of .env.test":      {[]string{"SESSION_SECRET=" + publicSecret(t)}, "SESSION_SECRET"},
		"... in upper case":        {[]string{"SESSION_SECRET=" + strings.ToUpper(publicSecret(t))}, "SESSION_SECRET"},
		"... in base64":            {[]string{"SESSION_SECRET=" + base64.StdEncoding.EncodeToString(unhex(t, publicSecret(t)))}, "SESSION_SECRET"},
		"... in staging":           {[]string{"SESSION_SECRET=" + publicSecret(t), "GO_ENV=staging"}, "SESSION_SECRET"},
		"... as the second":        {[]string{"SESSION_SECRET=" + good["SESSION_SECRET"] + "," + publicSecret(t)}, "SESSION_SECRET"},
		"a short second":           {[]string{"SESSION_SECRET=" + good["SESSION_SECRET"] + "," + short}, "SESSION_SECRET"},
		"an empty second":          {[]string{"SESSION_SECRET=" + good["SESSION_SECRET"] + ","}, "SESSION_SECRET"},
		"words for a secret":       {[]string{"SESSION_SECRET=correct horse battery staple, and so on and on"}, "SESSION_SECRET"},
		"zeros for a secret":       {[]string{"SESSION_SECRET=" + strings.Repeat("0", 64)}, "SESSION_SECRET"},
		"no database":              {[]string{"DATABASE_URL"}, "DATABASE_URL"},
		"no database in staging":   {[]string{"DATABASE_URL", "GO_ENV=staging"}, "DATABASE_URL"},
		"unknown database":         {[]string{"DATABASE_URL=oracle://ada:hunter2pw@db/x"}, "DATABASE_URL"},
		"database of no form":      {[]string{"DATABASE_URL=hunter2pw"}, "DATABASE_URL"},
		"database without a name":  {[]string{"DATABASE_URL=mysql://ada:hunter2pw@db"}, "DATABASE_URL"},
		"unreadable database":      {[]string{"DATABASE_URL=postgres://ada:hunter2pw@[db/x"}, "DATABASE_URL"},
		"test database is shared":  {[]string{"GO_ENV=test", "TEST_DATABASE_URL=" + good["DATABASE_URL"]}, "TEST_DATABASE_URL"},
		"port of letters":          {[]string{"PORT=http"}, "PORT"},
		"port too high":            {[]string{"PORT=65536"}, "PORT"},
		"negative port":            {[]string{"PORT=-1"}, "PORT"},
		"address with a port":      {[]string{"ADDR=127.0.0.1:3000"}, "ADDR"},
		"host that is no URL":      {[]string{"HOST=app.example.com"}, "HOST"},
		"host with a path":         {[]string{"HOST=https://app.example.com/app"}, "HOST"},
		"duration without a unit":  {[]string{"SESSION_IDLE_TIMEOUT=90"}, "SESSION_IDLE_TIMEOUT"},
		"duration in words":        {[]string{"SESSION_LIFETIME=one day"}, "SESSION_LIFETIME"},
		"duration of nothing":      {[]string{"SESSION_IDLE_TIMEOUT=0s"}, "SESSION_IDLE_TIMEOUT"},
		"negative duration":        {[]string{"SESSION_LIFETIME=-1h"}, "SESSION_LIFETIME"},
		"cookie name with a space": {[]string{"SESSION_NAME=my session"}, "SESSION_NAME"},
		"proxies that are none":    {[]string{"TRUSTED_PROXIES=10.0.0.0/33"}, "TRUSTED_PROXIES"},
		"unknown GO_ENV":           {[]string{"GO_ENV=prod"}, "GO_ENV"},
		"unknown log level":        {[]string{"LOG_LEVEL=loud"}, "LOG_LEVEL"},
		"unknown log format":       {[]string{"LOG_FORMAT=xml"}, "LOG_FORMAT"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			refused := good.change(c.changes...)
			for _, args := range [][]string{{"serve"}, nil, {"migrate", "status"}, {"task", "users:list"}} {
				r := testapp.Run(t, t.TempDir(), refused.environ(), args...)
				wantRefusal(t, fmt.Sprint(args), r, c.names+": ")
				wantUnsaid(t, r, "hunter2pw", "correct horse", refused["SESSION_SECRET"])
			}
		})
	}
}

// wantRefusal checks that a command failed with one line that holds words.
func wantRefusal(t *testing.T, command string, r testapp.Result, words string) {
	t.Helper()
	line, found := strings.CutSuffix(r.Stderr, "\n")
	if r.Code != 1 || r.Stdout != "" || !found || strings.Contains(line, "\n") || !strings.Contains(line, words) {
		t.Errorf("%s: exit code %d, %q on stdout, %q on stderr; want 1, nothing and a line with %q", command, r.Code, r.Stdout, r.Stderr, words)
	}
}

// wantUnsaid checks that a command repeats no secret.
func wantUnsaid(t *testing.T, r testapp.Result, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if len(secret) > 8 && strings.Contains(r.Stdout+r.Stderr, secret) {
			t.Errorf("it says %q:\n%s%s", secret, r.Stdout, r.Stderr)
		}
	}
}

// lastMigration is the name of the newest migration.
func lastMigration(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../migrations/*.up.fizz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	return strings.TrimSuffix(filepath.Base(files[len(files)-1]), ".up.fizz")
}

// TestStart_Pending holds that production waits for its migrations.
func TestStart_Pending(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		s := production(t, engine)
		testapp.Run(t, t.TempDir(), s.environ(), "migrate", "down").Want(t, 0)
		r := testapp.Run(t, t.TempDir(), s.environ(), "serve")
		wantRefusal(t, "serve", r, lastMigration(t))
		if !strings.Contains(r.Stderr, "app migrate") || strings.Contains(r.Stderr, "_create_users") {
			t.Errorf("it says %q, want what to run, and no migration that is applied", r.Stderr)
		}
		fresh := s.change("DATABASE_URL=" + testdb.NewURL(t, engine))
		r = testapp.Run(t, t.TempDir(), fresh.environ(), "serve")
		wantRefusal(t, "serve on an empty database", r, "_create_users")
	})
}

// TestStart_DatabaseAway holds that an app whose database is away says so,
// without its password.
func TestStart_DatabaseAway(t *testing.T) {
	t.Parallel()
	nowhere := "127.0.0.1:" + testapp.FreePort(t)
	for _, url := range []string{"postgres://ada:hunter2pw@" + nowhere + "/x", "mysql://ada:hunter2pw@" + nowhere + "/x", "sqlite3:///no/such/folder/app.sqlite"} {
		s := settings{"GO_ENV": "production", "DATABASE_URL": url, "SESSION_SECRET": config.NewSecret(), "PORT": "0"}
		for _, args := range [][]string{{"serve"}, {"migrate", "status"}, {"task", "users:list"}} {
			r := testapp.Run(t, t.TempDir(), s.environ(), args...)
			if r.Code != 1 || r.Stdout != "" || !strings.HasPrefix(r.Stderr, "app: ") || strings.Contains(r.Stderr, "goroutine ") {
				t.Errorf("%s: exit code %d, want 1 and what is wrong, not\n%s%s", args, r.Code, r.Stdout, r.Stderr)
			}
			wantUnsaid(t, r, "hunter2pw", s["SESSION_SECRET"])
		}
	}
}

// TestStart_PortTaken holds that the app names the settings to change.
func TestStart_PortTaken(t *testing.T) {
	t.Parallel()
	other := testapp.Start(t, testapp.Options{})
	s := production(t, testdb.SQLite).change("ADDR=127.0.0.1", "PORT="+strings.TrimPrefix(other.URL, "http://127.0.0.1:"))
	wantRefusal(t, "serve", testapp.Run(t, t.TempDir(), s.environ(), "serve"), "PORT")
}

// TestStart_Alone starts the app with two settings beside GO_ENV, and a port.
func TestStart_Alone(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{Env: "production", Extra: []string{"HOME", "TZ", "ADDR", "LOG_LEVEL", "BYPASS_AUTH"}})
	r := app.Client(t).HTML(http.MethodGet, "/", nil)
	wantStatus(t, r, http.StatusOK)
	wantPage(t, r)
	app.Stop(t)
	if strings.Contains(app.Log(), `"level":"WARN"`) || strings.Contains(app.Log(), `"level":"ERROR"`) {
		t.Errorf("it warns:\n%s", app.Log())
	}
}

// TestStart_Stopped holds that SIGTERM lets what is under way finish.
func TestStart_Stopped(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	client.SignIn("admin")
	app.Stop(t) // fails unless the exit code is 0
	app.Restart(t)
	wantSignedIn(t, client, "admin")
}

// TestStart_LastSeen holds that a sign of life reaches the database when the
// app ends, at the latest.
func TestStart_LastSeen(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := app.Client(t)
		client.SignIn("admin")
		_, cookie := client.SessionCookie()
		const read = "SELECT last_seen_at FROM sessions WHERE sid = ?"
		long := time.Now().UTC().Add(-10 * time.Minute)
		execute(t, app, "UPDATE sessions SET last_seen_at = ? WHERE sid = ?", long, sidOf(cookie))
		wantSignedIn(t, client, "admin")
		app.Stop(t)
		var seen time.Time
		query(t, app, &seen, read, sidOf(cookie))
		if since := seen.Sub(long); since < 5*time.Minute {
			t.Errorf("last seen at %s, want later than %s", seen, long)
		}
		app.Restart(t)
	})
}
