package testdb

import (
	"io"
	"log"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/gobuffalo/pop/v6"
	"github.com/gobuffalo/pop/v6/logging"

	"github.com/latchkey/latchkey/sessionstore/migrations"
)

// Open connects to the database at a URL that [NewURL] returned, with a pool of
// 25 connections. edits can change the connection details. The connection is
// closed at the end of the test.
func Open(t testing.TB, databaseURL string, edits ...func(*pop.ConnectionDetails)) *pop.Connection {
	t.Helper()
	d := details(t, databaseURL)
	for _, edit := range edits {
		edit(d)
	}
	conn, err := pop.NewConnection(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Open(); err != nil {
		t.Fatal(err)
	}
	// The test may already have closed it.
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// details returns the connection details for a URL.
func details(t testing.TB, databaseURL string) *pop.ConnectionDetails {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	d := &pop.ConnectionDetails{Dialect: u.Scheme, URL: databaseURL, Pool: 25, IdlePool: 25, Options: map[string]string{}}
	switch u.Scheme {
	case "sqlite3":
		d.Database, d.URL = u.Path, ""
		d.Options = map[string]string{
			"_fk": "true", "_journal_mode": "WAL", "_synchronous": "NORMAL",
			"_stmt_cache_size": "64", "_txlock": "immediate", "lock": "false",
		}
	case "mysql":
		cfg := mysql.NewConfig()
		cfg.User, cfg.Net, cfg.Addr, cfg.DBName = u.User.Username(), "tcp", u.Host, strings.Trim(u.Path, "/")
		cfg.ParseTime, cfg.MultiStatements, cfg.InterpolateParams = true, true, true
		cfg.Collation = "utf8mb4_general_ci"
		d.URL = "mysql://" + cfg.FormatDSN()
	}
	return d
}

// Migrated is Open with the table sessions.
func Migrated(t testing.TB, databaseURL string, edits ...func(*pop.ConnectionDetails)) *pop.Connection {
	t.Helper()
	conn := Open(t, databaseURL, edits...)
	if err := migrations.Up(conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

// quieten silences Pop's messages about every migration, and the MySQL driver's
// messages about connections to a killed server.
func quieten() {
	pop.SetLogger(func(level logging.Level, format string, args ...any) {
		if level >= logging.Error {
			log.Printf(format, args...)
		}
	})
	if err := mysql.SetLogger(log.New(io.Discard, "", 0)); err != nil {
		log.Fatal(err) // of a nil logger only
	}
}
