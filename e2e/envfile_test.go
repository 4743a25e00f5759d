package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// firstRun starts an app in development without a secret and without BYPASS_AUTH.
func firstRun(t *testing.T, dir string, extra ...string) *testapp.App {
	t.Helper()
	return testapp.Start(t, testapp.Options{Env: "development", Dir: dir, Extra: append([]string{"SESSION_SECRET", "BYPASS_AUTH"}, extra...)})
}

var newSecret = regexp.MustCompile(`(?m)^SESSION_SECRET=[0-9a-f]{64}$`)

// The first run in development writes .env, and the second run does not change it.
func TestEnvFile_Written(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		before string   // content of the file
		want   []string // parts of the content after the first run
	}{
		"no file":               {"", nil},
		"other settings":        {"# mine\nSESSION_NAME=latch\n", []string{"# mine\n", "SESSION_NAME=latch\n"}},
		"no newline at the end": {"SESSION_NAME=latch", []string{"SESSION_NAME=latch\n"}},
		"empty secret":          {"A=1\nSESSION_SECRET=\nB=2\n", []string{"A=1\nSESSION_SECRET=", "\nB=2\n"}},
		"BYPASS_AUTH is set":    {"BYPASS_AUTH=true\n", []string{"BYPASS_AUTH=true\nSESSION_SECRET="}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, ".env")
			if what != "no file" {
				write(t, file, c.before)
			}
			app := firstRun(t, dir)
			written := read(t, file)
			if len(newSecret.FindAllString(written, -1)) != 1 || strings.Count(written, "BYPASS_AUTH=true\n") != 1 {
				t.Errorf(".env = %q, want one secret, and BYPASS_AUTH=true once", written)
			}
			for _, want := range c.want {
				if !strings.Contains(written, want) {
					t.Errorf(".env = %q, want it to contain %q", written, want)
				}
			}
			wantPrivate(t, file)
			client := app.Client(t)
			client.SignIn("admin")
			app.Restart(t)
			wantSignedIn(t, client, "admin")
			if again := read(t, file); again != written {
				t.Errorf("the second run changed .env from %q to %q", written, again)
			}
			if files, _ := filepath.Glob(file + "*"); len(files) != 1 { // Glob fails only for a malformed pattern
				t.Errorf("files = %q, want only .env", files)
			}
		})
	}
}

// An empty SESSION_SECRET in the environment counts as not set.
func TestEnvFile_EmptySetting(t *testing.T) {
	t.Parallel()
	app := firstRun(t, t.TempDir(), "SESSION_SECRET=", "BYPASS_AUTH=true")
	client := app.Client(t)
	client.SignIn("admin")
	app.Restart(t)
	wantSignedIn(t, client, "admin")
}

// The app does not write .env if a secret is already set.
func TestEnvFile_Kept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, ".env")
	content := "SESSION_SECRET=" + publicSecret(t) + "\nBYPASS_AUTH=false\n"
	write(t, file, content)
	firstRun(t, dir)
	if now := read(t, file); now != content {
		t.Errorf(".env = %q, want %q", now, content)
	}
	empty := t.TempDir()
	firstRun(t, empty, "SESSION_SECRET="+publicSecret(t))
	if _, err := os.Stat(filepath.Join(empty, ".env")); !os.IsNotExist(err) {
		t.Errorf("wrote .env although the environment sets a secret: %v", err)
	}
}

// Only development writes .env.
func TestEnvFile_OtherEnvironments(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"test", "staging", "production"} {
		app := testapp.Start(t, testapp.Options{Env: env})
		if _, err := os.Stat(filepath.Join(app.Dir, ".env")); !os.IsNotExist(err) {
			t.Errorf("%s wrote .env: %v", env, err)
		}
	}
}

// The environment overrides .env, and GO_ENV=test ignores .env.
func TestEnvFile_Precedence(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		env, setting, want string
	}{
		"file":              {"development", "SESSION_NAME", "fromfile"},
		"environment":       {"development", "SESSION_NAME=given", "given"},
		"file, staging":     {"staging", "SESSION_NAME", "__Host-fromfile"},
		"environment, too":  {"staging", "SESSION_NAME=given", "__Host-given"},
		"test":              {"test", "SESSION_NAME", "session"},
		"test, environment": {"test", "SESSION_NAME=given", "given"},
		"file sets GO_ENV":  {"development", "GO_ENV", "__Host-fromfile"},
		"GO_ENV in both":    {"development", "LOG_LEVEL=warn", "fromfile"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir, database := t.TempDir(), testdb.NewURL(t, testdb.SQLite)
			migrated := testapp.Start(t, testapp.Options{DatabaseURL: database})
			write(t, filepath.Join(dir, ".env"), "SESSION_NAME=fromfile\nGO_ENV=staging\nPORT=1\n")
			app := testapp.Start(t, testapp.Options{DatabaseURL: database, Dir: dir, Env: c.env, Extra: []string{c.setting, "SESSION_SECRET=" + migrated.Secret}})
			client := app.Client(t)
			client.SignIn("admin")
			if name, _ := client.SessionCookie(); name != c.want {
				t.Errorf("cookie name = %q, want %q", name, c.want)
			}
		})
	}
}

// Staging and production do not write a secret to a .env that sets GO_ENV=development,
// such as a copy of .env.example.
func TestEnvFile_DevelopmentFile(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"staging", "production"} {
		dir, database := t.TempDir(), testdb.NewURL(t, testdb.SQLite)
		testapp.Start(t, testapp.Options{DatabaseURL: database})
		const content = "GO_ENV=development\nSESSION_SECRET=\n"
		file := filepath.Join(dir, ".env")
		write(t, file, content)
		r := testapp.Run(t, dir, []string{"GO_ENV=" + env, "DATABASE_URL=" + database, "ADDR=127.0.0.1", "PORT=" + testapp.FreePort(t)}, "serve")
		if r.Code != 1 || !strings.Contains(r.Stderr, "SESSION_SECRET: missing") {
			t.Errorf("%s: exit code %d with %q, want 1 with SESSION_SECRET: missing", env, r.Code, r.Stderr)
		}
		if now := read(t, file); now != content {
			t.Errorf("%s: .env = %q, want %q", env, now, content)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// wantPrivate checks that only the owner can read the file.
func wantPrivate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("%s has mode %o, want 600", filepath.Base(path), mode)
	}
}
