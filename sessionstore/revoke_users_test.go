package sessionstore_test

import (
	"strings"
	"testing"
)

// Users whose ids look alike are different users, also where the database takes
// them for equal when it sorts text.
func TestStore_UsersThatLookAlike(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, alike := range []string{" ada", "ADA", "äda", "ada\u0301", "ada\u200b"} {
			all := s.signedIn(t, "ada", alike)
			if n, err := count(t.Context(), s.store, alike); n != 1 || err != nil {
				t.Errorf("%q: %d sessions, %v; want 1", alike, n, err)
			}
			if n, err := revokeUser(t.Context(), s.store, alike); n != 1 || err != nil {
				t.Errorf("RevokeUser(%q) = %d, %v; want 1", alike, n, err)
			}
			s.wantAlive(t, all[:1], true)
			if _, err := s.store.RevokeAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// MariaDB takes it for the same as without the space.
func TestStore_UserIDThatEndsInASpace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		v := s.browser(t).visit(t, signInAs("ada "))
		if !isValueError(v.saveErr) || len(v.cookies) != 0 {
			t.Errorf("Save: %v, cookies %v", v.saveErr, v.cookies)
		}
		s.wantRows(t, 0)
	})
}

// What can be nobody's id has no sessions, and upsets no database.
func TestStore_OddUserIDs(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada")
		sid := s.row(t, all[0].cookie(t)).SID
		for _, odd := range []string{"\x00", "ada\x00", "\xff", "ada ", strings.Repeat("x", 9000)} {
			if n, err := count(t.Context(), s.store, odd); n != 0 || err != nil {
				t.Errorf("Count(%.10q) = %d, %v", odd, n, err)
			}
			if n, err := revokeUser(t.Context(), s.store, odd); n != 0 || err != nil {
				t.Errorf("RevokeUser(%.10q) = %d, %v", odd, n, err)
			}
			s.wantNotFound(t, "Revoke", revokeOne(t.Context(), s.store, odd, sid))
		}
		s.wantAlive(t, all, true)
	})
}
