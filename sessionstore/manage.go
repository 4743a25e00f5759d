package sessionstore

import (
	"context"
	"fmt"
	"strings"
)

// List returns up to limit live sessions of one user, the last used first; of
// everybody when userID is "". limit must be 1 or more.
func (s *Store) List(ctx context.Context, userID string, limit int) ([]Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("list sessions: limit is %d, want 1 or more", limit)
	}
	records, err := s.rows.list(ctx, userID, s.now(), limit)
	if err != nil {
		return nil, unavailable("list sessions", err)
	}
	return records, nil
}

// Find returns a live session and its values. It takes a sid, or a cookie, of
// which it uses only the sid: see Verify. It returns ErrNotFound when there is
// none. What cannot be decoded is left out of the values and reported beside
// them.
func (s *Store) Find(ctx context.Context, cookieOrSID string) (Record, map[any]any, error) {
	sid, _, _ := strings.Cut(cookieOrSID, ".")
	if !isSID(sid) {
		return Record{}, nil, fmt.Errorf("find session: %w", ErrNotFound)
	}
	r, found, err := s.rows.find(ctx, sid, s.now())
	if err != nil {
		return Record{}, nil, unavailable("find session", err)
	}
	if !found {
		return Record{}, nil, fmt.Errorf("find session: %w", ErrNotFound)
	}
	values := make(map[any]any)
	if _, err := r.entries.values(values); err != nil {
		return r.Record, values, fmt.Errorf("find session: %w", err)
	}
	return r.Record, values, nil
}

// Verify reports whether a cookie's value was signed with one of the secrets.
func (s *Store) Verify(cookie string) bool {
	_, _, ok := s.verify(cookie)
	return ok
}

// CountExpired returns how many rows Cleanup has to delete.
func (s *Store) CountExpired(ctx context.Context) (int64, error) {
	n, err := s.rows.countExpired(ctx, s.now())
	if err != nil {
		return 0, unavailable("count expired sessions", err)
	}
	return n, nil
}

// Cleanup deletes up to limit expired sessions, the longest dead first, in one
// short statement, and returns how many. Fewer than limit, which must be 1 or more,
// means that this call found no more. It never deletes a live session and may
// run in several programs at once.
func (s *Store) Cleanup(ctx context.Context, limit int) (int, error) {
	if limit < 1 {
		return 0, fmt.Errorf("clean up sessions: limit is %d, want 1 or more", limit)
	}
	n, err := s.rows.deleteExpired(ctx, s.now(), limit)
	if err != nil {
		return 0, unavailable("clean up sessions", err)
	}
	return int(n), nil
}
