package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestTasks(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine, Env: "staging"})
		t.Run("Seed", func(t *testing.T) { testSeed(t, app) })
		t.Run("Users", func(t *testing.T) { testUsersList(t, app) })
		t.Run("List", func(t *testing.T) { testSessionsList(t, app) })
		t.Run("Show", func(t *testing.T) { testSessionsShow(t, app) })
		t.Run("Cleanup", func(t *testing.T) { testCleanup(t, app) })
	})
}

func testSeed(t *testing.T, app *testapp.App) {
	execute(t, app, "UPDATE users SET name = 'Renamed' WHERE username = 'user'")
	execute(t, app, "DELETE FROM users WHERE username = 'manager'")
	for _, want := range []string{"1 user created\n", "0 users created\n"} {
		if r := app.Run(t, "task", "db:seed").Want(t, 0); r.Stdout != want {
			t.Errorf("it printed %q, want %q", r.Stdout, want)
		}
	}
	var name string
	if query(t, app, &name, "SELECT name FROM users WHERE username = 'user'"); name != "Renamed" {
		t.Errorf("the seed changed a user's name to %q", name)
	}
}

func testUsersList(t *testing.T, app *testapp.App) {
	lines := strings.Split(strings.TrimSpace(app.Run(t, "task", "users:list").Want(t, 0).Stdout), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines, want a header and 4 users:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for i, want := range []string{"USERNAME", "admin .* admin ", "contributor .* member ", "manager .* member ", "user .* member "} {
		if !regexp.MustCompile("^" + want).MatchString(lines[i]) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
}

func testSessionsList(t *testing.T, app *testapp.App) {
	sids := make(map[string]string)
	for _, username := range []string{"admin", "user"} {
		client := app.Client(t)
		client.SignIn(username)
		_, cookie := client.SessionCookie()
		sids[username] = sidOf(cookie)
	}
	all := app.Run(t, "task", "sessions:list").Want(t, 0).Stdout
	admins := app.Run(t, "task", "sessions:list", "admin").Want(t, 0).Stdout
	for username, sid := range sids {
		if !regexp.MustCompile(`(?m)^` + sid + ` +` + username + ` `).MatchString(all) {
			t.Errorf("no session %s of %s in\n%s", sid, username, all)
		}
	}
	if !strings.Contains(admins, sids["admin"]) || strings.Contains(admins, sids["user"]) {
		t.Errorf("want only %s, got\n%s", sids["admin"], admins)
	}
	if r := app.Run(t, "task", "sessions:list", "nobody"); r.Code != 1 || !strings.Contains(r.Stderr, "nobody") {
		t.Errorf("the list of an unknown user: exit code %d, %q", r.Code, r.Stderr)
	}
}

func testSessionsShow(t *testing.T, app *testapp.App) {
	client := app.Client(t)
	client.SignIn("admin")
	name, cookie := client.SessionCookie()
	sid := sidOf(cookie)
	parts := strings.Split(cookie, ".")
	var userID string
	query(t, app, &userID, "SELECT user_id FROM sessions WHERE sid = ?", sid)
	for what, given := range map[string]string{"cookie": cookie, "cookie with its name": name + "=" + cookie, "sid": sid} {
		r := app.Run(t, "task", "sessions:show", given).Want(t, 0)
		for _, want := range []string{sid, userID, "bypass", "127.0.0.1", "Go-http-client"} {
			if !strings.Contains(r.Stdout, want) {
				t.Errorf("%s: no %q in\n%s", what, want, r.Stdout)
			}
		}
		if signed := strings.Contains(r.Stdout, "valid: signs its user in"); signed != (what != "sid") {
			t.Errorf("%s: want the signature checked if there is one, got\n%s", what, r.Stdout)
		}
		wantNotPrinted(t, r, parts[1], parts[2], app.Secret)
	}
	forged := app.Run(t, "task", "sessions:show", sid+"."+flip(parts[1])+"."+parts[2]).Want(t, 0)
	if !strings.Contains(forged.Stdout, "NOT valid") {
		t.Errorf("a forged cookie is shown as\n%s", forged.Stdout)
	}
	for _, args := range [][]string{{strings.Repeat("A", 24)}, {""}, {}, {sid, sid}, {"'; DROP TABLE sessions; --"}, {"\xff"}} {
		r := app.Run(t, append([]string{"task", "sessions:show"}, args...)...)
		if r.Code != 1 || r.Stdout != "" || strings.Count(r.Stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, %q; want 1 and one line with the reason", args, r.Code, r.Stdout, r.Stderr)
		}
	}
}

func testCleanup(t *testing.T, app *testapp.App) {
	kept := app.Client(t)
	kept.SignIn("admin")
	_, cookie := kept.SessionCookie()
	now := time.Now().UTC()
	const dead = 1203 // more than one batch
	var args []any
	for i := range dead {
		args = append(args, fmt.Sprintf("dead-%d", i), now.Add(-time.Hour), now, now, now.Add(-time.Minute))
	}
	for start := 0; start < dead; start += 100 {
		n := min(100, dead-start)
		execute(t, app, `INSERT INTO sessions (sid, secret_hash, data, version, auth_method, ip, user_agent, created_at, last_seen_at, deadline_at, expires_at) VALUES `+
			strings.Repeat(`, (?, '', 'x', 1, '', '', '', ?, ?, ?, ?)`, n)[2:], args[start*5:(start+n)*5]...)
	}
	before := countSessions(t, app)
	for _, want := range []string{"1203 expired sessions deleted\n", "0 expired sessions deleted\n"} {
		if r := app.Run(t, "task", "sessions:cleanup").Want(t, 0); r.Stdout != want || r.Stderr != "" {
			t.Errorf("it printed %q and %q, want %q", r.Stdout, r.Stderr, want)
		}
	}
	if n := countSessions(t, app); n != before-dead {
		t.Errorf("%d sessions are left of %d, want %d", n, before, before-dead)
	}
	wantSignedIn(t, kept, "admin")
	var left int
	if query(t, app, &left, "SELECT COUNT(*) FROM sessions WHERE sid = ?", sidOf(cookie)); left != 1 {
		t.Error("a live session was deleted")
	}
}

// TestTasks_Alone runs commands and tasks without a running app.
func TestTasks_Alone(t *testing.T) {
	t.Parallel()
	s := production(t, testdb.SQLite)
	run := func(args ...string) testapp.Result { return testapp.Run(t, t.TempDir(), s.environ(), args...) }

	first, second := run("task", "secret:generate").Want(t, 0), run("task", "secret:generate").Want(t, 0)
	if !regexp.MustCompile(`^[0-9a-f]{64}\n$`).MatchString(first.Stdout) || first.Stdout == second.Stdout {
		t.Errorf("secrets %q and %q, want two of 32 bytes", first.Stdout, second.Stdout)
	}
	testapp.Run(t, t.TempDir(), s.change("SESSION_SECRET="+strings.TrimSpace(first.Stdout)).environ(), "migrate", "status").Want(t, 0)
	testapp.Run(t, t.TempDir(), settings{}.environ(), "task", "secret:generate").Want(t, 0) // works without any settings

	if r := run("task", "db:seed"); r.Code != 1 || !strings.Contains(r.Stderr, "production") {
		t.Errorf("db:seed in production: exit code %d, %q", r.Code, r.Stderr)
	}
	if r := run("task", "no:such"); r.Code != 1 || !strings.Contains(r.Stderr, "no:such") {
		t.Errorf("an unknown task: exit code %d, %q", r.Code, r.Stderr)
	}
	list := run("task").Want(t, 0).Stdout
	for _, name := range []string{"secret:generate", "sessions:cleanup", "sessions:list", "sessions:show", "users:list", "db:seed", "routes"} {
		if !strings.Contains(list, "\napp task "+name+" ") {
			t.Errorf("no %s in\n%s", name, list)
		}
	}
	if strings.Contains(list, "grift") {
		t.Errorf("the list of tasks says grift:\n%s", list)
	}
	routes := run("task", "routes").Want(t, 0).Stdout
	for _, want := range []string{`GET +/ `, `GET +/session `, `DELETE +/sessions/{sid} `, `PATCH +/admin/users/{id} `} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(routes) {
			t.Errorf("no route %q in\n%s", want, routes)
		}
	}
	if r := run("version").Want(t, 0); strings.TrimSpace(r.Stdout) == "" {
		t.Error("the version is empty")
	}
	if r := run("nonsense"); r.Code != 1 || !strings.Contains(r.Stderr, "see app help") {
		t.Errorf("an unknown command: exit code %d, %q", r.Code, r.Stderr)
	}
}
