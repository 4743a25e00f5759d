package sessionstore_test

import (
	"strings"
	"testing"
)

// Users with similar IDs are different users, even if the database's collation
// treats them as equal.
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

// MariaDB ignores the space in comparisons.
func TestStore_UserIDThatEndsInASpace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		v := s.browser(t).visit(t, signInAs("ada "))
		if !isValueError(v.saveErr) || len(v.cookies) != 0 {
			t.Errorf("Save: %v, cookies %v", v.saveErr, v.cookies)
		}
		s.wantRows(t, 0)
	})
}

// IDs that no user can have match no sessions and cause no database error.
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
