package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrCursor says that a cursor is none that Search returned.
var ErrCursor = errors.New("the cursor is not one of this list")

// Search says which live sessions to look for; the zero value of a field leaves it
// out of account. Each of them is answered from an index, at a million sessions too.
type Search struct {
	UserID     string
	IP         string
	AuthMethod string
	SignedIn   *bool  // true: somebody's; false: nobody's
	After      string // the cursor of the page before; "" for the first page
	Limit      int    // 1 or more
}

// Search returns a page of live sessions, the newest first, and the cursor of the
// next page, which is "" on the last. Sessions that begin meanwhile do not move the
// pages. It returns ErrCursor and ErrUnavailable.
func (s *Store) Search(ctx context.Context, search Search) (page []Record, next string, err error) {
	if search.Limit < 1 {
		return nil, "", fmt.Errorf("search sessions: limit is %d, want 1 or more", search.Limit)
	}
	query, args, err := search.query(s.now())
	if err != nil {
		return nil, "", fmt.Errorf("search sessions: %w", err)
	}
	page, err = all(ctx, s.rows.db, query, args, scanRecord)
	if err != nil {
		return nil, "", unavailable("search sessions", err)
	}
	if len(page) > search.Limit {
		page = page[:search.Limit]
		next = cursorOf(page[search.Limit-1])
	}
	return page, next, nil
}

// query is the statement that finds the page, and one row more.
func (q Search) query(now time.Time) (string, []any, error) {
	// IS TRUE keeps SQLite from the index of expires_at, and the range of created_at
	// leads it to that one: otherwise it reads all live sessions, and sorts them.
	created, sid := time.UnixMicro(maxCursor).UTC(), ""
	if q.After != "" {
		var err error
		if created, sid, err = parseCursor(q.After); err != nil {
			return "", nil, err
		}
	}
	where, args := []string{"created_at <= ?", "(expires_at > ?) IS TRUE", "renewed_to = ''"}, []any{created, now}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	for _, field := range [][2]string{{"user_id", q.UserID}, {"ip", q.IP}, {"auth_method", q.AuthMethod}} {
		if field[1] != "" {
			add(field[0]+" = ?", clean(field[1], maxUserAgent)) // which also makes it text of a database
		}
	}
	switch {
	case q.SignedIn == nil:
	case *q.SignedIn:
		add("user_id IS NOT NULL")
	default:
		add("user_id IS NULL")
	}
	if q.After != "" {
		add("(created_at < ? OR sid < ?)", created, sid)
	}
	return "SELECT " + recordColumns + " FROM sessions WHERE " + strings.Join(where, " AND ") +
		" ORDER BY created_at DESC, sid DESC LIMIT ?", append(args, q.Limit+1), nil
}

// A cursor is the moment at which the last session of a page was created, in
// microseconds of Unix time, and its sid.
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
