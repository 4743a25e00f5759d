package e2e

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// TestRevoke ends sessions of an app that runs: the next request is nobody's.
func TestRevoke(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		var clients []*testapp.Client
		for _, username := range []string{"admin", "admin", "admin", "user", "user"} {
			client := app.Client(t)
			client.SignIn(username)
			clients = append(clients, client)
		}
		usernames := []string{"admin", "admin", "admin", "user", "user"}
		name, cookie := clients[0].SessionCookie()
		_, second := clients[1].SessionCookie()
		for _, step := range []struct {
			args  []string
			says  string
			ended int // of clients, from the first on
		}{
			{[]string{name + "=" + cookie}, "1 session revoked\n", 1},
			{[]string{sidOf(second)}, "1 session revoked\n", 2},
			{[]string{"user", "admin"}, "1 session revoked\n", 3},
			{[]string{"all"}, "2 sessions revoked\n", 5},
		} {
			r := app.Run(t, append([]string{"task", "sessions:revoke"}, step.args...)...).Want(t, 0)
			if r.Stdout != step.says || r.Stderr != "" {
				t.Errorf("%q says %q and %q, want %q", step.args, r.Stdout, r.Stderr, step.says)
			}
			for i, client := range clients {
				if i < step.ended {
					wantAnonymous(t, client)
				} else {
					wantSignedIn(t, client, usernames[i])
				}
			}
		}
	})
}

// TestRevoke_Refused holds that a wrong call ends nothing, and tells no secret.
func TestRevoke_Refused(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	client.SignIn("admin")
	_, cookie := client.SessionCookie()
	parts := strings.Split(cookie, ".")
	stranger := strings.Repeat("A", 24)
	for says, calls := range map[string][][]string{
		"sessions:revoke SID":       {nil, {""}, {"user"}, {"all", "x"}, {"user", "admin", "x"}, {cookie, cookie}},
		"SID | user USERNAME | all": {nil},
		"nobody":                    {{"user", "nobody"}},
		"no live session":           {{stranger}, {stranger + "." + parts[1] + "." + parts[2]}, {parts[1]}, {"admin"}, {"\xff"}},
	} {
		for _, args := range calls {
			r := app.Run(t, append([]string{"task", "sessions:revoke"}, args...)...)
			wantRefusal(t, strings.Join(args, " "), r, says)
			wantNotPrinted(t, r, parts[1], parts[2], app.Secret)
		}
	}
	wantSignedIn(t, client, "admin")
}
