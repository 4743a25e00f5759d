// Package schema applies the migrations, which are written in fizz and embedded in the
// binary. The folder migrations contains no Go files, because `buffalo build` writes its
// own there.
package schema

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey"
)

// Instances that start at the same time see the same pending migrations. Only one of them
// can create a table. The others fail, and try again until it is done.
const (
	raceAttempts = 20
	raceWait     = 250 * time.Millisecond
)

// Up applies all pending migrations and returns how many it applied. Several processes may
// call it at the same time. The error names the migration that failed; those before it
// stay applied.
func Up(ctx context.Context, conn *pop.Connection) (int, error) {
	if err := conn.RawQuery("SELECT 1").Exec(); err != nil {
		return 0, fmt.Errorf("reach database: %w", err)
	}
	var applied int
	var first error
	for range raceAttempts {
		n, err := up(conn)
		applied += n
		if err == nil {
			return applied, nil
		}
		// Return the first error. After a migration that was applied in part, a retry
		// only reports that the table exists.
		if first == nil {
			first = err
		}
		select {
		case <-ctx.Done():
			return applied, errors.Join(first, ctx.Err())
		case <-time.After(raceWait):
		}
	}
	return applied, first
}

func up(conn *pop.Connection) (int, error) {
	box, err := newBox(conn)
	if err != nil {
		return 0, err
	}
	n, err := box.UpTo(0)
	if err != nil {
		return n, fmt.Errorf("apply migrations: %w", err)
	}
	return n, nil
}

// Down reverts the last migrations. steps must be at least 1, so that reverting all of
// them, which deletes all data, is never the default.
func Down(conn *pop.Connection, steps int) error {
	if steps < 1 {
		return fmt.Errorf("revert migrations: invalid number of steps %d: must be at least 1", steps)
	}
	box, err := newBox(conn)
	if err != nil {
		return err
	}
	if err := box.Down(steps); err != nil {
		return fmt.Errorf("revert migrations: %w", err)
	}
	return nil
}

// Status writes a table of all migrations and their status to w.
func Status(conn *pop.Connection, w io.Writer) error {
	box, err := newBox(conn)
	if err != nil {
		return err
	}
	if err := box.Status(w); err != nil {
		return fmt.Errorf("read migration status: %w", err)
	}
	return nil
}

// Pending returns the names of the migrations that are not applied yet, oldest first.
func Pending(conn *pop.Connection) ([]string, error) {
	box, err := newBox(conn)
	if err != nil {
		return nil, err
	}
	if err := box.CreateSchemaMigrations(); err != nil {
		return nil, fmt.Errorf("read migration status: %w", err)
	}
	var pending []string
	for _, m := range box.UpMigrations.Migrations {
		done, err := conn.Where("version = ?", m.Version).Exists(conn.MigrationTableName())
		if err != nil {
			return nil, fmt.Errorf("read migration status: %w", err)
		}
		if !done {
			pending = append(pending, m.Version+"_"+m.Name)
		}
	}
	return pending, nil
}

// newBox returns a box for one call. A box that is used again would mark migrations as
// applied without running them, because it has read its files to the end.
func newBox(conn *pop.Connection) (pop.MigrationBox, error) {
	box, err := pop.NewMigrationBox(latchkey.Migrations(), conn)
	if err != nil {
		return box, fmt.Errorf("read embedded migrations: %w", err)
	}
	return box, nil
}
