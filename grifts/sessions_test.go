package grifts

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// wantRevoked checks that the sessions of the first n sids are gone, and the others
// alive.
func (f *fixture) wantRevoked(t *testing.T, sids []string, n int) {
	t.Helper()
	for i, sid := range sids {
		_, _, err := f.store.Inspect(t.Context(), sid)
		if gone := errors.Is(err, sessionstore.ErrNotFound); gone != (i < n) {
			t.Errorf("session %d: %v; want the first %d gone", i, err, n)
		}
	}
}

// TestSessions_UsersByName checks that the tasks know users by name. Package
// sessiontask tests the rest of them.
func TestSessions_UsersByName(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		f.run(t, seed)
		user, admin := f.signIn(t, "user"), f.signIn(t, "admin")
		if out := f.run(t, listSessions); !strings.Contains(out, admin+"  admin ") || !strings.Contains(out, user+"  user ") {
			t.Errorf("want both sessions with their users' names:\n%s", out)
		}
		if out := f.run(t, listSessions, "User"); strings.Contains(out, admin) || !strings.Contains(out, user) {
			t.Errorf("not the user's sessions:\n%s", out)
		}
		if out := f.run(t, showSession, admin); !strings.Contains(out, admin) {
			t.Errorf("not the session:\n%s", out)
		}
		f.args = []string{"nobody"}
		if err := listSessions(f.tools); err == nil || !strings.Contains(err.Error(), `user not found: "nobody"`) {
			t.Errorf("listed the sessions of an unknown user: %v", err)
		}
		f.args = []string{"user", "nobody"}
		if err := revokeSessions(f.tools); err == nil || !strings.Contains(err.Error(), `user not found: "nobody"`) {
			t.Errorf("revoked the sessions of an unknown user: %v", err)
		}
		if out := f.run(t, revokeSessions, "user", "User"); out != "1 session revoked\n" {
			t.Errorf("printed %q", out)
		}
		f.wantRevoked(t, []string{user, admin}, 1)
	})
}

// TestRevokeSessions_Disabled checks that a disabled user's sessions can be revoked
// too.
func TestRevokeSessions_Disabled(t *testing.T) {
	f := newFixture(t, testdb.SQLite)
	f.run(t, seed)
	sid := f.signIn(t, "user")
	if err := f.db.RawQuery("UPDATE users SET disabled_at = '2026-01-01' WHERE username = 'user'").Exec(); err != nil {
		t.Fatal(err)
	}
	f.run(t, revokeSessions, "user", "user")
	f.wantRevoked(t, []string{sid}, 1)
}

// TestCleanupSessions checks that the task records an event about the sessions that
// it deleted.
func TestCleanupSessions(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		f.run(t, seed)
		f.signIn(t, "admin")
		f.signIn(t, "user")
		f.now = f.now.Add(2 * time.Hour)
		alive := f.signIn(t, "manager")
		for _, want := range []string{"2 expired sessions deleted\n", "0 expired sessions deleted\n"} {
			if out := f.run(t, cleanupSessions); out != want {
				t.Errorf("printed %q, want %q", out, want)
			}
		}
		f.wantRevoked(t, []string{alive}, 0)
		var events []models.Event
		if err := f.db.Where("kind = ?", models.SessionEnded).All(&events); err != nil {
			t.Fatal(err)
		}
		if len(events) != 1 || events[0].Detail != models.Expired || events[0].Sessions != 2 {
			t.Errorf("events %+v, want one of 2 expired sessions", events)
		}
	})
}

// TestNewSpinner checks, with the race detector, that the first batch does not race with
// a goroutine of the library.
func TestNewSpinner(t *testing.T) {
	progress := newSpinner()
	<-time.After(250 * time.Millisecond) // longer than the library's interval
	if err := progress.Add(1); err != nil {
		t.Fatal(err)
	}
}
