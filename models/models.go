// Package models holds the app's users, identities and events in the database, and
// their rules. It knows nothing about HTTP.
package models

import (
	"errors"
	"fmt"
	"os"
	"strings"

	// With this driver, Pop's sqlite3 dialect works without a build tag.
	_ "github.com/mattn/go-sqlite3"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/internal/text"
)

var (
	// ErrNotFound is returned for what does not exist, and for a disabled user where
	// only enabled users are wanted.
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

// DB is used only by the migrate command of the main function that `buffalo build`
// generates.
var DB *pop.Connection

// Open opens a connection to the database. It returns an error for invalid details. If
// the server is unavailable, the first query fails.
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

// createPrivate creates the file of a new SQLite database so that only its owner can
// read it. SQLite gives its other files the same mode.
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

// fit makes a text safe to store in a column of a size, in characters.
func fit(s string, size int) string { return text.Truncate(text.Clean(s), size) }
