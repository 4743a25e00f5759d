// Package models holds what the app keeps in its database beside sessions, and
// the rules for it. It knows nothing of HTTP.
package models

import (
	"errors"
	"fmt"
	"os"
	"strings"

	// The driver registers itself; with it Pop's sqlite3 dialect works without
	// a build tag.
	_ "github.com/mattn/go-sqlite3"

	"github.com/gobuffalo/pop/v6"
)

// ErrNotFound says that there is no such thing, or none that may be used.
var ErrNotFound = errors.New("not found")

// DB is the connection that the main function uses which `buffalo build`
// generates for its own command migrate. Nothing of Latchkey's does.
var DB *pop.Connection

// Open opens a connection to the database. It fails when the details make no
// sense, not when the server is away: that shows at the first query.
func Open(details *pop.ConnectionDetails) (*pop.Connection, error) {
	conn, err := pop.NewConnection(details)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if conn.Dialect.Name() == "sqlite3" {
		if err := createPrivate(details.Database); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	}
	if err := conn.Open(); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return conn, nil
}

// createPrivate makes the file of a SQLite database that is not there yet, for
// nobody else to read. SQLite gives the files beside it the same mode.
func createPrivate(path string) error {
	if strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:") {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
