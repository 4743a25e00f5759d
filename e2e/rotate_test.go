package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
)

// envSecret matches SESSION_SECRET in .env.
var envSecret = regexp.MustCompile(`(?m)^SESSION_SECRET=(.*)$`)

// TestRotate changes the secret twice, as an operator does. Nobody is signed out by that,
// and the older secrets can be removed at the end.
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
			t.Fatalf("rotation %d changed %q to %q", rotation, before, after)
		}
		wantNotPrinted(t, r, strings.Split(after, ",")...)
		if !strings.Contains(r.Stdout, "Restart") || !strings.Contains(r.Stdout, "SESSION_REMEMBER_LIFETIME") {
			t.Errorf("the next steps are missing:\n%s", r.Stdout)
		}
		app.Restart(t)
		wantResigned(t, active, "user")
	}
	wantPrivate(t, file)
	onlyNewest := strings.Split(envSecret.FindStringSubmatch(read(t, file))[1], ",")[0]
	write(t, file, envSecret.ReplaceAllString(read(t, file), "SESSION_SECRET="+onlyNewest))
	app.Restart(t)
	wantSignedIn(t, active, "user") // its cookie was signed again
	wantAnonymous(t, idle)          // its cookie was not
}

// wantResigned checks that the app accepts a cookie signed with an older secret and
// replaces its signature only.
func wantResigned(t *testing.T, client *testapp.Client, username string) {
	t.Helper()
	_, before := client.SessionCookie()
	wantSignedIn(t, client, username)
	_, after := client.SessionCookie()
	was, is := strings.Split(before, "."), strings.Split(after, ".")
	if was[0] != is[0] || was[1] != is[1] || was[2] == is[2] {
		t.Errorf("the cookie went from %s to %s, want only another signature", before, after)
	}
	wantSignedIn(t, client, username)
	if _, again := client.SessionCookie(); again != after {
		t.Error("the cookie is signed again at every request")
	}
}

// TestRotate_Refused checks that the task changes no file that it should not or cannot
// change, and that it prints no secret that is in use.
func TestRotate_Refused(t *testing.T) {
	t.Parallel()
	used := config.NewSecret()
	for what, c := range map[string]struct {
		file string // "" for no file
		env  settings
		says string // part of the error
	}{
		"no file":             {"", settings{}, "there is no .env"},
		"no secret":           {"PORT=1\n", settings{}, "missing"},
		"two":                 {"SESSION_SECRET=" + used + "\nSESSION_SECRET=" + used + "\n", settings{}, "2 times"},
		"invalid file":        {"SESSION_SECRET='" + used + "\n", settings{}, "not closed"},
		"GO_ENV=test":         {"SESSION_SECRET=" + used + "\n", settings{"GO_ENV": "test"}, "GO_ENV=test"},
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
				t.Errorf("exit code %d, %q; want 1 and one line with %q", r.Code, r.Stderr, c.says)
			}
			wantNotPrinted(t, r, used)
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

// wantSteps checks that one new secret and the steps are printed if the environment sets
// the secret, and nothing otherwise.
func wantSteps(t *testing.T, r testapp.Result, given bool) {
	t.Helper()
	fresh := regexp.MustCompile(`[0-9a-f]{64}`).FindAllString(r.Stdout, -1)
	if !given && r.Stdout != "" {
		t.Errorf("it printed %q", r.Stdout)
	}
	if given && (len(fresh) != 1 || !strings.Contains(r.Stdout, "every instance") || !strings.Contains(r.Stdout, "SESSION_REMEMBER_LIFETIME")) {
		t.Errorf("want one new secret and the steps, got\n%s", r.Stdout)
	}
}

// TestRotate_SameInEnvironment checks that the file is changed if the environment sets the
// same secret, because buffalo and `source .env` copy it there.
func TestRotate_SameInEnvironment(t *testing.T) {
	t.Parallel()
	dir, secret := t.TempDir(), config.NewSecret()
	file := filepath.Join(dir, ".env")
	write(t, file, "SESSION_SECRET="+secret+"\n")
	r := testapp.Run(t, dir, settings{"SESSION_SECRET": secret}.environ(), "task", "secret:rotate").Want(t, 0)
	if now := read(t, file); !strings.HasSuffix(now, ","+secret+"\n") {
		t.Errorf("the file became %q", now)
	}
	if !strings.Contains(r.Stdout, "the environment overrides the file") {
		t.Errorf("it does not warn about the environment:\n%s", r.Stdout)
	}
}
