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

// List returns a page of live sessions, newest first: at most limit of them, which must be
// 1 or more. For the first page, after is "". For each further page, it is the next that
// the page before returned; next is "" on the last page. Sessions that start meanwhile do
// not shift the pages. Access tokens are listed too; Record.AuthMethod is then "token".
//
// It returns ErrValue for an invalid cursor, ErrUnavailable or ErrConflict,
// ErrForeign for the session in f.Except, and an error for an invalid filter or limit. It
// is safe for concurrent use.
//
// Selecting by UserID is fast in large tables. Selecting by IP or AuthMethod alone is
// not, unless you add an index on that column and created_at.
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

// more is limit plus one, to find out whether there is another page.
func more(limit int) int { return min(limit, math.MaxInt32) + 1 }

// Count returns the number of live sessions that match f. It is safe for concurrent use
// and returns the errors of [Store.List].
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

// Revoke deletes the sessions that match f, and returns the number of deleted rows, which
// includes expired sessions that were not cleaned up yet. Their cookies and access tokens
// stop working at once, on every instance (OWASP ASVS 5.0, 7.4.1). With f.SID it also
// finds the session if [Options].RenewAfter has just replaced that sid. Matching nothing
// is not an error.
//
// To let users revoke only their own sessions, set both SID and UserID (7.5.2).
//
// It returns the errors of [Store.List], and an error for a filter that matches every
// session; use [Store.RevokeAll] for that. It is safe for concurrent use.
func (s *Store) Revoke(ctx context.Context, f Filter) (int64, error) {
	if f.matchesAll() {
		return 0, wrap("revoke sessions", errAll)
	}
	for {
		w, err := f.where()
		if err != nil || w == nil {
			return 0, wrap("revoke sessions", err)
		}
		n, err := s.revoke(ctx, f, "DELETE FROM sessions WHERE "+w.text, w.args...)
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

// RevokeAll deletes all sessions, including anonymous ones and access tokens, and returns
// the number of deleted rows. It is a single statement, so it misses no session; with a
// million rows it takes seconds. It does not affect old sessions that are not adopted yet:
// remove Options.Adopt for that. It returns ErrUnavailable or ErrConflict. It is safe for
// concurrent use.
func (s *Store) RevokeAll(ctx context.Context) (int64, error) {
	return s.revoke(ctx, Filter{}, queryRevokeAll)
}

// revoke runs a query that deletes sessions, and reports it to the observer.
func (s *Store) revoke(ctx context.Context, f Filter, query string, args ...any) (int64, error) {
	began := time.Now()
	n, err := s.rows.db.exec(ctx, query, args...)
	s.observe(ctx, began, Event{Op: opRevoke, SID: f.SID, UserID: f.UserID, Count: int(n), Err: err})
	if err != nil {
		return 0, s.unavailable("revoke sessions", err)
	}
	return n, nil
}

// Inspect returns the record and the values of a live session, for operators. It does not
// authenticate anyone: a sid is not secret. It does not count as a use of the session.
// If the sid was just replaced by [Options].RenewAfter, it returns the session with
// its new sid.
//
// It returns ErrNotFound, ErrUnavailable or ErrConflict. If a value cannot be decoded,
// Inspect returns the others together with an error; if the data is damaged or cannot be
// decrypted, it returns the record, nil and an error. It is safe for concurrent use.
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

// look returns all columns of the live row of a sid, without decoding its data, or
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

// A cursor is the creation time of the last session of a page, in Unix microseconds, and
// its sid.
func cursorOf(r Record) string { return strconv.FormatInt(r.CreatedAt.UnixMicro(), 10) + "." + r.SID }

func parseCursor(cursor string) (created time.Time, sid string, err error) {
	micros, sid, _ := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || n < 0 || n > maxCursor || !isSID(sid) {
		return time.Time{}, "", fmt.Errorf("%w: cursor %q: use one that List returned", ErrValue, clean(cursor, maxUserAgent))
	}
	return time.UnixMicro(n).UTC(), sid, nil
}

// maxCursor is the end of the year 9999, which every database accepts.
const maxCursor = 253402300799_000000

// wrap is fmt.Errorf("doing: %w", err), or nil if err is nil.
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
