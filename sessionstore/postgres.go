package sessionstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A statement that stands for itself goes to PostgreSQL's driver past
// database/sql, which watches each query that can be cancelled in a goroutine of
// its own: on a busy machine the slowest of a hundred requests waits four times as
// long for that. The driver prepares statements by itself, and leaves it where
// the connection is set up to, as for a proxy between.

// deadConnections is how many connections may turn out to be dead before a
// statement fails: those that were idle while the server started anew.
const deadConnections = 3

// isPgx reports whether p is of PostgreSQL's driver itself, which it is not when
// something stands in front of it.
func isPgx(p pool) bool {
	_, ok := p.Driver().(*stdlib.Driver)
	return ok
}

// onPgx lends do a connection. do runs again on another one if nothing could be
// sent.
func (d *database) onPgx(ctx context.Context, do func(*pgx.Conn) error) (err error) {
	for range deadConnections {
		if err = d.lend(ctx, do); !pgconn.SafeToRetry(err) {
			return err
		}
	}
	return err
}

func (d *database) lend(ctx context.Context, do func(*pgx.Conn) error) (err error) {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return conn.Raw(func(c any) error { return do(c.(*stdlib.Conn).Conn()) })
}

func (d *database) onePgx(ctx context.Context, query string, args, dest []any) error {
	err := d.onPgx(ctx, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, d.translated(query), args...).Scan(dest...)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return sql.ErrNoRows
	}
	return err
}

func (d *database) execPgx(ctx context.Context, query string, args []any) (n int64, err error) {
	err = d.onPgx(ctx, func(c *pgx.Conn) error {
		tag, err := c.Exec(ctx, d.translated(query), args...)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

// translated is the query as the dialect writes it, which takes a while to work
// out.
func (d *database) translated(query string) string {
	if text, ok := d.texts.Load(query); ok {
		return text.(string)
	}
	text := d.dialect.TranslateSQL(query)
	d.texts.Store(query, text)
	return text
}
