package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// List returns up to limit live sessions, newest first, and the cursor of the next
// page, which is "" on the last page. after is such a cursor, or "" for the first
// page. Sessions that begin meanwhile do not move the pages. It returns ErrCursor and
// ErrUnavailable.
//
// Filters by user are fast at any number of sessions. Filters by IP or AuthMethod
// need an index of your own on that column and created_at.
func (s *Store) List(ctx context.Context, f Filter, after string, limit int) (page []Record, next string, err error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("list sessions: limit is %d, want 1 or more", limit)
	}
	w, err := f.where()
	if err != nil || w == nil {
		return nil, "", wrap("list sessions", err)
	}
	if err := w.page(s.now(), after); err != nil {
		return nil, "", wrap("list sessions", err)
	}
	query := "SELECT " + recordColumns + " FROM sessions WHERE " + w.text + " ORDER BY created_at DESC, sid DESC LIMIT ?"
	page, err = all(ctx, s.rows.db, query, append(w.args, more(limit)), scanRecord)
	if err != nil {
		return nil, "", s.unavailable("list sessions", err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = cursorOf(page[limit-1])
	}
	return page, next, nil
}

// more is limit and one, to see whether there is another page.
func more(limit int) int { return min(limit, math.MaxInt32) + 1 }

// Count returns how many live sessions match. It returns ErrUnavailable.
func (s *Store) Count(ctx context.Context, f Filter) (n int64, err error) {
	w, err := f.where()
	if err != nil || w == nil {
		return 0, wrap("count sessions", err)
	}
	w.add("expires_at > ?", s.now())
	if err := s.rows.db.one(ctx, "SELECT COUNT(*) FROM sessions WHERE "+w.text, w.args, []any{&n}); err != nil {
		return 0, s.unavailable("count sessions", err)
	}
	return n, nil
}

// Revoke ends the sessions that match, at once and on every instance, and returns
// how many rows that were. It returns an error for a Filter that matches every
// session, see RevokeAll, and ErrUnavailable.
func (s *Store) Revoke(ctx context.Context, f Filter) (int64, error) {
	if f.matchesAll() {
		return 0, wrap("revoke sessions", errAll)
	}
	for {
		w, err := f.where()
		if err != nil || w == nil {
			return 0, wrap("revoke sessions", err)
		}
		n, err := s.end(ctx, f, "DELETE FROM sessions WHERE "+w.text, w.args...)
		if err != nil || n > 0 || f.SID == "" {
			return n, err
		}
		redirect, found, err := s.rows.read(ctx, f.SID, s.now())
		if err != nil {
			return 0, s.unavailable("revoke sessions", err)
		}
		if !found || redirect.renewedTo == "" {
			return 0, nil
		}
		f.SID = redirect.renewedTo
	}
}

// RevokeAll ends the sessions of all users and all anonymous ones, and returns how
// many rows that were. It is one statement, so no session escapes it; over a million
// rows it takes seconds. It returns ErrUnavailable.
func (s *Store) RevokeAll(ctx context.Context) (int64, error) {
	return s.end(ctx, Filter{}, queryEndAll)
}

// end runs a query that revokes sessions, and reports it to the observer.
func (s *Store) end(ctx context.Context, f Filter, query string, args ...any) (int64, error) {
	began := time.Now()
	n, err := s.rows.db.exec(ctx, query, args...)
	s.observe(ctx, began, Event{Op: opRevoke, SID: f.SID, UserID: f.UserID, Count: int(n), Err: err})
	if err != nil {
		return 0, s.unavailable("revoke sessions", err)
	}
	return n, nil
}

// Inspect returns a live session and its values, for operators. It is no proof that
// anybody may use the session. It returns ErrNotFound and ErrUnavailable. What cannot
// be decoded is left out of the values and reported as an error beside them.
func (s *Store) Inspect(ctx context.Context, sid string) (Record, map[any]any, error) {
	r, err := s.look(ctx, sid)
	if err != nil {
		return Record{}, nil, wrap("inspect session", err)
	}
	if err := s.decode(&r); err != nil {
		return r.Record, nil, wrap("inspect session", err)
	}
	values := make(map[any]any)
	_, err = r.entries.DecodeInto(values)
	return r.Record, values, wrap("inspect session", err)
}

// look returns all columns of the live row of a sid, its data not decoded, or
// ErrNotFound.
func (s *Store) look(ctx context.Context, sid string) (row, error) {
	if !isSID(sid) {
		return row{}, ErrNotFound
	}
	r, found, err := s.follow(ctx, sid, s.rows.find)
	if err != nil {
		return row{}, s.unavailable("read session", err)
	}
	if !found {
		return row{}, ErrNotFound
	}
	return r, nil
}

// A cursor is when the last session of a page was created, in microseconds of Unix
// time, and its sid.
func cursorOf(r Record) string { return strconv.FormatInt(r.CreatedAt.UnixMicro(), 10) + "." + r.SID }

func parseCursor(cursor string) (created time.Time, sid string, err error) {
	micros, sid, _ := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || n < 0 || n > maxCursor || !isSID(sid) {
		return time.Time{}, "", ErrCursor
	}
	return time.UnixMicro(n).UTC(), sid, nil
}

// maxCursor is the end of the year 9999, which every database knows.
const maxCursor = 253402300799_000000

// wrap says what failed, unless err is nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// unavailable marks a failed query; see database.unavailable.
func (s *Store) unavailable(doing string, err error) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrConflict) {
		return wrap(doing, err)
	}
	return s.rows.db.unavailable(doing, err)
}
