package sessionstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore/internal/contextkey"
)

// attempts limits how often a statement is run that fails because of other
// transactions.
const attempts = 10

// A querier runs statements: a pool of connections, or one transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

type pool interface {
	querier
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	Conn(ctx context.Context) (*sql.Conn, error)
	Stats() sql.DBStats
	TransactionContext(ctx context.Context) (*pop.Tx, error)
}

type popDialect interface {
	Name() string
	Details() *pop.ConnectionDetails
	TranslateSQL(query string) string
	Lock(do func() error) error
}

// A databaseID tells databases apart.
type databaseID struct{ dialect, host, port, name string }

func idOf(d popDialect) databaseID {
	details := d.Details()
	return databaseID{d.Name(), details.Host, details.Port, details.Database}
}

// A database runs queries. If the context has a transaction on it, the query runs in
// that; otherwise it is prepared once and runs on its own.
type database struct {
	dialect
	id      databaseID
	pool    pool
	pop     popDialect
	popLock bool          // Pop has a lock for all writes to SQLite
	writing chan struct{} // holds one element while a goroutine writes to SQLite
	waiting queue         // the writes to SQLite that wait for that goroutine
	stmts   sync.Map      // query → *sql.Stmt
	texts   sync.Map      // query → its text in the dialect
}

func newDatabase(conn *pop.Connection) (*database, error) {
	if conn == nil {
		return nil, errors.New("sessionstore: the connection is nil: pass an open one")
	}
	p, ok := conn.Store.(pool)
	if !ok {
		return nil, errors.New("sessionstore: the connection is not open: call its Open method first")
	}
	known, ok := dialects[conn.Dialect.Name()]
	if !ok {
		return nil, fmt.Errorf("sessionstore: unsupported dialect %q: use sqlite3, postgres, cockroach, mysql or mariadb", conn.Dialect.Name())
	}
	d := &database{dialect: known, id: idOf(conn.Dialect), pool: p, pop: conn.Dialect, writing: make(chan struct{}, 1)}
	d.popLock = d.oneWriter && conn.Dialect.Details().Options["lock"] != "false"
	return d, nil
}

// transactionOf returns the transaction of ctx if that is on this database, or nil.
func (d *database) transactionOf(ctx context.Context) *transaction {
	if tx := transactionOf(ctx); tx != nil && tx.database == d.id {
		return tx
	}
	return nil
}

// prepare returns the statement of a query.
func (d *database) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := d.stmts.Load(query); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := d.pool.PrepareContext(ctx, d.translated(query))
	if err != nil {
		return nil, err
	}
	if first, loaded := d.stmts.LoadOrStore(query, stmt); loaded {
		return first.(*sql.Stmt), stmt.Close()
	}
	return stmt, nil
}

// translated returns the query in the syntax of Pop's dialect. It keeps the result,
// because translating is slow.
func (d *database) translated(query string) string {
	if text, ok := d.texts.Load(query); ok {
		return text.(string)
	}
	text := d.pop.TranslateSQL(query)
	d.texts.Store(query, text)
	return text
}

type scanner interface {
	Scan(dest ...any) error
}

// one scans the only row of a query into dest. It may return sql.ErrNoRows.
func (d *database) one(ctx context.Context, query string, args, dest []any) error {
	if tx := d.transactionOf(ctx); tx != nil {
		return tx.note(d, tx.QueryRowContext(ctx, d.translated(query), args...).Scan(dest...))
	}
	if d.direct {
		err := d.retry(ctx, func() error { return d.oneDirect(ctx, query, args, dest) })
		if !errors.Is(err, driver.ErrSkip) {
			return err
		}
	}
	stmt, err := d.prepare(ctx, query)
	if err != nil {
		return err
	}
	return d.retry(ctx, func() error { return stmt.QueryRowContext(d.unwatched(ctx), args...).Scan(dest...) })
}

// all runs a query for any number of rows and returns the result of scan for each. The
// query is not prepared, because its text may be different each time.
func all[T any](ctx context.Context, d *database, query string, args []any, scan func(scanner) (T, error)) (found []T, err error) {
	query = d.pop.TranslateSQL(query)
	if tx := d.transactionOf(ctx); tx != nil {
		found, err = collect(scan)(tx.QueryContext(ctx, query, args...))
		return found, tx.note(d, err)
	}
	err = d.retry(ctx, func() error {
		found, err = collect(scan)(d.pool.QueryContext(ctx, query, args...))
		return err
	})
	return found, err
}

func collect[T any](scan func(scanner) (T, error)) func(*sql.Rows, error) ([]T, error) {
	return func(rows *sql.Rows, err error) ([]T, error) {
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var found []T
		for rows.Next() {
			item, err := scan(rows)
			if err != nil {
				return nil, err
			}
			found = append(found, item)
		}
		return found, rows.Err()
	}
}

// exec runs a prepared statement and returns the number of changed rows.
func (d *database) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	if tx := d.transactionOf(ctx); tx != nil {
		n, err = affected(tx.ExecContext(ctx, d.translated(query), args...))
		return n, tx.note(d, err)
	}
	if d.direct {
		err = d.retry(ctx, func() error {
			n, err = d.execDirect(ctx, query, args)
			return err
		})
		if !errors.Is(err, driver.ErrSkip) {
			return n, err
		}
	}
	stmt, err := d.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	if d.oneWriter {
		return d.execTogether(ctx, stmt, args)
	}
	err = d.retry(ctx, func() error {
		n, err = affected(stmt.ExecContext(ctx, args...))
		return err
	})
	return n, err
}

// execOnce is exec for a query whose text may be different each time.
func (d *database) execOnce(ctx context.Context, query string, args ...any) (n int64, err error) {
	query = d.pop.TranslateSQL(query)
	if tx := d.transactionOf(ctx); tx != nil {
		n, err = affected(tx.ExecContext(ctx, query, args...))
		return n, tx.note(d, err)
	}
	err = d.write(ctx, func() error {
		n, err = affected(d.pool.ExecContext(ctx, query, args...))
		return err
	})
	return n, err
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// inTransaction runs do in the transaction of ctx, or else in a new one.
func (d *database) inTransaction(ctx context.Context, do func(context.Context) error) error {
	if d.transactionOf(ctx) != nil {
		return do(ctx)
	}
	return d.write(ctx, func() error {
		tx, err := d.pool.TransactionContext(ctx)
		if err != nil {
			return err
		}
		if err := do(withTransaction(ctx, &transaction{querier: tx, database: d.id})); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
}

// write runs do, which writes. On SQLite it waits for other writers.
func (d *database) write(ctx context.Context, do func() error) error {
	if d.oneWriter {
		done, err := d.turn(ctx, nil)
		if err != nil {
			return err
		}
		defer done()
	}
	return d.retry(ctx, do)
}

// retry runs do again while it fails because of other transactions, up to attempts times.
func (d *database) retry(ctx context.Context, do func() error) (err error) {
	for attempt := range attempts {
		if err = do(); err == nil || !d.isRetryable(err) {
			return err
		}
		if stop := pause(ctx, attempt); stop != nil {
			return errors.Join(err, stop)
		}
	}
	return err
}

// unwatched returns ctx without cancellation for a read of SQLite that need not wait for
// a connection: watching for the cancellation costs more than the read.
func (d *database) unwatched(ctx context.Context) context.Context {
	if !d.oneWriter {
		return ctx
	}
	if pool := d.pool.Stats(); pool.MaxOpenConnections > 0 && pool.InUse >= pool.MaxOpenConnections {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// pause waits a random time, on average longer after each attempt.
func pause(ctx context.Context, attempt int) error {
	return sleep(ctx, rand.N(time.Millisecond<<min(attempt, 6)))
}

// unavailable wraps the error of a query in ErrUnavailable, or in ErrConflict if the query
// failed because of other requests. If SQLite is still locked after all attempts, another
// program has locked it.
func (d *database) unavailable(doing string, err error) error {
	if d.isRetryable(err) && !d.oneWriter {
		return fmt.Errorf("%s: %w: %w", doing, ErrConflict, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}

// transactionOf returns the transaction of a request, or nil. ctx may be derived from the
// request's context or from a buffalo.Context.
func transactionOf(ctx context.Context) *transaction {
	if tx, ok := ctx.Value(contextkey.Transaction{}).(*transaction); ok {
		return tx
	}
	tx, _ := ctx.Value(contextkey.Buffalo).(*transaction)
	return tx
}
