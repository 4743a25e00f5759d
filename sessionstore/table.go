package sessionstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gobuffalo/pop/v6"
)

var (
	// All queries get their columns from row.fields.
	allFields     = new(row).fields()
	columns       = columnsOf(allFields[:], "")
	readColumns   = columnsOf(allFields[:forReading], "")
	recordColumns = columnsOf(allFields[recordFrom:recordTo], "")

	// insertRow follows INSERT INTO.
	insertRow = ` sessions (` + columns + `) VALUES (` + strings.Repeat("?, ", fieldCount-1) + `?)`

	queryRead   = `SELECT ` + readColumns + ` FROM sessions WHERE sid = ? AND expires_at > ?`
	queryFind   = `SELECT ` + columns + ` FROM sessions WHERE sid = ? AND expires_at > ?`
	queryInsert = `INSERT INTO` + insertRow
	queryUpdate = `UPDATE sessions SET ` + columnsOf(allFields[:], " = ?") + ` WHERE sid = ? AND version = ? AND expires_at > ?`

	// queryChange sets expires_at as refresh does for a full row.
	queryChange = `UPDATE sessions SET data = ?, version = ?, last_seen_at = ?,` +
		` expires_at = CASE WHEN remembered OR deadline_at < ? THEN deadline_at ELSE ? END` +
		` WHERE sid = ? AND version = ? AND expires_at > ?`

	// A redirect row is not a session, so it is never deleted as one. It keeps an old
	// session from being adopted again.
	queryRevoke                = `DELETE FROM sessions WHERE sid = ? AND renewed_to = ''`
	queryRevokeFamily          = `DELETE FROM sessions WHERE user_id = ? AND family = ?`
	queryRevokeAnonymousFamily = `DELETE FROM sessions WHERE user_id IS NULL AND family = ?`
	queryRevokeAll             = `DELETE FROM sessions WHERE renewed_to = ''`

	// queryExcess finds the sessions over a limit, in the same order for all programs.
	queryExcess = `SELECT family FROM sessions WHERE user_id = ? AND expires_at > ? ORDER BY last_seen_at DESC, sid LIMIT ? OFFSET ?`
	queryEvict  = `DELETE FROM sessions WHERE user_id = ? AND family IN (`

	queryExpired = `SELECT sid FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`

	// queryCleanup keeps a session that was used after queryExpired ran.
	queryCleanup = `DELETE FROM sessions WHERE expires_at <= ? AND sid IN (`

	// queryTouch never moves last_seen_at or expires_at backwards.
	queryTouch = `UPDATE sessions SET last_seen_at = ?,` +
		` expires_at = CASE WHEN deadline_at < ? THEN deadline_at WHEN expires_at > ? THEN expires_at ELSE ? END` +
		` WHERE last_seen_at < ? AND expires_at > ? AND sid IN (`
)

// table runs the queries.
type table struct{ db *database }

func newTable(conn *pop.Connection) (*table, error) {
	db, err := newDatabase(conn)
	return &table{db}, err
}

// read returns the columns that a read-only request needs, of the row of sid if it is
// live at now. It does not decode the data.
func (t *table) read(ctx context.Context, sid string, now time.Time) (r row, found bool, err error) {
	fields := r.fields()
	r.SID = sid
	found, err = t.found(ctx, queryRead, sid, now, places(fields[:forReading]))
	return r, found, err
}

// find is read for all columns.
func (t *table) find(ctx context.Context, sid string, now time.Time) (row, bool, error) {
	return t.findBy(ctx, queryFind, sid, now)
}

// findNewest is find for a row that is then written: it sees the newest version even in
// a transaction that has read an older one.
func (t *table) findNewest(ctx context.Context, sid string, now time.Time) (row, bool, error) {
	if t.db.transactionOf(ctx) == nil {
		return t.find(ctx, sid, now)
	}
	return t.findBy(ctx, queryFind+t.db.newest, sid, now)
}

func (t *table) findBy(ctx context.Context, query, sid string, now time.Time) (r row, found bool, err error) {
	fields := r.fields()
	r.full = true
	found, err = t.found(ctx, query, sid, now, places(fields[:]))
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
	_, err := t.put(ctx, queryInsert, r)
	return err
}

// insertNew is like insert, but does nothing and returns false if the sid exists.
func (t *table) insertNew(ctx context.Context, r row) (inserted bool, err error) {
	n, err := t.put(ctx, t.db.dialect.insertNew[0]+insertRow+t.db.dialect.insertNew[1], r)
	return n == 1, err
}

// update replaces old by next if the row has not changed and is live at now.
func (t *table) update(ctx context.Context, old, next row, now time.Time) (bool, error) {
	n, err := t.put(ctx, queryUpdate, next, old.SID, old.version, now)
	return n == 1, err
}

// put runs a query whose arguments are all columns of r, then args.
func (t *table) put(ctx context.Context, query string, r row, args ...any) (int64, error) {
	fields := r.fields()
	stored, err := values(fields[:])
	if err != nil {
		return 0, err
	}
	return t.db.exec(ctx, query, append(stored, args...)...)
}

// change is update for a change of the data only.
func (t *table) change(ctx context.Context, old, next row, now time.Time) (bool, error) {
	n, err := t.db.exec(ctx, queryChange, next.data, next.version, next.LastSeenAt, next.ExpiresAt, next.ExpiresAt,
		old.SID, old.version, now)
	return n == 1, err
}

// updateLeaving is update that also inserts a redirect row.
func (t *table) updateLeaving(ctx context.Context, old, next, redirect row, now time.Time) (done bool, err error) {
	err = t.db.inTransaction(ctx, func(ctx context.Context) error {
		if done, err = t.update(ctx, old, next, now); err != nil || !done {
			return err
		}
		return t.insert(ctx, redirect)
	})
	return done && err == nil, err
}

// revoke deletes the row of a session, even if it was renewed meanwhile.
func (t *table) revoke(ctx context.Context, r row) (int64, error) {
	n, err := t.db.exec(ctx, queryRevoke, r.SID)
	switch {
	case err != nil || n > 0 || r.family == "":
		return n, err
	case r.UserID == "":
		return t.db.exec(ctx, queryRevokeAnonymousFamily, r.family)
	}
	return t.db.exec(ctx, queryRevokeFamily, r.UserID, r.family)
}

// excess returns the families of a user's sessions, except for the limit most recently
// used ones.
func (t *table) excess(ctx context.Context, userID string, limit int, now time.Time) ([]string, error) {
	return all(ctx, t.db, queryExcess, []any{userID, now, batchSize, limit}, scanText)
}

// touch records that the sessions were in use at seen.
func (t *table) touch(ctx context.Context, sids []string, seen, expires, now time.Time) error {
	_, err := t.execIn(ctx, queryTouch, sids, seen, expires, expires, expires, seen, now)
	return err
}

// expired returns the sids of up to limit rows that are expired at now, those that
// expired first.
func (t *table) expired(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return all(ctx, t.db, queryExpired, []any{now, limit}, scanText)
}

// deleteExpired deletes the rows that are expired at now. It sorts sids, so that two
// programs that delete the same rows cannot deadlock.
func (t *table) deleteExpired(ctx context.Context, sids []string, now time.Time) (int64, error) {
	slices.Sort(sids)
	return t.execIn(ctx, queryCleanup, sids, now)
}

// execIn runs a query that ends in "IN (" with a list of at least one text, and returns
// the number of changed rows.
func (t *table) execIn(ctx context.Context, query string, in []string, args ...any) (int64, error) {
	query += strings.Repeat("?, ", len(in)-1) + "?)"
	for _, text := range in {
		args = append(args, text)
	}
	return t.db.execOnce(ctx, query, args...)
}

func scanRecord(from scanner) (Record, error) {
	var r row
	fields := r.fields()
	err := from.Scan(places(fields[recordFrom:recordTo])...)
	return r.Record, err
}

func scanText(from scanner) (text string, err error) {
	err = from.Scan(&text)
	return text, err
}
