// Package migrations holds the migrations of the table sessions, in fizz, for all
// dialects. A later version of the store adds files and never changes these.
//
// buffalo-latchkey copies them into a Buffalo app. A program without migrations
// of its own can run them with [Up].
package migrations

import (
	"embed"
	"fmt"

	"github.com/gobuffalo/pop/v6"
)

// FS holds the files.
//
//go:embed *.fizz
var FS embed.FS

// Up runs the migrations that the database does not have yet. It is for programs
// whose database has no other migrations of Pop's: those count theirs in the
// same table, by numbers of their own.
func Up(conn *pop.Connection) error {
	box, err := pop.NewMigrationBox(FS, conn)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := box.Up(); err != nil {
		return fmt.Errorf("create table sessions: %w", err)
	}
	return nil
}
