// Package testdb gives tests empty databases on real servers.
//
// Servers run in throwaway folders on free loopback ports, so tests need no
// set-up, disturb no server of the developer and may run in parallel, also
// across packages.
//
// # Usual tests
//
// [NewURL] gives every test a database of its own. The servers behind it are
// shared by the tests of one package, so a package that uses it ends with
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
// # Tests of failures
//
// [Start] gives a test a server of its own, to [Server.Kill] and
// [Server.Restart].
//
// # Servers that are not installed
//
// A test whose server is missing is skipped, with a line in the file that
// LATCHKEY_SKIPPED names, if it is set. With CI=true it fails instead: there a
// skip would pass for a success.
package testdb

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Engine is a database that the tests run on.
type Engine string

// The engines. MariaDB also stands for MySQL.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
	MariaDB    Engine = "mariadb"
)

// Engines returns all engines, fastest first.
func Engines() []Engine {
	return []Engine{SQLite, PostgreSQL, MariaDB}
}

// NewURL creates an empty database for this test and returns its DATABASE_URL.
// The database is deleted when the test ends, even if there are connections to
// it. Its server is fast, but loses data in a crash; see [Start].
func NewURL(t testing.TB, e Engine) string {
	t.Helper()
	if e == SQLite {
		return "sqlite3://" + filepath.Join(t.TempDir(), "test.sqlite")
	}
	k := installed(t, e)
	s, err := k.sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	name := s.create(t)
	t.Cleanup(func() { s.drop(t, name) })
	return fmt.Sprintf(k.url, s.port, name)
}

// Start starts a separate server for the test, which keeps committed data when it
// is killed. It is stopped at the end of the test. SQLite has no server.
func Start(t testing.TB, e Engine) *Server {
	t.Helper()
	k := installed(t, e)
	s, err := newServer(k, k.server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Main runs the tests of a package, stops the shared servers and exits.
func Main(m *testing.M) {
	quieten()
	code := m.Run()
	for _, k := range kinds {
		if k.shared == nil {
			continue
		}
		if err := k.shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "testdb:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}
