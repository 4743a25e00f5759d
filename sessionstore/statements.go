package sessionstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/gobuffalo/pop/v6"
)

// attempts bounds how often a statement is tried that the database gave up in
// favour of another.
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
	Driver() driver.Driver
	Stats() sql.DBStats
	TransactionContext(ctx context.Context) (*pop.Tx, error)
}

type dialect interface {
	TranslateSQL(query string) string
	Lock(do func() error) error
}

// A database runs queries, written with ? for their arguments: in the
// transaction of the context if there is one, and otherwise each by itself,
// prepared once.
type database struct {
	pool    pool
	dialect dialect
	sqlite  bool
	pgx     bool
	shared  bool          // Pop has one lock for all that writes to SQLite
	writing chan struct{} // SQLite's one writer
	waiting queue         // for it
	stmts   sync.Map      // query → *sql.Stmt
	texts   sync.Map      // query → its text in the dialect
}

func newDatabase(conn *pop.Connection) (*database, error) {
	if conn == nil {
		return nil, errors.New("sessionstore: the connection is nil")
	}
	p, ok := conn.Store.(pool)
	if !ok {
		return nil, errors.New("sessionstore: the connection is not open: call its Open first")
	}
	d := &database{pool: p, dialect: conn.Dialect, sqlite: conn.Dialect.Name() == "sqlite3", pgx: isPgx(p), writing: make(chan struct{}, 1)}
	d.shared = d.sqlite && conn.Dialect.Details().Options["lock"] != "false"
	return d, nil
}

// prepare returns the statement of a query.
func (d *database) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := d.stmts.Load(query); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := d.pool.PrepareContext(ctx, d.dialect.TranslateSQL(query))
	if err != nil {
		return nil, err
	}
	if first, loaded := d.stmts.LoadOrStore(query, stmt); loaded {
		return first.(*sql.Stmt), stmt.Close()
	}
	return stmt, nil
}

type scanner interface {
	Scan(dest ...any) error
}

// one scans the one row of a query into dest. Its error may be sql.ErrNoRows.
func (d *database) one(ctx context.Context, query string, args, dest []any) error {
	if tx := transactionOf(ctx); tx != nil {
		return tx.QueryRowContext(ctx, d.dialect.TranslateSQL(query), args...).Scan(dest...)
	}
	if d.pgx {
		return again(ctx, func() error { return d.onePgx(ctx, query, args, dest) })
	}
	stmt, err := d.prepare(ctx, query)
	if err != nil {
		return err
	}
	return again(ctx, func() error { return stmt.QueryRowContext(d.unwatched(ctx), args...).Scan(dest...) })
}

// all runs a query for any number of rows and returns what scan makes of each. It
// is not worth to be prepared by us.
func all[T any](ctx context.Context, d *database, query string, args []any, scan func(scanner) (T, error)) (found []T, err error) {
	if tx := transactionOf(ctx); tx != nil {
		return collect(scan)(tx.QueryContext(ctx, d.dialect.TranslateSQL(query), args...))
	}
	err = again(ctx, func() error {
		found, err = collect(scan)(d.pool.QueryContext(ctx, d.translated(query), args...))
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

// exec runs a prepared statement and returns how many rows it changed.
func (d *database) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	if tx := transactionOf(ctx); tx != nil {
		return affected(tx.ExecContext(ctx, d.dialect.TranslateSQL(query), args...))
	}
	if d.pgx {
		err = again(ctx, func() error {
			n, err = d.execPgx(ctx, query, args)
			return err
		})
		return n, err
	}
	stmt, err := d.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	if d.sqlite {
		return d.execInCompany(ctx, stmt, args)
	}
	err = again(ctx, func() error {
		n, err = affected(stmt.ExecContext(ctx, args...))
		return err
	})
	return n, err
}

// execOnce is exec for a query that is not worth to be prepared.
func (d *database) execOnce(ctx context.Context, query string, args ...any) (n int64, err error) {
	query = d.dialect.TranslateSQL(query)
	if tx := transactionOf(ctx); tx != nil {
		return affected(tx.ExecContext(ctx, query, args...))
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

// together runs do in a transaction, the one of ctx or one of its own.
func (d *database) together(ctx context.Context, do func(context.Context) error) error {
	if transactionOf(ctx) != nil {
		return do(ctx)
	}
	return d.write(ctx, func() error {
		tx, err := d.pool.TransactionContext(ctx)
		if err != nil {
			return err
		}
		if err := do(withTransaction(ctx, tx)); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
}

// write runs do, which writes.
func (d *database) write(ctx context.Context, do func() error) error {
	if d.sqlite {
		done, err := d.turn(ctx, nil)
		if err != nil {
			return err
		}
		defer done()
	}
	return again(ctx, do)
}

// again runs do until the database does not give it up in favour of another
// transaction, or because it was prepared before a migration.
func again(ctx context.Context, do func() error) (err error) {
	for attempt := range attempts {
		if err = do(); err == nil || !gaveWay(err) && !isOutdated(err) {
			return err
		}
		if stop := pause(ctx, attempt); stop != nil {
			return errors.Join(err, stop)
		}
	}
	return err
}

// unwatched is ctx without its end for a read of SQLite that has a connection to
// itself: it waits for nothing but the disk then, and to watch for the end costs
// more than the read.
func (d *database) unwatched(ctx context.Context) context.Context {
	if !d.sqlite {
		return ctx
	}
	if pool := d.pool.Stats(); pool.MaxOpenConnections > 0 && pool.InUse >= pool.MaxOpenConnections {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// gaveWay reports whether a statement failed because of another transaction
// only: a deadlock, or one that could not be made to look as if one came after
// the other. MariaDB's number 1020 is of innodb_snapshot_isolation.
func gaveWay(err error) bool {
	var numbered *mysql.MySQLError
	if errors.As(err, &numbered) {
		return numbered.Number == 1213 || numbered.Number == 1020
	}
	state := sqlState(err)
	return state == "40001" || state == "40P01" || isLocked(err)
}

// isOutdated reports whether a statement was prepared for columns of another type.
func isOutdated(err error) bool { return sqlState(err) == "0A000" }

// sqlState is the code of an error of PostgreSQL or CockroachDB.
func sqlState(err error) string {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState()
	}
	return ""
}

// isLocked reports whether SQLite is being written by another program, or by one
// connection that the other waits for; it says the latter at once. Its driver is
// not imported for its error's sake.
func isLocked(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "database is locked")
}

// pause waits a little longer after every lost race, and never as long as the
// other losers.
func pause(ctx context.Context, attempt int) error {
	return rest(ctx, rand.N(time.Millisecond<<min(attempt, 6)))
}
