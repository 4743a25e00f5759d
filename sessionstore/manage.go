package sessionstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/sessions"
)

// errNoUser keeps a program that has lost track of its user from seeing, or
// ending, everybody's sessions.
var errNoUser = errors.New("the user id is empty")

var errNoSession = fmt.Errorf("revoke session: %w", ErrNotFound)

// somebody reports whether a user id can be one. Its error, for none at all,
// names what was to be done.
func somebody(doing, userID string) (bool, error) {
	if userID == "" {
		return false, fmt.Errorf("%s: %w", doing, errNoUser)
	}
	return isUserID(userID), nil
}

// List returns up to limit live sessions of a user, the last used first. limit
// must be 1 or more. An empty userID is an error; see ListAll.
func (s *Store) List(ctx context.Context, userID string, limit int) ([]Record, error) {
	if ok, err := somebody("list sessions", userID); !ok {
		return nil, err
	}
	return s.list(ctx, userID, limit)
}

// ListAll is List for everybody's sessions, anonymous ones among them.
func (s *Store) ListAll(ctx context.Context, limit int) ([]Record, error) {
	return s.list(ctx, "", limit)
}

func (s *Store) list(ctx context.Context, userID string, limit int) ([]Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("list sessions: limit is %d, want 1 or more", limit)
	}
	records, err := s.rows.list(ctx, userID, s.now(), limit)
	if err != nil {
		return nil, unavailable("list sessions", err)
	}
	return records, nil
}

// Count returns how many live sessions a user has. An empty userID is an error;
// see CountAll.
func (s *Store) Count(ctx context.Context, userID string) (int64, error) {
	if ok, err := somebody("count sessions", userID); !ok {
		return 0, err
	}
	return s.count(ctx, queryCountOf, userID, s.now())
}

// CountAll returns how many live sessions there are.
func (s *Store) CountAll(ctx context.Context) (int64, error) {
	return s.count(ctx, queryCount, s.now())
}

// CountExpired returns how many rows Cleanup has to delete.
func (s *Store) CountExpired(ctx context.Context) (int64, error) {
	return s.count(ctx, queryCountExpired, s.now())
}

func (s *Store) count(ctx context.Context, query string, args ...any) (int64, error) {
	n, err := s.rows.count(ctx, query, args...)
	if err != nil {
		return 0, unavailable("count sessions", err)
	}
	return n, nil
}

// Find returns a live session and its values. It takes a sid, or a cookie, of
// which it uses only the sid: see Verify. It returns ErrNotFound when there is
// none. What cannot be decoded is left out of the values and reported beside
// them.
func (s *Store) Find(ctx context.Context, cookieOrSID string) (Record, map[any]any, error) {
	sid, _, _ := strings.Cut(cookieOrSID, ".")
	r, err := s.look(ctx, sid)
	if err != nil {
		return Record{}, nil, err
	}
	if err := s.decode(&r); err != nil {
		return r.Record, nil, fmt.Errorf("find session: %w", err)
	}
	values := make(map[any]any)
	if _, err := r.entries.values(values); err != nil {
		return r.Record, values, fmt.Errorf("find session: %w", err)
	}
	return r.Record, values, nil
}

// look returns the whole live row of a sid, its data not decoded, or ErrNotFound.
func (s *Store) look(ctx context.Context, sid string) (row, error) {
	if !isSID(sid) {
		return row{}, fmt.Errorf("find session: %w", ErrNotFound)
	}
	r, found, err := s.follow(ctx, sid, s.rows.find)
	if err != nil {
		return row{}, unavailable("find session", err)
	}
	if !found {
		return row{}, fmt.Errorf("find session: %w", ErrNotFound)
	}
	return r, nil
}

// Verify reports whether a cookie's value was signed with one of the secrets.
func (s *Store) Verify(cookie string) bool {
	_, _, ok := s.verify(cookie)
	return ok
}

// Revoke ends one session of a user. It returns ErrNotFound when the user has
// no such session, also when somebody else has. An empty userID is an error;
// see RevokeSID.
func (s *Store) Revoke(ctx context.Context, userID, sid string) error {
	if ok, err := somebody("revoke session", userID); !ok {
		return cmp.Or(err, errNoSession)
	}
	return s.revoke(ctx, sid, userID, queryEndOf)
}

// RevokeSID ends a session, whosever it is. It returns ErrNotFound when there
// is none.
func (s *Store) RevokeSID(ctx context.Context, sid string) error {
	return s.revoke(ctx, sid, "", queryEnd)
}

func (s *Store) revoke(ctx context.Context, sid, userID, query string) error {
	for isSID(sid) {
		args := []any{sid}
		if userID != "" {
			args = []any{userID, sid}
		}
		n, err := s.end(ctx, Event{SID: sid, UserID: userID}, query, args...)
		if err != nil || n > 0 {
			return err
		}
		trace, found, err := s.rows.read(ctx, sid, s.now())
		if err != nil {
			return unavailable("revoke session", err)
		}
		if !found {
			break
		}
		sid = trace.renewedTo // "" if it is somebody else's
	}
	return errNoSession
}

// RevokeOthers ends all sessions of the user but this one, and returns how
// many. It returns an error for a session that nobody is signed in to.
func (s *Store) RevokeOthers(ctx context.Context, session *sessions.Session) (int64, error) {
	b, err := boundOf(session)
	if err != nil {
		return 0, err
	}
	if b.row.UserID == "" {
		return 0, fmt.Errorf("revoke other sessions: %w", errNoUser)
	}
	return s.end(ctx, Event{UserID: b.row.UserID}, queryEndOthers, b.row.UserID, b.row.series)
}

// RevokeUser ends all sessions of a user, and returns how many. An empty userID
// is an error; see RevokeAll.
func (s *Store) RevokeUser(ctx context.Context, userID string) (int64, error) {
	if ok, err := somebody("revoke sessions", userID); !ok {
		return 0, err
	}
	return s.end(ctx, Event{UserID: userID}, queryEndUser, userID)
}

// RevokeOrigin ends all sessions that came out of an origin, whosever they are,
// and returns how many; see [SetOrigin].
func (s *Store) RevokeOrigin(ctx context.Context, origin string) (int64, error) {
	return s.endFrom(ctx, queryEndOrigin, origin)
}

// RevokeSubject is RevokeOrigin for all sessions that came out of a subject's.
func (s *Store) RevokeSubject(ctx context.Context, subject string) (int64, error) {
	return s.endFrom(ctx, queryEndSubject, subject)
}

func (s *Store) endFrom(ctx context.Context, query, origin string) (int64, error) {
	if !isOrigin(origin) {
		return 0, fmt.Errorf("revoke sessions: %w", errOrigin)
	}
	return s.end(ctx, Event{}, query, origin)
}

// RevokeAll ends everybody's sessions, and returns how many rows that were. It
// is one statement, so that none slips through; over a million rows it takes
// seconds.
func (s *Store) RevokeAll(ctx context.Context) (int64, error) {
	return s.end(ctx, Event{}, queryEndAll)
}

// end runs a query that ends sessions, and tells of it as event says.
func (s *Store) end(ctx context.Context, event Event, query string, args ...any) (int64, error) {
	began := time.Now()
	n, err := s.rows.db.exec(ctx, query, args...)
	event.Op, event.Count, event.Err = OpEnd, int(n), err
	s.observe(ctx, began, event)
	if err != nil {
		return 0, unavailable("revoke sessions", err)
	}
	return n, nil
}
