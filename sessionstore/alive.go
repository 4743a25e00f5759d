package sessionstore

import "net/http"

// Alive reports whether the request has a live, signed-in session of that cookie name,
// or a valid access token. It does not count as a use of the session, so that a page
// which asks again and again does not keep it alive. It returns ErrUnavailable.
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
