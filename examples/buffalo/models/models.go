// Package models holds the notes of the guest book.
package models

import (
	"fmt"
	"io/fs"
	"log"

	_ "github.com/mattn/go-sqlite3"

	"github.com/gobuffalo/envy"
	"github.com/gobuffalo/pop/v6"
)

// DB is a connection to your database to be used throughout your application.
var DB *pop.Connection

func init() {
	var err error
	if DB, err = pop.Connect(envy.Get("GO_ENV", "development")); err != nil {
		log.Fatal(err)
	}
}

// Migrate brings the database up to date.
func Migrate(migrations fs.FS) error {
	box, err := pop.NewMigrationBox(migrations, DB)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := box.Up(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
