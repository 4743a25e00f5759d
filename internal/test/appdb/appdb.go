// Package appdb opens databases for tests of the app.
package appdb

import (
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/schema"
	"github.com/latchkey/latchkey/models"
)

// Open connects to the database at the URL as the app does. edits can change the
// connection details. The connection is closed at the end of the test.
func Open(t testing.TB, databaseURL string, edits ...func(*pop.ConnectionDetails)) *pop.Connection {
	t.Helper()
	details, err := config.DatabaseAt(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(details)
	}
	conn, err := models.Open(details)
	if err != nil {
		t.Fatal(err)
	}
	// Ignore the error: the test may have closed it.
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Migrated is Open, and applies all migrations.
func Migrated(t testing.TB, databaseURL string, edits ...func(*pop.ConnectionDetails)) *pop.Connection {
	t.Helper()
	conn := Open(t, databaseURL, edits...)
	if _, err := schema.Up(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return conn
}
