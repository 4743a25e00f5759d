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

var (
	// ErrNotFound is returned for what does not exist, and for a disabled user where
	// a user who may sign in is wanted.
	ErrNotFound = errors.New("not found")

	// ErrDatabase is returned if a query fails, together with the driver's error.
	ErrDatabase = errors.New("database error")
)

func dbError(doing string, err error) error {
	return fmt.Errorf("%s: %w: %w", doing, ErrDatabase, err)
}

// inTransaction runs do in a transaction, which it rolls back if do returns an error.
// It returns that error, or ErrDatabase if the transaction itself fails.
func inTransaction(conn *pop.Connection, do func(tx *pop.Connection) error) error {
	var doErr error
	err := conn.Transaction(func(tx *pop.Connection) error {
		doErr = do(tx)
		return doErr
	})
	if err != nil && doErr == nil {
		return dbError("commit", err)
	}
	return err
}

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
