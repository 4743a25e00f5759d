// Package schema applies the migrations, which are written in fizz and embedded
// in the binary. (The folder migrations holds no Go: `buffalo build` writes its
// own there.)
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

// Several instances that start at once all see the same migrations pending.
// The databases let only one of them create a table; the others fail, wait
// and find it done. These two say how long a loser waits for the winner.
const (
	raceAttempts = 20
	raceWait     = 250 * time.Millisecond
)

// Up applies every pending migration and returns how many it applied. It is
// safe to call from several processes at once. The error names the migration
// that failed; what had been applied before it stays applied.
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
		// The first error is the true one: a retry of a migration that half
		// happened only says that its table exists already.
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

// Down takes back the last steps migrations. A step below 1 is an error: to
// undo everything is to delete everybody's data, and never a default.
func Down(conn *pop.Connection, steps int) error {
	if steps < 1 {
		return fmt.Errorf("take migrations back: %d steps, want 1 or more", steps)
	}
	box, err := newBox(conn)
	if err != nil {
		return err
	}
	if err := box.Down(steps); err != nil {
		return fmt.Errorf("take migrations back: %w", err)
	}
	return nil
}

// Status writes a table of the migrations and their state to w.
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

// Pending returns the names of the migrations that are not applied yet, oldest
// first, and none when the database is up to date.
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

// newBox makes a box for one use: a box that ran once has read its files and
// would mark the next migrations as applied without running them.
func newBox(conn *pop.Connection) (pop.MigrationBox, error) {
	box, err := pop.NewMigrationBox(latchkey.Migrations(), conn)
	if err != nil {
		return box, fmt.Errorf("read embedded migrations: %w", err)
	}
	return box, nil
}
