package testdb

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

func TestMain(m *testing.M) { Main(m) }

func open(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	driver, dsn := "pgx", databaseURL
	switch u.Scheme {
	case "sqlite3":
		driver, dsn = "sqlite3", u.Path
	case "mysql":
		driver, dsn = "mysql", fmt.Sprintf("%s@tcp(%s)%s", u.User, u.Host, u.Path)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*) FROM people").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNewURL(t *testing.T) {
	for _, e := range Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			ada, bob := open(t, NewURL(t, e)), open(t, NewURL(t, e))
			execute(t, ada, "CREATE TABLE people (name varchar(20))", "INSERT INTO people VALUES ('Ada 😀')")
			execute(t, bob, "CREATE TABLE people (name varchar(20))")
			if a, b := count(t, ada), count(t, bob); a != 1 || b != 0 {
				t.Errorf("got %d and %d rows, want 1 and 0", a, b)
			}
		})
	}
}

func TestNewURL_DroppedWithOpenTransaction(t *testing.T) {
	for _, e := range Engines()[1:] {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			var databaseURL string
			t.Run("leaks", func(t *testing.T) {
				databaseURL = NewURL(t, e)
				db := open(t, databaseURL)
				execute(t, db, "CREATE TABLE people (name varchar(20))")
				tx, err := db.Begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec("INSERT INTO people VALUES ('Ada')"); err != nil {
					t.Fatal(err)
				}
			})
			if err := open(t, databaseURL).Ping(); err == nil || !strings.Contains(err.Error(), "test_") {
				t.Errorf("got %v, want an unknown database", err)
			}
		})
	}
}

func TestServer_KillAndRestart(t *testing.T) {
	for _, e := range Engines()[1:] {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := Start(t, e)
			db := open(t, s.NewURL(t))
			execute(t, db, "CREATE TABLE people (name varchar(20))", "INSERT INTO people VALUES ('Ada')")
			s.Kill(t)
			if err := db.Ping(); err == nil {
				t.Error("the killed server answers")
			}
			if left := processesIn(s.data()); len(left) > 0 {
				t.Errorf("%d processes are left", len(left))
			}
			s.Restart(t)
			if n := count(t, db); n != 1 {
				t.Errorf("got %d rows after the restart, want 1", n)
			}
		})
	}
}

// fakeTB records how a test ended.
type fakeTB struct {
	testing.TB
	ended string
}

func (f *fakeTB) Helper()       {}
func (f *fakeTB) Skip(a ...any) { f.end("skip: ", a) }
func (f *fakeTB) Fatal(a ...any) {
	f.end("fatal: ", a)
}

func (f *fakeTB) end(how string, a []any) {
	f.ended = how + fmt.Sprint(a...)
	runtime.Goexit()
}

func TestMissingServer(t *testing.T) {
	const line = "Nonesuch is not installed: apt-get install nonesuch-1"
	missing := &kind{title: "Nonesuch", debian: "nonesuch-1", setup: "init-nonesuch", server: "nonesuchd"}
	notes := filepath.Join(t.TempDir(), "skipped")
	t.Setenv("LATCHKEY_SKIPPED", notes)
	for ci, want := range map[string]string{"": "skip: " + line, "true": "fatal: " + line} {
		t.Setenv("CI", ci)
		f := &fakeTB{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			missing.require(f)
		}()
		if <-done; f.ended != want {
			t.Errorf("CI=%q: got %q, want %q", ci, f.ended, want)
		}
	}
	if text, err := os.ReadFile(notes); err != nil || strings.TrimSpace(string(text)) != line {
		t.Errorf("the note says %q, %v", text, err)
	}
}
