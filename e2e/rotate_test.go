package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
)

// envSecret finds what .env gives as SESSION_SECRET.
var envSecret = regexp.MustCompile(`(?m)^SESSION_SECRET=(.*)$`)

// TestRotate goes through two changes of the secret, as a person makes them:
// nobody is signed out by them, and the first secret can go in the end.
func TestRotate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, ".env")
	app := firstRun(t, dir)
	idle, active := app.Client(t), app.Client(t)
	idle.SignIn("admin")
	active.SignIn("user")
	for rotation := 1; rotation <= 2; rotation++ {
		before := envSecret.FindStringSubmatch(read(t, file))[1]
		r := app.Run(t, "task", "secret:rotate").Want(t, 0)
		after := envSecret.FindStringSubmatch(read(t, file))[1]
		if !strings.HasSuffix(after, ","+before) || strings.Count(after, ",") != rotation {
			t.Fatalf("rotation %d made %q of %q", rotation, after, before)
		}
		wantUnsaid(t, r, strings.Split(after, ",")...)
		if !strings.Contains(r.Stdout, "Restart") || !strings.Contains(r.Stdout, "SESSION_REMEMBER_LIFETIME") {
			t.Errorf("it does not say what to do next:\n%s", r.Stdout)
		}
		app.Restart(t)
		wantResigned(t, active, "user")
	}
	wantPrivate(t, file)
	onlyNewest := strings.Split(envSecret.FindStringSubmatch(read(t, file))[1], ",")[0]
	write(t, file, envSecret.ReplaceAllString(read(t, file), "SESSION_SECRET="+onlyNewest))
	app.Restart(t)
	wantSignedIn(t, active, "user") // its cookie was signed anew
	wantNobody(t, idle)             // and this one was not
}

// wantResigned checks that the app knows a cookie which an older secret signed,
// and hands out the same one with a new signature.
func wantResigned(t *testing.T, client *testapp.Client, username string) {
	t.Helper()
	_, before := client.SessionCookie()
	wantSignedIn(t, client, username)
	_, after := client.SessionCookie()
	was, is := strings.Split(before, "."), strings.Split(after, ".")
	if was[0] != is[0] || was[1] != is[1] || was[2] == is[2] {
		t.Errorf("the cookie went from %s to %s, want another signature alone", before, after)
	}
	wantSignedIn(t, client, username)
	if _, again := client.SessionCookie(); again != after {
		t.Error("the cookie is signed anew at every request")
	}
}

// TestRotate_Refused holds that a file that does not count, or cannot be
// changed, stays as it is, and that no secret that is in use is printed.
func TestRotate_Refused(t *testing.T) {
	t.Parallel()
	used := config.NewSecret()
	for what, c := range map[string]struct {
		file string // "" is none
		env  settings
		says string
	}{
		"no file":             {"", settings{}, "there is no .env"},
		"no secret":           {"PORT=1\n", settings{}, "missing"},
		"two":                 {"SESSION_SECRET=" + used + "\nSESSION_SECRET=" + used + "\n", settings{}, "2 times"},
		"unreadable":          {"SESSION_SECRET='" + used + "\n", settings{}, "not closed"},
		"tests read no file":  {"SESSION_SECRET=" + used + "\n", settings{"GO_ENV": "test"}, "GO_ENV=test"},
		"environment":         {"SESSION_SECRET=" + config.NewSecret() + "\n", settings{"SESSION_SECRET": used}, "environment"},
		"environment, server": {"", settings{"SESSION_SECRET": used, "GO_ENV": "production"}, "environment"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, ".env")
			if c.file != "" {
				write(t, file, c.file)
			}
			r := testapp.Run(t, dir, c.env.environ(), "task", "secret:rotate")
			if r.Code != 1 || !strings.Contains(r.Stderr, c.says) || strings.Count(r.Stderr, "\n") != 1 {
				t.Errorf("exit code %d, %q; want 1 and a line with %q", r.Code, r.Stderr, c.says)
			}
			wantUnsaid(t, r, used)
			wantSteps(t, r, c.says == "environment")
			if left, err := filepath.Glob(file + "*"); err != nil || (len(left) == 1) != (c.file != "") {
				t.Errorf("files %q, %v", left, err)
			}
			if c.file != "" && read(t, file) != c.file {
				t.Errorf("the file became %q", read(t, file))
			}
		})
	}
}

// wantSteps checks that somebody with a server, and nobody else, is given one
// fresh secret and told what to do with it.
func wantSteps(t *testing.T, r testapp.Result, server bool) {
	t.Helper()
	fresh := regexp.MustCompile(`[0-9a-f]{64}`).FindAllString(r.Stdout, -1)
	if !server && r.Stdout != "" {
		t.Errorf("it prints %q", r.Stdout)
	}
	if server && (len(fresh) != 1 || !strings.Contains(r.Stdout, "every instance") || !strings.Contains(r.Stdout, "SESSION_REMEMBER_LIFETIME")) {
		t.Errorf("want one fresh secret and what to do with it, got\n%s", r.Stdout)
	}
}

// TestRotate_SameInEnvironment holds that a secret which came into the
// environment out of the file, as buffalo and `source .env` have it, is no
// obstacle.
func TestRotate_SameInEnvironment(t *testing.T) {
	t.Parallel()
	dir, secret := t.TempDir(), config.NewSecret()
	file := filepath.Join(dir, ".env")
	write(t, file, "SESSION_SECRET="+secret+"\n")
	r := testapp.Run(t, dir, settings{"SESSION_SECRET": secret}.environ(), "task", "secret:rotate").Want(t, 0)
	if now := read(t, file); !strings.HasSuffix(now, ","+secret+"\n") {
		t.Errorf("the file became %q", now)
	}
	if !strings.Contains(r.Stdout, "the environment wins") {
		t.Errorf("it does not warn of the environment:\n%s", r.Stdout)
	}
}
