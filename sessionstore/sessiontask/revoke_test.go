package sessiontask_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessiontask"
)

func TestTasks_Revoke(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		var cookies []cookie
		for _, user := range []string{"ada", "ada", "bob", "bob", "eve", "eve", "eve"} {
			cookies = append(cookies, s.signInAs(t, user))
		}
		for _, step := range []struct {
			args    []string
			printed string
			revoked int // of cookies, from the first on
		}{
			{[]string{cookies[0].sid()}, "1 session revoked\n", 1},
			{[]string{"session=" + string(cookies[1])}, "1 session revoked\n", 2},
			{[]string{string(cookies[2])}, "1 session revoked\n", 3},
			{[]string{"user", "bob"}, "1 session revoked\n", 4},
			{[]string{"user", "ada"}, "0 sessions revoked\n", 4},
			{[]string{"all"}, "3 sessions revoked\n", 7},
			{[]string{"all"}, "0 sessions revoked\n", 7},
		} {
			if out := s.run(t, sessiontask.Tasks.Revoke, step.args...); out != step.printed {
				t.Errorf("%q printed %q, want %q", step.args, out, step.printed)
			}
			s.wantRevoked(t, cookies, step.revoked)
		}
	})
}

// wantRevoked checks that exactly the sessions of the first n cookies are
// revoked.
func (s *site) wantRevoked(t *testing.T, cookies []cookie, n int) {
	t.Helper()
	for i, c := range cookies {
		_, _, err := s.Store.Inspect(t.Context(), c.sid())
		if gone := errors.Is(err, sessionstore.ErrNotFound); gone != (i < n) {
			t.Errorf("session %d: %v; want the first %d gone", i, err, n)
		}
	}
}

func TestTasks_RevokeRefused(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		c := s.signInAs(t, "ada")
		parts := strings.Split(string(c), ".")
		stranger := strings.Repeat("A", 24)
		for says, calls := range map[string][][]string{
			"sessions:revoke SID, sessions:revoke user USER-ID, or sessions:revoke all": {
				nil, {""}, {"user"}, {"user", ""}, {"user", "ada", "bob"}, {"all", "ada"}, {string(c), string(c)},
			},
			"no live session has that SID": {
				{stranger}, {stranger + "." + parts[1] + "." + parts[2]}, {"ada"}, {"ALL"}, {parts[1]}, {"."}, {"="},
				{"'; DROP TABLE sessions; --"}, {"\x00\xff"},
			},
		} {
			for _, args := range calls {
				s.wantRefused(t, says, sessiontask.Tasks.Revoke, args...)
				if err := s.Revoke(t.Context(), args); err != nil {
					c.wantUnsaid(t, err.Error())
				}
				s.wantRevoked(t, []cookie{c}, 0)
			}
		}
	})
}
