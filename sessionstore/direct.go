package sessionstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// PostgreSQL's driver is called directly. database/sql watches every query that can
// be canceled in a goroutine of its own, for which the slowest of a hundred requests
// waits four times as long on a busy machine. The driver prepares statements itself,
// unless its connection is configured not to, as for a proxy in between.

// deadConnections is how many connections may turn out to be dead before a
// statement fails: those that were idle while the server restarted.
const deadConnections = 3

// onDriver lends do a connection of the pool, and another one if the first was dead
// and nothing had been sent.
func (d *database) onDriver(ctx context.Context, do func(any) error) (err error) {
	for range deadConnections {
		if err = d.lend(ctx, do); !errors.Is(err, driver.ErrBadConn) {
			return err
		}
	}
	return err
}

func (d *database) lend(ctx context.Context, do func(any) error) (err error) {
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

// oneDirect scans the one row of a query into dest. Its error may be sql.ErrNoRows.
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

// execDirect runs a statement and returns how many rows it changed.
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

// assign is what database/sql does for the types of row.fields.
func assign(dest any, v driver.Value) error {
	switch dest := dest.(type) {
	case sql.Scanner:
		return dest.Scan(v)
	case *string:
		return (*nullText)(dest).Scan(v)
	case *[]byte:
		if b, ok := v.([]byte); ok {
			*dest = append([]byte{}, b...) // the driver uses its own again
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
	return fmt.Errorf("a %T for a %T", v, dest)
}
