package sessionstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobuffalo/pop/v6"
)

// Record is what the table knows of a session, without its values. Times are
// UTC.
type Record struct {
	SID             string
	UserID          string    // "" while nobody is signed in
	AuthMethod      string    // how the user signed in, as SignIn was told
	AuthenticatedAt time.Time // zero while nobody is signed in, and where nobody knows
	Remembered      bool      // whether the user asked for it; see Remember
	IP              string    // of the request that began the session
	UserAgent       string    // of the request that began the session
	CreatedAt       time.Time
	LastSeenAt      time.Time // may lag behind by Options.TouchInterval
	ExpiresAt       time.Time // when it is dead, if it is not used before
	Label           string    // what Issue was told to call it; "" for none
}

// A row is a Record with what only the store may see. Most requests only read,
// and have no use for most of it: it is whole when something needs it to be.
type row struct {
	Record
	whole      bool
	token      token // what its cookie proves; not stored
	secretHash string
	data       []byte    // the entries as they are stored
	entries    entries   // as decode found them
	stale      bool      // data is encrypted under an older secret
	version    int64     // counts the writes; every write names the one it is based on
	series     string    // its first sid, the same through every renewal
	renewedTo  string    // of a sid that has been renewed: the next
	renewedAt  time.Time // when it got its sid; zero if that was before it was written down
	deadline   time.Time // when it is dead, used or not
	origin     string    // what its sign-in came out of; see SetOrigin
	subject    string    // and of whose
}

// The columns are in the order of dest and of row.args.
const (
	readColumns   = `user_id, last_seen_at, expires_at, secret_hash, data, version, series, renewed_to`
	recordColumns = `sid, user_id, auth_method, authenticated_at, remembered, ip, user_agent, created_at, last_seen_at, expires_at, label`
	columns       = recordColumns + `, secret_hash, data, version, series, renewed_to, renewed_at, deadline_at, origin, origin_subject`
)

const (
	queryRead   = `SELECT ` + readColumns + ` FROM sessions WHERE sid = ? AND expires_at > ?`
	queryFind   = `SELECT ` + columns + ` FROM sessions WHERE sid = ? AND expires_at > ?`
	queryLock   = queryFind + ` FOR UPDATE`
	queryInsert = `INSERT INTO sessions (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	queryUpdate = `UPDATE sessions SET sid = ?, user_id = ?, auth_method = ?, authenticated_at = ?, remembered = ?, ip = ?, user_agent = ?, created_at = ?, last_seen_at = ?, expires_at = ?, label = ?,` +
		` secret_hash = ?, data = ?, version = ?, series = ?, renewed_to = ?, renewed_at = ?, deadline_at = ?, origin = ?, origin_subject = ?` +
		` WHERE sid = ? AND version = ? AND expires_at > ?`

	// queryChange ends a session no later than refresh does.
	queryChange = `UPDATE sessions SET data = ?, version = ?, last_seen_at = ?,` +
		` expires_at = CASE WHEN remembered OR deadline_at < ? THEN deadline_at ELSE ? END` +
		` WHERE sid = ? AND version = ? AND expires_at > ?`

	// What has been renewed is found under its next sid only.
	queryList    = `SELECT ` + recordColumns + ` FROM sessions WHERE expires_at > ? AND renewed_to = '' ORDER BY last_seen_at DESC, sid LIMIT ?`
	queryListOf  = `SELECT ` + recordColumns + ` FROM sessions WHERE user_id = ? AND expires_at > ? ORDER BY last_seen_at DESC, sid LIMIT ?`
	queryCount   = `SELECT COUNT(*) FROM sessions WHERE expires_at > ? AND renewed_to = ''`
	queryCountOf = `SELECT COUNT(*) FROM sessions WHERE user_id = ? AND expires_at > ?`

	queryEnd        = `DELETE FROM sessions WHERE sid = ? AND renewed_to = ''`
	queryEndOf      = `DELETE FROM sessions WHERE user_id = ? AND sid = ?`
	queryEndSeries  = `DELETE FROM sessions WHERE user_id = ? AND series = ?`
	queryEndNobodys = `DELETE FROM sessions WHERE user_id IS NULL AND series = ?`
	queryEndOthers  = `DELETE FROM sessions WHERE user_id = ? AND series <> ?`
	queryEndUser    = `DELETE FROM sessions WHERE user_id = ?`
	queryEndOrigin  = `DELETE FROM sessions WHERE origin = ?`
	queryEndSubject = `DELETE FROM sessions WHERE origin_subject = ?`
	queryEndAll     = `DELETE FROM sessions`

	// queryOver finds what is over the limit. Every program agrees on the order.
	queryOver    = `SELECT series FROM sessions WHERE user_id = ? AND expires_at > ? ORDER BY last_seen_at DESC, sid LIMIT ? OFFSET ?`
	queryEndOver = `DELETE FROM sessions WHERE user_id = ? AND series IN (`

	queryCountExpired = `SELECT COUNT(*) FROM sessions WHERE expires_at <= ?`
	queryExpired      = `SELECT sid FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`

	// queryCleanup spares a session that was used again since queryExpired.
	queryCleanup = `DELETE FROM sessions WHERE expires_at <= ? AND sid IN (`

	// queryTouch never moves a session's last use or end backwards.
	queryTouch = `UPDATE sessions SET last_seen_at = ?,` +
		` expires_at = CASE WHEN deadline_at < ? THEN deadline_at WHEN expires_at > ? THEN expires_at ELSE ? END` +
		` WHERE last_seen_at < ? AND expires_at > ? AND sid IN (`
)

// table holds the queries.
type table struct{ db *database }

func newTable(conn *pop.Connection) (*table, error) {
	db, err := newDatabase(conn)
	return &table{db}, err
}

// read returns the row of sid if it is alive at now, as far as a request needs
// it that only reads, its data not decoded.
func (t *table) read(ctx context.Context, sid string, now time.Time) (r row, found bool, err error) {
	r.SID = sid
	found, err = t.found(ctx, queryRead, sid, now, r.readDest())
	return r, found, err
}

// find is read for the whole row.
func (t *table) find(ctx context.Context, sid string, now time.Time) (r row, found bool, err error) {
	r.whole = true
	found, err = t.found(ctx, queryFind, sid, now, r.dest())
	return r, found, err
}

// findNewest is find for a row that is about to be written again. In a
// transaction that saw an older one it sees the newest, too.
func (t *table) findNewest(ctx context.Context, sid string, now time.Time) (r row, found bool, err error) {
	if t.db.sqlite || transactionOf(ctx) == nil {
		return t.find(ctx, sid, now)
	}
	r.whole = true
	found, err = t.found(ctx, queryLock, sid, now, r.dest())
	return r, found, err
}

func (t *table) found(ctx context.Context, query, sid string, now time.Time, dest []any) (bool, error) {
	err := t.db.one(ctx, query, []any{sid, now}, dest)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (t *table) insert(ctx context.Context, r row) error {
	_, err := t.db.exec(ctx, queryInsert, r.args()...)
	return err
}

// update replaces old by next if old is still what is there, and alive at now.
func (t *table) update(ctx context.Context, old, next row, now time.Time) (bool, error) {
	n, err := t.db.exec(ctx, queryUpdate, append(next.args(), old.SID, old.version, now)...)
	return n == 1, err
}

// change is update where nothing but the data changes.
func (t *table) change(ctx context.Context, old, next row, now time.Time) (bool, error) {
	n, err := t.db.exec(ctx, queryChange, next.data, next.version, next.LastSeenAt, next.ExpiresAt, next.ExpiresAt,
		old.SID, old.version, now)
	return n == 1, err
}

// updateLeaving is update, and leaves trace at the sid that old had.
func (t *table) updateLeaving(ctx context.Context, old, next, trace row, now time.Time) (done bool, err error) {
	err = t.db.together(ctx, func(ctx context.Context) error {
		if done, err = t.update(ctx, old, next, now); err != nil || !done {
			return err
		}
		return t.insert(ctx, trace)
	})
	return done && err == nil, err
}

// end deletes the row of a session, wherever renewals have taken it.
func (t *table) end(ctx context.Context, r row) (int64, error) {
	n, err := t.db.exec(ctx, queryEnd, r.SID)
	switch {
	case err != nil || n > 0 || r.series == "":
		return n, err
	case r.UserID == "":
		return t.db.exec(ctx, queryEndNobodys, r.series)
	}
	return t.db.exec(ctx, queryEndSeries, r.UserID, r.series)
}

// over returns the series of a user's sessions beyond the limit last used ones.
func (t *table) over(ctx context.Context, userID string, limit int, now time.Time) ([]string, error) {
	return all(ctx, t.db, queryOver, []any{userID, now, batchSize, limit}, scanText)
}

// list returns the live rows used last, of one user or, with "", of everybody.
func (t *table) list(ctx context.Context, userID string, now time.Time, limit int) ([]Record, error) {
	if userID != "" {
		return all(ctx, t.db, queryListOf, []any{userID, now, limit}, scanRecord)
	}
	return all(ctx, t.db, queryList, []any{now, limit}, scanRecord)
}

func (t *table) count(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = t.db.one(ctx, query, args, []any{&n})
	return n, err
}

// touch records that the sessions were in use at seen.
func (t *table) touch(ctx context.Context, sids []string, seen, expires, now time.Time) error {
	_, err := t.execIn(ctx, queryTouch, sids, seen, expires, expires, expires, seen, now)
	return err
}

// expired returns the sids of up to limit rows that are dead at now, the longest
// dead first.
func (t *table) expired(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return all(ctx, t.db, queryExpired, []any{now, limit}, scanText)
}

// deleteExpired deletes those rows that are dead at now. It deletes them in the
// order of their sids: two programs that delete the same rows wait for each
// other, and never both.
func (t *table) deleteExpired(ctx context.Context, sids []string, now time.Time) (int64, error) {
	slices.Sort(sids)
	return t.execIn(ctx, queryCleanup, sids, now)
}

// execIn runs a query that ends in "IN (" with the texts, of which there must be
// one at least, and returns how many rows it changed.
func (t *table) execIn(ctx context.Context, query string, in []string, args ...any) (int64, error) {
	query += strings.Repeat("?, ", len(in)-1) + "?)"
	for _, text := range in {
		args = append(args, text)
	}
	return t.db.execOnce(ctx, query, args...)
}

// text reads NULL as "".
type text string

func (t *text) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = ""
	case string:
		*t = text(v)
	case []byte:
		*t = text(v)
	default:
		return fmt.Errorf("a %T in a column for text", v)
	}
	return nil
}

// utc reads NULL as the zero time, and every time as UTC.
type utc time.Time

func (u *utc) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*u = utc{}
	case time.Time:
		*u = utc(v.UTC())
	default:
		return fmt.Errorf("a %T in a column for times", v)
	}
	return nil
}

// dest is where recordColumns are scanned to.
func (r *Record) dest() []any {
	return []any{&r.SID, (*text)(&r.UserID), &r.AuthMethod, (*utc)(&r.AuthenticatedAt), &r.Remembered,
		&r.IP, &r.UserAgent, (*utc)(&r.CreatedAt), (*utc)(&r.LastSeenAt), (*utc)(&r.ExpiresAt), (*text)(&r.Label)}
}

// dest is where columns are scanned to.
func (r *row) dest() []any {
	return append(r.Record.dest(), &r.secretHash, &r.data, &r.version, &r.series, &r.renewedTo,
		(*utc)(&r.renewedAt), (*utc)(&r.deadline), (*text)(&r.origin), (*text)(&r.subject))
}

// readDest is where readColumns are scanned to.
func (r *row) readDest() []any {
	return []any{(*text)(&r.UserID), (*utc)(&r.LastSeenAt), (*utc)(&r.ExpiresAt),
		&r.secretHash, &r.data, &r.version, &r.series, &r.renewedTo}
}

func scanRecord(from scanner) (r Record, err error) {
	err = from.Scan(r.dest()...)
	return r, err
}

func scanText(from scanner) (text string, err error) {
	err = from.Scan(&text)
	return text, err
}

// args are the row's values in the order of columns.
func (r row) args() []any {
	return []any{r.SID, orNull(r.UserID), r.AuthMethod, orNull(r.AuthenticatedAt), r.Remembered,
		r.IP, r.UserAgent, r.CreatedAt, r.LastSeenAt, r.ExpiresAt, orNull(r.Label), r.secretHash, r.data, r.version,
		r.series, r.renewedTo, orNull(r.renewedAt), r.deadline, orNull(r.origin), orNull(r.subject)}
}

// orNull is v, or NULL for the zero value.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}
