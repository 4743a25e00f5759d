package sessionstore

import "net/http"

// Alive reports whether the request's session of that cookie name, or its bearer's,
// is alive and somebody's. Unlike Get it is no use of the session: a page that asks
// again and again does not keep it alive. It returns ErrUnavailable.
func (s *Store) Alive(r *http.Request, name string) (bool, error) {
	t, _, ok := s.verify(s.presented(r, name))
	if !ok {
		return false, nil
	}
	row, found, err := s.rows.read(r.Context(), t.sid, s.now())
	if err != nil {
		return false, unavailable("look at session", err)
	}
	return found && t.matches(row.secretHash) && row.UserID != "", nil
}
