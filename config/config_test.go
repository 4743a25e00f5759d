package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/envy"
)

// goodSecret is a valid secret.
const goodSecret = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// load reads the settings from this environment alone.
func load(t *testing.T, env string, settings map[string]string) (Config, error) {
	t.Helper()
	var c Config
	var err error
	envy.Temp(func() {
		for _, name := range settingNames(t) {
			envy.Set(name, "")
		}
		for name, value := range settings {
			envy.Set(name, value)
		}
		c, err = read(env)
	})
	return c, err
}

// settingNames returns the settings that .env.example documents.
func settingNames(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(content)) {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, "# "), "=")
		if ok && name == strings.ToUpper(name) && !strings.Contains(name, " ") {
			names = append(names, name)
		}
	}
	return names
}

func TestLoad_Defaults(t *testing.T) {
	c, err := load(t, Development, map[string]string{"SESSION_SECRET": goodSecret})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:3000" || c.Host.String() != "" {
		t.Errorf("listens on %s as %s", c.Addr, c.Host)
	}
	if c.CookieName() != "session" || c.Secure() {
		t.Errorf("cookie %s, secure %v", c.CookieName(), c.Secure())
	}
	if c.BypassAuth || len(c.TrustedProxies) != 0 {
		t.Error("the development sign-in is on, or a proxy is trusted")
	}
	if c.Database.Dialect != "sqlite3" || c.Database.Options["_journal_mode"] != "WAL" {
		t.Errorf("database %+v", c.Database)
	}
}

func TestLoad_Production(t *testing.T) {
	c, err := load(t, Production, map[string]string{
		"SESSION_SECRET": goodSecret + ", " + goodSecret[1:] + "0",
		"DATABASE_URL":   "postgres://app@db/app",
		"HOST":           "https://app.example.com/",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "0.0.0.0:3000" || c.CookieName() != "__Host-session" || c.LogFormat != "json" {
		t.Errorf("addr %s, cookie %s, log %s", c.Addr, c.CookieName(), c.LogFormat)
	}
	if len(c.Session.Secrets) != 2 || c.Host.String() != "https://app.example.com" {
		t.Errorf("%d secrets, host %s", len(c.Session.Secrets), c.Host)
	}
}

func TestLoad_Refuses(t *testing.T) {
	const database = "postgres://app@db/app"
	tests := []struct {
		name     string
		env      string
		setting  string // the error must name it
		settings map[string]string
	}{
		{"development sign-in in production", Production, "BYPASS_AUTH", map[string]string{"SESSION_SECRET": goodSecret, "DATABASE_URL": database, "BYPASS_AUTH": "true"}},
		{"no secret in production", Production, "SESSION_SECRET", map[string]string{"DATABASE_URL": database}},
		{"no secret in staging", Staging, "SESSION_SECRET", map[string]string{"DATABASE_URL": database}},
		{"short secret", Staging, "SESSION_SECRET", map[string]string{"SESSION_SECRET": goodSecret[:62], "DATABASE_URL": database}},
		{"short second secret", Staging, "SESSION_SECRET", map[string]string{"SESSION_SECRET": goodSecret + ",abcd", "DATABASE_URL": database}},
		{"trailing comma", Staging, "SESSION_SECRET", map[string]string{"SESSION_SECRET": goodSecret + ",", "DATABASE_URL": database}},
		{"secret of .env.test", Staging, "SESSION_SECRET", map[string]string{"SESSION_SECRET": testSecret(t), "DATABASE_URL": database}},
		{"placeholder", Staging, "SESSION_SECRET", map[string]string{"SESSION_SECRET": strings.Repeat("ab", 32), "DATABASE_URL": database}},
		{"a password", Staging, "SESSION_SECRET", map[string]string{"SESSION_SECRET": "correct horse battery staple!!", "DATABASE_URL": database}},
		{"short secret while developing", Development, "SESSION_SECRET", map[string]string{"SESSION_SECRET": "abcd"}},
		{"no database", Production, "DATABASE_URL", map[string]string{"SESSION_SECRET": goodSecret}},
		{"unknown database", Development, "DATABASE_URL", map[string]string{"DATABASE_URL": "redis://localhost"}},
		{"not a database URL", Development, "DATABASE_URL", map[string]string{"DATABASE_URL": "app.sqlite"}},
		{"MySQL without a database", Development, "DATABASE_URL", map[string]string{"DATABASE_URL": "mysql://root@localhost"}},
		{"host with a password", Development, "HOST", map[string]string{"HOST": "https://u:pw@app.example.com"}},
		{"host with a query", Development, "HOST", map[string]string{"HOST": "https://app.example.com?a=b"}},
		{"cookie name with a prefix", Development, "SESSION_NAME", map[string]string{"SESSION_NAME": "__Host-session"}},
		{"tests on the default development database", Test, "TEST_DATABASE_URL", map[string]string{"TEST_DATABASE_URL": "sqlite3://./latchkey_development.sqlite?_fk=true"}},
		{"tests on the development database by another user", Test, "TEST_DATABASE_URL", map[string]string{"DATABASE_URL": database, "TEST_DATABASE_URL": "postgres://other@db/app?sslmode=disable"}},
		{"tests on the development MariaDB", Test, "TEST_DATABASE_URL", map[string]string{"DATABASE_URL": "mysql://root@db/app", "TEST_DATABASE_URL": "mysql://app:pw@tcp(db:3306)/app"}},
		{"tests on the development database", Test, "TEST_DATABASE_URL", map[string]string{"DATABASE_URL": database, "TEST_DATABASE_URL": database}},
		{"port", Development, "PORT", map[string]string{"PORT": "http"}},
		{"port out of range", Development, "PORT", map[string]string{"PORT": "70000"}},
		{"address with port", Development, "ADDR", map[string]string{"ADDR": "127.0.0.1:3000"}},
		{"host without scheme", Development, "HOST", map[string]string{"HOST": "app.example.com"}},
		{"host with path", Development, "HOST", map[string]string{"HOST": "https://app.example.com/app"}},
		{"duration without unit", Development, "SESSION_LIFETIME", map[string]string{"SESSION_LIFETIME": "24"}},
		{"duration of zero", Development, "SESSION_IDLE_TIMEOUT", map[string]string{"SESSION_IDLE_TIMEOUT": "0s"}},
		{"negative duration", Development, "SESSION_IDLE_TIMEOUT", map[string]string{"SESSION_IDLE_TIMEOUT": "-1h"}},
		{"idle timeout longer than the lifetime", Development, "SESSION_IDLE_TIMEOUT", map[string]string{"SESSION_IDLE_TIMEOUT": "24h0m1s"}},
		{"idle timeout longer than a short lifetime", Development, "SESSION_IDLE_TIMEOUT", map[string]string{"SESSION_IDLE_TIMEOUT": "1h", "SESSION_LIFETIME": "30m"}},
		{"remembered for no time", Development, "SESSION_REMEMBER_LIFETIME", map[string]string{"SESSION_REMEMBER_LIFETIME": "0s"}},
		{"negative time to remember", Development, "SESSION_REMEMBER_LIFETIME", map[string]string{"SESSION_REMEMBER_LIFETIME": "-720h"}},
		{"time to remember without unit", Development, "SESSION_REMEMBER_LIFETIME", map[string]string{"SESSION_REMEMBER_LIFETIME": "720"}},
		{"time to remember in days", Development, "SESSION_REMEMBER_LIFETIME", map[string]string{"SESSION_REMEMBER_LIFETIME": "30d"}},
		{"remembered shorter than others", Development, "SESSION_REMEMBER_LIFETIME", map[string]string{"SESSION_REMEMBER_LIFETIME": "23h59m59s"}},
		{"remembered shorter than a long lifetime", Development, "SESSION_REMEMBER_LIFETIME", map[string]string{"SESSION_REMEMBER_LIFETIME": "720h", "SESSION_LIFETIME": "721h"}},
		{"negative number of sessions", Development, "SESSION_MAX_PER_USER", map[string]string{"SESSION_MAX_PER_USER": "-1"}},
		{"number of sessions in words", Development, "SESSION_MAX_PER_USER", map[string]string{"SESSION_MAX_PER_USER": "two"}},
		{"fractional number of sessions", Development, "SESSION_MAX_PER_USER", map[string]string{"SESSION_MAX_PER_USER": "1.5"}},
		{"more sessions than can be counted", Development, "SESSION_MAX_PER_USER", map[string]string{"SESSION_MAX_PER_USER": "99999999999999999999"}},
		{"encryption algorithm", Development, "SESSION_ENCRYPT", map[string]string{"SESSION_ENCRYPT": "aes"}},
		{"switch", Development, "BYPASS_AUTH", map[string]string{"BYPASS_AUTH": "yes"}},
		{"cookie name", Development, "SESSION_NAME", map[string]string{"SESSION_NAME": "my session"}},
		{"proxy", Development, "TRUSTED_PROXIES", map[string]string{"TRUSTED_PROXIES": "10.0.0.1"}},
		{"log level", Development, "LOG_LEVEL", map[string]string{"LOG_LEVEL": "loud"}},
		{"log format", Development, "LOG_FORMAT", map[string]string{"LOG_FORMAT": "xml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.env, tt.settings)
			if err == nil {
				t.Fatal("accepted")
			}
			message := err.Error()
			if !strings.HasPrefix(message, tt.setting+": ") || !strings.Contains(message, "for example") || strings.Contains(message, "\n") {
				t.Errorf("error %q: want one line that starts with %s and gives an example", message, tt.setting)
			}
			if secret := tt.settings["SESSION_SECRET"]; secret != "" && strings.Contains(message, secret) {
				t.Errorf("error %q contains the secret", message)
			}
		})
	}
}

func TestLoad_Sessions(t *testing.T) {
	tests := []struct {
		name     string
		settings map[string]string
		want     Session
	}{
		{"defaults", nil, Session{IdleTimeout: time.Hour, RememberLifetime: 720 * time.Hour}},
		{"given", map[string]string{"SESSION_REMEMBER_LIFETIME": "48h", "SESSION_MAX_PER_USER": "3", "SESSION_ENCRYPT": "true"},
			Session{IdleTimeout: time.Hour, RememberLifetime: 48 * time.Hour, MaxPerUser: 3, Encrypt: true}},
		{"off", map[string]string{"SESSION_MAX_PER_USER": "0", "SESSION_ENCRYPT": "false"},
			Session{IdleTimeout: time.Hour, RememberLifetime: 720 * time.Hour}},
		{"remembered as long as others", map[string]string{"SESSION_REMEMBER_LIFETIME": "24h"},
			Session{IdleTimeout: time.Hour, RememberLifetime: 24 * time.Hour}},
		{"lifetime longer than the default", map[string]string{"SESSION_LIFETIME": "1000h"},
			Session{IdleTimeout: time.Hour, RememberLifetime: 1000 * time.Hour}},
		{"lifetime shorter than the default idle timeout", map[string]string{"SESSION_LIFETIME": "30m"},
			Session{IdleTimeout: 30 * time.Minute, RememberLifetime: 720 * time.Hour}},
		{"idle timeout as long as the lifetime", map[string]string{"SESSION_IDLE_TIMEOUT": "24h"},
			Session{IdleTimeout: 24 * time.Hour, RememberLifetime: 720 * time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, Development, tt.settings)
			if err != nil {
				t.Fatal(err)
			}
			got := c.Session
			got = Session{IdleTimeout: got.IdleTimeout, RememberLifetime: got.RememberLifetime, MaxPerUser: got.MaxPerUser, Encrypt: got.Encrypt}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestLoad_ExamplesAreAccepted checks that the examples are accepted which errors
// about two settings give.
func TestLoad_ExamplesAreAccepted(t *testing.T) {
	for setting, settings := range map[string]map[string]string{
		"SESSION_REMEMBER_LIFETIME": {"SESSION_LIFETIME": "1000h", "SESSION_REMEMBER_LIFETIME": "720h"},
		"SESSION_IDLE_TIMEOUT":      {"SESSION_LIFETIME": "30m", "SESSION_IDLE_TIMEOUT": "45m"},
	} {
		_, err := load(t, Development, settings)
		if err == nil || !strings.Contains(err.Error(), "SESSION_LIFETIME (") {
			t.Fatalf("%v, want an error that names both settings", err)
		}
		_, settings[setting], _ = strings.Cut(err.Error(), "for example "+setting+"=")
		if _, err := load(t, Development, settings); err != nil {
			t.Errorf("the example is refused: %v", err)
		}
	}
}

func TestLoad_UnknownSettings(t *testing.T) {
	c, err := load(t, Development, map[string]string{
		"SESSION_MAX_USER":              "3",
		"SESSION_ENCRYPTION":            "true",
		"SESSION_EMPTY":                 " ",
		"SESSION_MANAGER":               "local/host:@/tmp/.ICE-unix/1",
		"TRUSTED_PROXY":                 "10.0.0.0/8",
		"BYPASS":                        "true",
		"GITHUB_TOKEN":                  "hidden",
		"LOG_DIR":                       "/var/log",
		"OPENID_CONNECT_DISCOVER_URL":   "https://id.example.com",
		"OPENID_CONNECT_LABEL":          "a provider that is off",
		"OPENID_CONNECT_ACME_AUTH_TIME": "false",
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, warning := range c.Warnings {
		name, _, _ := strings.Cut(warning, " ")
		names = append(names, name)
	}
	if got, want := strings.Join(names, " "), "OPENID_CONNECT_DISCOVER_URL SESSION_ENCRYPTION SESSION_MAX_USER TRUSTED_PROXY"; got != want {
		t.Errorf("warnings about %s, want %s", got, want)
	}
	if last := strings.Join(c.Warnings, "\n"); !strings.Contains(last, "SESSION_MAX_PER_USER") || strings.Contains(last, "10.0.0.0") {
		t.Errorf("want the names of the settings and no value:\n%s", last)
	}
}

// testSecret returns the secret in .env.test.
func testSecret(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../.env.test")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(content), "SESSION_SECRET=")
	if !ok {
		t.Fatal("no secret in .env.test")
	}
	secret, _, _ := strings.Cut(rest, "\n")
	return secret
}

func TestLoad_TestsNeverSeeTheDevelopmentDatabase(t *testing.T) {
	t.Setenv("GO_ENV", Development)
	t.Setenv("DATABASE_URL", "sqlite3:///somebody/uses.this")
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.Env != Test || strings.Contains(c.Database.Database, "somebody") {
		t.Errorf("GO_ENV %s, database %s", c.Env, c.Database.Database)
	}
}

func TestSecrets_Forms(t *testing.T) {
	for name, secret := range map[string]string{
		"hex":                   goodSecret,
		"base64":                "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
		"base64url, not padded": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
		"new":                   NewSecret(),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, Staging, map[string]string{"SESSION_SECRET": secret, "DATABASE_URL": "postgres://app@db/app"})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(c.Session.Secrets[0]); n != 32 {
				t.Errorf("%d bytes", n)
			}
		})
	}
}

func TestDatabaseAt(t *testing.T) {
	tests := map[string]struct{ dialect, url, database string }{
		"sqlite3:///path/app.sqlite?_synchronous=FULL":           {"sqlite3", "", "/path/app.sqlite"},
		"postgres://app:pw@db/app":                               {"postgres", "postgres://app:pw@db/app", ""},
		"postgresql://app@db/app":                                {"postgres", "postgresql://app@db/app", ""},
		"cockroach://root@db:26257/app":                          {"cockroach", "cockroach://root@db:26257/app", ""},
		"mysql://app:p%40w@db/app":                               {"mysql", "mysql://app:p@w@tcp(db:3306)/app?collation=utf8mb4_general_ci&interpolateParams=true&multiStatements=true&parseTime=true", ""},
		"mysql://app@tcp(db:3307)/app?collation=utf8mb4_0900_ai": {"mysql", "mysql://app@tcp(db:3307)/app?collation=utf8mb4_0900_ai&interpolateParams=true&multiStatements=true&parseTime=true", ""},
	}
	for given, want := range tests {
		t.Run(given, func(t *testing.T) {
			details, err := DatabaseAt(given)
			if err != nil {
				t.Fatal(err)
			}
			if details.Dialect != want.dialect || details.URL != want.url || details.Database != want.database {
				t.Errorf("got %s, %s, %s", details.Dialect, details.URL, details.Database)
			}
		})
	}
	if details, err := DatabaseAt("sqlite3:///path/app.sqlite?_synchronous=FULL"); err != nil || details.Options["_synchronous"] != "FULL" {
		t.Errorf("the URL's option is lost: %v, %v", details, err)
	}
}

// TestEnvExample checks that .env.example documents all settings.
func TestEnvExample(t *testing.T) {
	documented := settingNames(t)
	for _, file := range []string{"config.go", "reader.go", "secret.go", "database.go"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{`r.text("`, `r.duration("`, `r.boolean("`, `r.prefixes("`, `r.oneOf("`} {
			for _, after := range strings.Split(string(content), call)[1:] {
				name, _, _ := strings.Cut(after, `"`)
				if !strings.Contains(strings.Join(documented, " "), name) {
					t.Errorf("%s reads %s, which .env.example does not document", file, name)
				}
			}
		}
	}
	if len(documented) < 14 {
		t.Errorf("found only %v in .env.example", documented)
	}
}

// TestEnvExample_FreshFor checks that .env.example names everything that needs a recent
// sign-in.
func TestEnvExample_FreshFor(t *testing.T) {
	content, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(content), "\nSESSION_FRESH_FOR=")
	comment := before[strings.LastIndex(before, "\n\n"):]
	for _, want := range []string{"revoke other", "link or unlink", "access tokens", "administration"} {
		if !strings.Contains(comment, want) {
			t.Errorf("no %q in %s", want, comment)
		}
	}
}
