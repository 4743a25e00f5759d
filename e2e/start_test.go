package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
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

// settings is an environment.
type settings map[string]string

// change returns a copy with some settings changed. NAME=value sets one, NAME unsets it.
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

// production returns settings with which an app starts in production, on a migrated
// database.
func production(t *testing.T, engine testdb.Engine) settings {
	t.Helper()
	s := settings{"GO_ENV": "production", "DATABASE_URL": testdb.NewURL(t, engine), "SESSION_SECRET": config.NewSecret(), "PORT": testapp.FreePort(t)}
	testapp.Run(t, t.TempDir(), s.environ(), "migrate").Want(t, 0)
	return s
}

// publicSecret returns the secret in .env.test.
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

// TestStart_Refused checks that each command refuses invalid settings, with one line
// that names the setting and contains no secret.
func TestStart_Refused(t *testing.T) {
	t.Parallel()
	good := production(t, testdb.SQLite)
	short := config.NewSecret()[:62] // 31 bytes
	for what, c := range map[string]struct {
		changes []string
		names   string // the setting that the line must name
	}{
		"development sign-in in production":  {[]string{"BYPASS_AUTH=true"}, "BYPASS_AUTH"},
		"development sign-in, not a boolean": {[]string{"GO_ENV=staging", "BYPASS_AUTH=yes"}, "BYPASS_AUTH"},
		"no secret":                          {[]string{"SESSION_SECRET"}, "SESSION_SECRET"},
		"no secret in staging":               {[]string{"SESSION_SECRET", "GO_ENV=staging"}, "SESSION_SECRET"},
		"empty secret":                       {[]string{"SESSION_SECRET="}, "SESSION_SECRET"},
		"blank secret":                       {[]string{"SESSION_SECRET=  "}, "SESSION_SECRET"},
		"short secret":                       {[]string{"SESSION_SECRET=" + short}, "SESSION_SECRET"},
		"secret of .env.test":                {[]string{"SESSION_SECRET=" + publicSecret(t)}, "SESSION_SECRET"},
		"... in upper case":                  {[]string{"SESSION_SECRET=" + strings.ToUpper(publicSecret(t))}, "SESSION_SECRET"},
		"... in base64":                      {[]string{"SESSION_SECRET=" + base64.StdEncoding.EncodeToString(unhex(t, publicSecret(t)))}, "SESSION_SECRET"},
		"... in staging":                     {[]string{"SESSION_SECRET=" + publicSecret(t), "GO_ENV=staging"}, "SESSION_SECRET"},
		"... as the second":                  {[]string{"SESSION_SECRET=" + good["SESSION_SECRET"] + "," + publicSecret(t)}, "SESSION_SECRET"},
		"a short second":                     {[]string{"SESSION_SECRET=" + good["SESSION_SECRET"] + "," + short}, "SESSION_SECRET"},
		"an empty second":                    {[]string{"SESSION_SECRET=" + good["SESSION_SECRET"] + ","}, "SESSION_SECRET"},
		"words as a secret":                  {[]string{"SESSION_SECRET=correct horse battery staple, and so on and on"}, "SESSION_SECRET"},
		"zeros as a secret":                  {[]string{"SESSION_SECRET=" + strings.Repeat("0", 64)}, "SESSION_SECRET"},
		"no database":                        {[]string{"DATABASE_URL"}, "DATABASE_URL"},
		"no database in staging":             {[]string{"DATABASE_URL", "GO_ENV=staging"}, "DATABASE_URL"},
		"unknown database":                   {[]string{"DATABASE_URL=oracle://ada:hunter2pw@db/x"}, "DATABASE_URL"},
		"not a database URL":                 {[]string{"DATABASE_URL=hunter2pw"}, "DATABASE_URL"},
		"database without a name":            {[]string{"DATABASE_URL=mysql://ada:hunter2pw@db"}, "DATABASE_URL"},
		"invalid database URL":               {[]string{"DATABASE_URL=postgres://ada:hunter2pw@[db/x"}, "DATABASE_URL"},
		"shared test database":               {[]string{"GO_ENV=test", "TEST_DATABASE_URL=" + good["DATABASE_URL"]}, "TEST_DATABASE_URL"},
		"port in letters":                    {[]string{"PORT=http"}, "PORT"},
		"port too high":                      {[]string{"PORT=65536"}, "PORT"},
		"negative port":                      {[]string{"PORT=-1"}, "PORT"},
		"address with a port":                {[]string{"ADDR=127.0.0.1:3000"}, "ADDR"},
		"host that is not a URL":             {[]string{"HOST=app.example.com"}, "HOST"},
		"host with a path":                   {[]string{"HOST=https://app.example.com/app"}, "HOST"},
		"duration without a unit":            {[]string{"SESSION_IDLE_TIMEOUT=90"}, "SESSION_IDLE_TIMEOUT"},
		"duration in words":                  {[]string{"SESSION_LIFETIME=one day"}, "SESSION_LIFETIME"},
		"duration of zero":                   {[]string{"SESSION_IDLE_TIMEOUT=0s"}, "SESSION_IDLE_TIMEOUT"},
		"idle timeout too long":              {[]string{"SESSION_IDLE_TIMEOUT=25h"}, "SESSION_IDLE_TIMEOUT"},
		"negative duration":                  {[]string{"SESSION_LIFETIME=-1h"}, "SESSION_LIFETIME"},
		"cookie name with a space":           {[]string{"SESSION_NAME=my session"}, "SESSION_NAME"},
		"invalid proxies":                    {[]string{"TRUSTED_PROXIES=10.0.0.0/33"}, "TRUSTED_PROXIES"},
		"unknown GO_ENV":                     {[]string{"GO_ENV=prod"}, "GO_ENV"},
		"unknown log level":                  {[]string{"LOG_LEVEL=loud"}, "LOG_LEVEL"},
		"unknown log format":                 {[]string{"LOG_FORMAT=xml"}, "LOG_FORMAT"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			refused := good.change(c.changes...)
			for _, args := range [][]string{{"serve"}, nil, {"migrate", "status"}, {"task", "users:list"}} {
				r := testapp.Run(t, t.TempDir(), refused.environ(), args...)
				wantRefusal(t, fmt.Sprint(args), r, c.names+": ")
				wantNotPrinted(t, r, "hunter2pw", "correct horse", refused["SESSION_SECRET"])
			}
		})
	}
}

// wantRefusal checks that a command failed and printed one line that contains text.
func wantRefusal(t *testing.T, command string, r testapp.Result, text string) {
	t.Helper()
	line, found := strings.CutSuffix(r.Stderr, "\n")
	if r.Code != 1 || r.Stdout != "" || !found || strings.Contains(line, "\n") || !strings.Contains(line, text) {
		t.Errorf("%s: exit code %d, %q on stdout, %q on stderr; want 1, nothing and one line with %q", command, r.Code, r.Stdout, r.Stderr, text)
	}
}

// wantNotPrinted checks that a command printed none of the secrets.
func wantNotPrinted(t *testing.T, r testapp.Result, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if len(secret) > 8 && strings.Contains(r.Stdout+r.Stderr, secret) {
			t.Errorf("it printed %q:\n%s%s", secret, r.Stdout, r.Stderr)
		}
	}
}

// lastMigration returns the name of the newest migration.
func lastMigration(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../migrations/*.up.fizz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	return strings.TrimSuffix(filepath.Base(files[len(files)-1]), ".up.fizz")
}

// TestStart_Pending checks that production does not start while migrations are pending.
func TestStart_Pending(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		s := production(t, engine)
		testapp.Run(t, t.TempDir(), s.environ(), "migrate", "down").Want(t, 0)
		r := testapp.Run(t, t.TempDir(), s.environ(), "serve")
		wantRefusal(t, "serve", r, lastMigration(t))
		if !strings.Contains(r.Stderr, "app migrate") || strings.Contains(r.Stderr, "_create_users") {
			t.Errorf("it printed %q, want the command to run, and no applied migration", r.Stderr)
		}
		fresh := s.change("DATABASE_URL=" + testdb.NewURL(t, engine))
		r = testapp.Run(t, t.TempDir(), fresh.environ(), "serve")
		wantRefusal(t, "serve on an empty database", r, "_create_users")
	})
}

// TestStart_DatabaseDown checks that an app that cannot use its database prints one line
// that names the setting and the cause, without the password.
func TestStart_DatabaseDown(t *testing.T) {
	t.Parallel()
	closed := "127.0.0.1:" + testapp.FreePort(t)
	for url, cause := range map[string]string{
		"postgres://ada:hunter2pw@" + closed + "/x":  "dial tcp " + closed + ": connect: connection refused;",
		"cockroach://ada:hunter2pw@" + closed + "/x": "dial tcp " + closed + ": connect: connection refused;",
		"mysql://ada:hunter2pw@" + closed + "/x":     "dial tcp " + closed + ": connect: connection refused;",
		"sqlite3:///no/such/folder/app.sqlite":       "open /no/such/folder/app.sqlite: no such file or directory;",
	} {
		s := settings{"GO_ENV": "production", "DATABASE_URL": url, "SESSION_SECRET": config.NewSecret(), "PORT": "0"}
		for _, args := range [][]string{{"serve"}, {"migrate", "status"}, {"task", "users:list"}} {
			r := testapp.Run(t, t.TempDir(), s.environ(), args...)
			wantRefusal(t, fmt.Sprint(args), r, "app: DATABASE_URL: cannot use the database: "+cause+" for example postgres://")
			wantNotPrinted(t, r, "hunter2pw", s["SESSION_SECRET"])
		}
	}
}

// TestStart_CannotListen checks that the app names the setting to change.
func TestStart_CannotListen(t *testing.T) {
	t.Parallel()
	other := testapp.Start(t, testapp.Options{})
	taken := production(t, testdb.SQLite).change("ADDR=127.0.0.1", "PORT="+strings.TrimPrefix(other.URL, "http://127.0.0.1:"))
	r := testapp.Run(t, t.TempDir(), taken.environ(), "serve")
	wantRefusal(t, "serve", r, "address already in use; for example PORT=3001")
	if !strings.HasPrefix(r.Stderr, "app: PORT: ") {
		t.Errorf("it printed %q, want PORT first", r.Stderr)
	}
	foreign := taken.change("ADDR=192.0.2.1")
	wantRefusal(t, "serve", testapp.Run(t, t.TempDir(), foreign.environ(), "serve"), "cannot assign requested address; for example ADDR=127.0.0.1")
}

// TestStart_Line checks what the app prints when it is ready: a URL that works in a
// browser on this machine, or HOST.
func TestStart_Line(t *testing.T) {
	t.Parallel()
	s := production(t, testdb.SQLite)
	local := "http://127.0.0.1:" + s["PORT"]
	text := "Latchkey (production) is at "
	for what, c := range map[string]struct {
		setting, url string
		json         bool
	}{
		"all addresses":      {"ADDR=0.0.0.0", local, true},
		"all IPv6 addresses": {"ADDR=::", local, true},
		"one address":        {"ADDR=127.0.0.1", local, true},
		"HOST":               {"HOST=https://app.example.com", "https://app.example.com", true},
		"text":               {"LOG_FORMAT=text", local, false},
	} {
		r := testapp.Run(t, t.TempDir(), s.change(c.setting).environ(), "serve")
		line, _, _ := strings.Cut(r.Stdout, "\n")
		if !c.json {
			if line != text+c.url {
				t.Errorf("%s: it printed %q, want %q", what, line, text+c.url)
			}
			continue
		}
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["msg"] != text+c.url || entry["url"] != c.url || entry["level"] != "INFO" || entry["time"] == nil {
			t.Errorf("%s: it printed %q (%v), want a log line with %s", what, line, err, c.url)
		}
	}
}

// TestStart_JSON checks that the first run prints nothing but JSON if the log is JSON.
func TestStart_JSON(t *testing.T) {
	t.Parallel()
	s := settings{"GO_ENV": "development", "LOG_FORMAT": "json", "LOG_LEVEL": "debug", "PORT": testapp.FreePort(t)}
	r := testapp.Run(t, t.TempDir(), s.environ(), "serve")
	if !strings.Contains(r.Stdout, "Wrote a new SESSION_SECRET to .env") {
		t.Errorf("it did not say that it wrote .env:\n%s", r.Stdout)
	}
	for line := range strings.Lines(r.Stdout + r.Stderr) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %q", line)
		}
	}
}

// TestStart_UnknownSetting checks that the app warns of a misspelled setting, by name.
func TestStart_UnknownSetting(t *testing.T) {
	t.Parallel()
	s := production(t, testdb.SQLite).change("SESSION_MAX_USER=31415")
	r := testapp.Run(t, t.TempDir(), s.environ(), "serve")
	if r.Code != -1 || !strings.Contains(r.Stderr, `"level":"WARN","msg":"SESSION_MAX_USER is not a setting`) || strings.Contains(r.Stderr, "31415") {
		t.Errorf("exit code %d, %q; want it to serve, with a warning", r.Code, r.Stderr)
	}
}

// TestStart_RequiredSettingsOnly checks that production starts with only the required
// settings and a port, without a warning.
func TestStart_RequiredSettingsOnly(t *testing.T) {
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

// TestStart_Stopped checks that the app stops cleanly on SIGTERM.
func TestStart_Stopped(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	client.SignIn("admin")
	app.Stop(t) // fails unless the exit code is 0
	app.Restart(t)
	wantSignedIn(t, client, "admin")
}

// TestStart_LastSeen checks that the time of the last request is saved when the app
// stops, at the latest.
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
