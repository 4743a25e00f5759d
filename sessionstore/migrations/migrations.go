// Package migrations contains the migrations of the table sessions, in fizz, for all
// databases that the store supports. Later versions of the store add files and never
// change existing ones.
//
// In a Buffalo app, the command buffalo-latchkey adds the migration. A program that does
// not use Pop's migrations itself calls [Up] when it starts.
package migrations

import (
	"embed"
	"fmt"

	"github.com/gobuffalo/pop/v6"
)

// FS contains the fizz files, named as Pop's migrations are.
//
//go:embed *.fizz
var FS embed.FS

// Up runs the migrations that have not been run on the database, and does nothing if there
// are none. The connection must be open. It returns the errors of Pop.
//
// Do not use it on a database with other Pop migrations: Pop records all of them in one
// table, by version number, and the numbers could collide. Do not call it in several
// programs at the same time.
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
