package sessiontask_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/sessionstore/sessiontask"
)

func TestTasks_Cleanup(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		const expired = 1203 // more than one step
		s.signInAs(t, "ada")
		s.insertCopies(t, expired-1)
		s.now = s.now.Add(2 * time.Hour)
		alive := s.signInAs(t, "bob")
		var deleted []int
		s.Deleted = func(n int) { deleted = append(deleted, n) }
		for _, want := range []string{"1203 expired sessions deleted\n", "0 expired sessions deleted\n"} {
			if out := s.run(t, sessiontask.Tasks.Cleanup); out != want {
				t.Errorf("printed %q, want %q", out, want)
			}
		}
		if fmt.Sprint(deleted) != "[1000 203]" {
			t.Errorf("Deleted got %v", deleted)
		}
		s.wantRevoked(t, []cookie{alive}, 0)
	})
}

// insertCopies inserts n copies of the only session.
func (s *site) insertCopies(t *testing.T, n int) {
	t.Helper()
	for n > 0 {
		rows := min(n, 100)
		var sids []any
		for range rows {
			sids = append(sids, fmt.Sprintf("copy-%d", n))
			n--
		}
		query := "SELECT ?, '', data, version, auth_method, ip, user_agent, created_at, last_seen_at, deadline_at, expires_at FROM sessions WHERE user_id = 'ada'"
		s.exec(t, "INSERT INTO sessions (sid, secret_hash, data, version, auth_method, ip, user_agent, created_at, last_seen_at, deadline_at, expires_at) "+
			query+strings.Repeat(" UNION ALL "+query, rows-1), sids...)
	}
}

func TestTasks_CleanupRefused(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.wantRefused(t, "takes no arguments", sessiontask.Tasks.Cleanup, "all")
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		err := s.Cleanup(canceled, nil)
		if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "0 expired sessions deleted, then: ") {
			t.Errorf("interrupted: %v", err)
		}
	})
}
