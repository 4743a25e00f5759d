package sessionstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// PostgreSQL's driver is called directly: database/sql starts a goroutine for every query
// that can be canceled, which on a busy machine makes the slowest of a hundred requests
// four times as slow. The driver prepares statements itself, unless its connection is
// configured not to, as is usual with PgBouncer.

// deadConnections is how many dead connections a statement may get before it fails.
// Connections that are idle while the server restarts are dead afterwards.
const deadConnections = 3

// onDriver calls do with a driver connection of the pool. If that is dead and nothing was
// sent, it tries another one.
func (d *database) onDriver(ctx context.Context, do func(any) error) (err error) {
	for range deadConnections {
		if err = d.withConn(ctx, do); !errors.Is(err, driver.ErrBadConn) {
			return err
		}
	}
	return err
}

func (d *database) withConn(ctx context.Context, do func(any) error) (err error) {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return err
	}
	err = conn.Raw(do)
	if closeErr := conn.Close(); !errors.Is(closeErr, sql.ErrConnDone) { // Raw closed a dead one
		err = errors.Join(err, closeErr)
	}
	return err
}

// oneDirect is database.one for the driver. It returns driver.ErrSkip if the driver does
// not support it.
func (d *database) oneDirect(ctx context.Context, query string, args, dest []any) error {
	return d.onDriver(ctx, func(conn any) error {
		queryer, ok := conn.(driver.QueryerContext)
		if !ok {
			return driver.ErrSkip
		}
		rows, err := queryer.QueryContext(ctx, d.translated(query), named(args))
		if err != nil {
			return err
		}
		return errors.Join(scanOne(rows, dest), rows.Close())
	})
}

// execDirect is database.exec for the driver. It returns driver.ErrSkip if the driver does
// not support it.
func (d *database) execDirect(ctx context.Context, query string, args []any) (n int64, err error) {
	err = d.onDriver(ctx, func(conn any) error {
		execer, ok := conn.(driver.ExecerContext)
		if !ok {
			return driver.ErrSkip
		}
		result, err := execer.ExecContext(ctx, d.translated(query), named(args))
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

func named(args []any) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return values
}

func scanOne(rows driver.Rows, dest []any) error {
	values := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(values); err != nil {
		if errors.Is(err, io.EOF) {
			return sql.ErrNoRows
		}
		return err
	}
	for i, v := range values {
		if err := assign(dest[i], v); err != nil {
			return fmt.Errorf("read column %s: %w", rows.Columns()[i], err)
		}
	}
	return nil
}

// assign converts as database/sql does, for the types of row.fields.
func assign(dest any, v driver.Value) error {
	switch dest := dest.(type) {
	case sql.Scanner:
		return dest.Scan(v)
	case *string:
		return (*nullText)(dest).Scan(v)
	case *[]byte:
		if b, ok := v.([]byte); ok {
			*dest = append([]byte{}, b...) // the driver reuses b
			return nil
		}
	case *int64:
		if n, ok := v.(int64); ok {
			*dest = n
			return nil
		}
	case *bool:
		if b, ok := v.(bool); ok {
			*dest = b
			return nil
		}
	}
	return fmt.Errorf("cannot convert %T for %T", v, dest)
}
