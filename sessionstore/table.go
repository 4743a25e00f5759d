package sessionstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobuffalo/pop/v6"
)

// Record is what the table knows of a session, without its values. Times are
// UTC.
type Record struct {
	SID             string
	UserID          string    // "" while nobody is signed in
	AuthMethod      string    // how the user signed in, as SignIn was told
	AuthenticatedAt time.Time // zero while nobody is signed in
	IP              string    // of the request that began the session
	UserAgent       string    // of the request that began the session
	CreatedAt       time.Time
	LastSeenAt      time.Time // may lag behind by Options.TouchInterval
	ExpiresAt       time.Time // when it is dead, if it is not used before
}

// A row is a Record with what only the store may see.
type row struct {
	Record
	token      token // what its cookie proves; not stored
	secretHash string
	entries    entries
	version    int64     // counts the writes; every write names the one it is based on
	deadline   time.Time // when it is dead, used or not
}

// columns are in the order of row.scan and row.args.
const columns = `sid, secret_hash, data, version, user_id, auth_method, authenticated_at, ip, user_agent, created_at, last_seen_at, deadline_at, expires_at`

const (
	queryFind   = `SELECT ` + columns + ` FROM sessions WHERE sid = ? AND expires_at > ?`
	queryInsert = `INSERT INTO sessions (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	queryUpdate = `UPDATE sessions SET sid = ?, secret_hash = ?, data = ?, version = ?, user_id = ?, auth_method = ?, authenticated_at = ?, ip = ?, user_agent = ?, created_at = ?, last_seen_at = ?, deadline_at = ?, expires_at = ?` +
		` WHERE sid = ? AND version = ? AND expires_at > ?`
	queryDelete = `DELETE FROM sessions WHERE sid = ?`
	queryList   = `SELECT ` + columns + ` FROM sessions WHERE expires_at > ? ORDER BY last_seen_at DESC, sid LIMIT ?`
	queryListOf = `SELECT ` + columns + ` FROM sessions WHERE user_id = ? AND expires_at > ? ORDER BY last_seen_at DESC, sid LIMIT ?`
	queryCount  = `SELECT COUNT(*) FROM sessions WHERE expires_at <= ?`

	queryExpired = `SELECT sid FROM sessions WHERE expires_at <= ? ORDER BY expires_at, sid LIMIT ?`

	// queryCleanup spares a session that was used again since queryExpired.
	queryCleanup = `DELETE FROM sessions WHERE expires_at <= ? AND sid IN (`

	// queryTouch never moves a session's last use or end backwards.
	queryTouch = `UPDATE sessions SET last_seen_at = ?, expires_at = CASE WHEN deadline_at < ? THEN deadline_at ELSE ? END WHERE last_seen_at < ? AND expires_at > ? AND sid IN (`
)

// table runs the queries, each prepared once. It uses the connection's pool
// directly: one statement each, so that no transaction is held open.
type table struct {
	conn  *pop.Connection
	pool  preparer
	stmts sync.Map // query → *sql.Stmt
}

type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func newTable(conn *pop.Connection) (*table, error) {
	if conn == nil {
		return nil, errors.New("sessionstore: the connection is nil")
	}
	pool, ok := conn.Store.(preparer)
	if !ok {
		return nil, errors.New("sessionstore: the connection is not open: call its Open first")
	}
	return &table{conn: conn, pool: pool}, nil
}

// prepare returns the statement of a query, written with ? for its arguments.
func (t *table) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := t.stmts.Load(query); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := t.pool.PrepareContext(ctx, t.conn.Dialect.TranslateSQL(query))
	if err != nil {
		return nil, err
	}
	if first, loaded := t.stmts.LoadOrStore(query, stmt); loaded {
		return first.(*sql.Stmt), stmt.Close()
	}
	return stmt, nil
}

// exec runs a prepared statement and returns how many rows it changed.
func (t *table) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := t.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// find returns the row of sid if it is alive at now.
func (t *table) find(ctx context.Context, sid string, now time.Time) (row, bool, error) {
	stmt, err := t.prepare(ctx, queryFind)
	if err != nil {
		return row{}, false, err
	}
	r, data, err := scanRow(stmt.QueryRowContext(ctx, sid, now))
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, false, nil
	}
	if err != nil {
		return row{}, false, err
	}
	if r.entries, err = decodeEntries(data); err != nil {
		return row{}, false, fmt.Errorf("session %s: %w", r.SID, err)
	}
	return r, true, nil
}

func (t *table) insert(ctx context.Context, r row, data []byte) error {
	_, err := t.exec(ctx, queryInsert, r.args(data)...)
	return err
}

// update replaces old by next if old is still what is there, and alive at now.
func (t *table) update(ctx context.Context, old, next row, data []byte, now time.Time) (bool, error) {
	n, err := t.exec(ctx, queryUpdate, append(next.args(data), old.SID, old.version, now)...)
	return n == 1, err
}

func (t *table) delete(ctx context.Context, sid string) (bool, error) {
	n, err := t.exec(ctx, queryDelete, sid)
	return n == 1, err
}

// list returns the newest live rows, of one user or, with "", of everybody.
func (t *table) list(ctx context.Context, userID string, now time.Time, limit int) ([]Record, error) {
	query, args := queryList, []any{now, limit}
	if userID != "" {
		query, args = queryListOf, []any{userID, now, limit}
	}
	stmt, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []Record
	for rows.Next() {
		r, _, err := scanRow(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, r.Record)
	}
	return records, rows.Err()
}

// touch records that the sessions were in use at seen.
func (t *table) touch(ctx context.Context, sids []string, seen, expires, now time.Time) error {
	_, err := t.execIn(ctx, queryTouch, sids, seen, expires, expires, seen, now)
	return err
}

// countExpired returns how many rows are dead at now.
func (t *table) countExpired(ctx context.Context, now time.Time) (n int64, err error) {
	stmt, err := t.prepare(ctx, queryCount)
	if err != nil {
		return 0, err
	}
	err = stmt.QueryRowContext(ctx, now).Scan(&n)
	return n, err
}

// deleteExpired deletes up to limit rows that are dead at now, the longest dead
// first. It deletes them in the order of their sids: two programs that delete
// the same rows wait for each other, and never both.
func (t *table) deleteExpired(ctx context.Context, now time.Time, limit int) (int64, error) {
	stmt, err := t.prepare(ctx, queryExpired)
	if err != nil {
		return 0, err
	}
	rows, err := stmt.QueryContext(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var sids []string
	for rows.Next() {
		var sid string
		if err := rows.Scan(&sid); err != nil {
			return 0, err
		}
		sids = append(sids, sid)
	}
	if err := rows.Err(); err != nil || len(sids) == 0 {
		return 0, err
	}
	slices.Sort(sids)
	return t.execIn(ctx, queryCleanup, sids, now)
}

// execIn runs a query that ends in "IN (" with the sids, of which there must be
// one at least, and returns how many rows it changed.
func (t *table) execIn(ctx context.Context, query string, sids []string, args ...any) (int64, error) {
	query += strings.Repeat("?, ", len(sids)-1) + "?)"
	for _, sid := range sids {
		args = append(args, sid)
	}
	result, err := t.pool.ExecContext(ctx, t.conn.Dialect.TranslateSQL(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

type scanner interface {
	Scan(dest ...any) error
}

// scanRow leaves the data encoded: a list shows a session whose data only a
// newer version can read.
func scanRow(from scanner) (r row, data []byte, err error) {
	var userID sql.NullString
	var authenticatedAt sql.NullTime
	err = from.Scan(&r.SID, &r.secretHash, &data, &r.version, &userID, &r.AuthMethod, &authenticatedAt,
		&r.IP, &r.UserAgent, &r.CreatedAt, &r.LastSeenAt, &r.deadline, &r.ExpiresAt)
	if err != nil {
		return row{}, nil, err
	}
	r.UserID, r.AuthenticatedAt = userID.String, authenticatedAt.Time
	for _, at := range []*time.Time{&r.AuthenticatedAt, &r.CreatedAt, &r.LastSeenAt, &r.deadline, &r.ExpiresAt} {
		*at = at.UTC()
	}
	return r, data, nil
}

// args are the row's values in the order of columns.
func (r row) args(data []byte) []any {
	return []any{r.SID, r.secretHash, data, r.version,
		sql.NullString{String: r.UserID, Valid: r.UserID != ""}, r.AuthMethod,
		sql.NullTime{Time: r.AuthenticatedAt, Valid: !r.AuthenticatedAt.IsZero()},
		r.IP, r.UserAgent, r.CreatedAt, r.LastSeenAt, r.deadline, r.ExpiresAt}
}
