package grifts

import (
	"errors"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestRevokeSessions(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, w *workshop) {
		w.run(t, seed)
		var cookies []string
		for _, username := range []string{"admin", "admin", "user", "user", "manager", "manager", "manager"} {
			cookies = append(cookies, w.signIn(t, username))
		}
		sid, _, _ := strings.Cut(cookies[0], ".")
		for _, step := range []struct {
			args    []string
			printed string
			ended   int // of cookies, from the first on
		}{
			{[]string{sid}, "1 session ended\n", 1},
			{[]string{"session=" + cookies[1]}, "1 session ended\n", 2},
			{[]string{cookies[2]}, "1 session ended\n", 3},
			{[]string{"user", "User"}, "1 session ended\n", 4},
			{[]string{"user", "admin"}, "0 sessions ended\n", 4},
			{[]string{"all"}, "3 sessions ended\n", 7},
			{[]string{"all"}, "0 sessions ended\n", 7},
		} {
			if out := w.run(t, revokeSessions, step.args...); out != step.printed {
				t.Errorf("%q printed %q, want %q", step.args, out, step.printed)
			}
			w.wantEnded(t, cookies, step.ended)
		}
	})
}

// wantEnded checks that the first of the cookies' sessions are gone, and the
// others alive.
func (w *workshop) wantEnded(t *testing.T, cookies []string, ended int) {
	t.Helper()
	for i, cookie := range cookies {
		sid, _, _ := strings.Cut(cookie, ".")
		_, _, err := w.store.Inspect(t.Context(), sid)
		if gone := errors.Is(err, sessionstore.ErrNotFound); gone != (i < ended) {
			t.Errorf("session %d: %v; want the first %d gone", i, err, ended)
		}
	}
}

// TestRevokeSessions_Disabled holds that a disabled user's sessions can be
// ended too.
func TestRevokeSessions_Disabled(t *testing.T) {
	w := newWorkshop(t, testdb.SQLite)
	w.run(t, seed)
	cookie := w.signIn(t, "user")
	if err := w.db.RawQuery("UPDATE users SET disabled_at = '2026-01-01' WHERE username = 'user'").Exec(); err != nil {
		t.Fatal(err)
	}
	w.run(t, revokeSessions, "user", "user")
	w.wantEnded(t, []string{cookie}, 1)
}

func TestRevokeSessions_Refused(t *testing.T) {
	w := newWorkshop(t, testdb.SQLite)
	w.run(t, seed)
	cookie := w.signIn(t, "admin")
	parts := strings.Split(cookie, ".")
	stranger := strings.Repeat("A", 24)
	for _, tt := range []struct {
		args []string
		want error
		says string
	}{
		{nil, errRevokeUsage, ""},
		{[]string{""}, errRevokeUsage, ""},
		{[]string{"user"}, errRevokeUsage, ""},
		{[]string{"user", "admin", "manager"}, errRevokeUsage, ""},
		{[]string{"all", "admin"}, errRevokeUsage, ""},
		{[]string{cookie, cookie}, errRevokeUsage, ""},
		{[]string{"user", "nobody"}, nil, "nobody: "},
		{[]string{"user", ""}, nil, "not found"},
		{[]string{stranger}, errNoSession, ""},
		{[]string{stranger + "." + parts[1] + "." + parts[2]}, errNoSession, ""},
		{[]string{"admin"}, errNoSession, ""},
		{[]string{"ALL"}, errNoSession, ""},
		{[]string{parts[1]}, errNoSession, ""},
		{[]string{"'; DROP TABLE sessions; --"}, errNoSession, ""},
		{[]string{"\x00\xff"}, errNoSession, ""},
	} {
		w.out.Reset()
		w.args = tt.args
		err := revokeSessions(w.tools)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want %v %s", tt.args, err, tt.want, tt.says)
			continue
		}
		if said := w.out.String() + err.Error(); strings.Contains(said, parts[1]) || strings.Contains(said, parts[2]) {
			t.Errorf("%q: it says the secret: %s", tt.args, said)
		}
		w.wantEnded(t, []string{cookie}, 0)
	}
}

func TestRevokeSessions_Usage(t *testing.T) {
	for _, form := range []string{"sessions:revoke SID", "sessions:revoke user NAME", "sessions:revoke all"} {
		if !strings.Contains(errRevokeUsage.Error(), form) {
			t.Errorf("%q has no %q", errRevokeUsage, form)
		}
	}
}
