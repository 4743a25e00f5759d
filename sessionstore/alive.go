package sessionstore

import "net/http"

// Alive reports whether the request has a live session of a user, by its cookie with that
// name or by its access token. Unlike Get, it does not count as a use of the session, so a
// page that polls it does not keep the session from expiring.
//
// It is false for an old session that is not adopted yet, and for a cookie that was just
// replaced by [Options].RenewAfter. It returns ErrUnavailable or ErrConflict. It is safe for
// concurrent use.
func (s *Store) Alive(r *http.Request, name string) (bool, error) {
	t, _, ok := s.verify(s.presented(r, name))
	if !ok {
		return false, nil
	}
	row, found, err := s.rows.read(r.Context(), t.sid, s.now())
	if err != nil {
		return false, s.unavailable("look at session", err)
	}
	return found && t.matches(row.secretHash) && row.UserID != "", nil
}
