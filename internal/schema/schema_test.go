package schema_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/internal/schema"
	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// all is the number of migrations.
const all = 10

func onEveryEngine(t *testing.T, test func(t *testing.T, url string)) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { test(t, testdb.NewURL(t, engine)) })
	}
}

func pending(t *testing.T, conn *pop.Connection) int {
	t.Helper()
	names, err := schema.Pending(conn)
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestUpAndDown(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, url string) {
		conn := appdb.Open(t, url)
		if n := pending(t, conn); n != all {
			t.Fatalf("%d pending in an empty database", n)
		}
		for round := range 2 {
			if n, err := schema.Up(t.Context(), conn); n != all || err != nil {
				t.Fatalf("round %d: applied %d, %v", round, n, err)
			}
			if n, err := schema.Up(t.Context(), conn); n != 0 || err != nil {
				t.Fatalf("round %d: applied %d again, %v", round, n, err)
			}
			if n := pending(t, conn); n != 0 {
				t.Fatalf("round %d: %d pending after Up", round, n)
			}
			if err := schema.Down(conn, all); err != nil {
				t.Fatal(err)
			}
			if n := pending(t, conn); n != all {
				t.Fatalf("round %d: %d pending after Down", round, n)
			}
			if err := conn.RawQuery("SELECT * FROM sessions").Exec(); err == nil {
				t.Fatal("the table sessions still exists")
			}
		}
	})
}

func TestUp_Concurrent(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, url string) {
		var wg sync.WaitGroup
		errs := make([]error, 6)
		applied := make([]int, len(errs))
		for i := range errs {
			conn := appdb.Open(t, url)
			wg.Go(func() { applied[i], errs[i] = schema.Up(context.Background(), conn) })
		}
		wg.Wait()
		total := 0
		for i, err := range errs {
			if err != nil {
				t.Errorf("instance %d: %v", i, err)
			}
			total += applied[i]
		}
		if total != all {
			t.Errorf("%d migrations applied, want %d", total, all)
		}
		if _, err := models.SeedUsers(appdb.Open(t, url)); err != nil {
			t.Errorf("seed users: %v", err)
		}
	})
}

func TestUp_NamesFailedMigration(t *testing.T) {
	conn := appdb.Open(t, testdb.NewURL(t, testdb.SQLite))
	if err := conn.RawQuery("CREATE TABLE users (id INTEGER)").Exec(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no retry
	_, err := schema.Up(ctx, conn)
	if err == nil || !strings.Contains(err.Error(), "create_users") {
		t.Errorf("error %v does not name the migration", err)
	}
}

func TestDown_InvalidSteps(t *testing.T) {
	conn := appdb.Open(t, testdb.NewURL(t, testdb.SQLite))
	for _, steps := range []int{0, -1} {
		if err := schema.Down(conn, steps); err == nil {
			t.Errorf("Down(%d) accepted", steps)
		}
	}
}

func TestStatus(t *testing.T) {
	conn := appdb.Open(t, testdb.NewURL(t, testdb.SQLite))
	var out bytes.Buffer
	if err := schema.Status(conn, &out); err != nil || strings.Count(out.String(), "Pending") != all {
		t.Errorf("%v\n%s", err, &out)
	}
}

// TestIndexes checks that the columns of frequent queries are indexed, and that sids are
// case-sensitive and unique, as are usernames.
func TestIndexes(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, url string) {
		conn := appdb.Open(t, url)
		if _, err := schema.Up(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			insertSession("abc"), insertSession("ABC"),
			insertUser("1", "ada"),
		} {
			if err := conn.RawQuery(statement).Exec(); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		if err := conn.RawQuery(insertSession("abc")).Exec(); err == nil {
			t.Error("two sessions have the same sid")
		}
		if err := conn.RawQuery(insertUser("2", "ada")).Exec(); err == nil {
			t.Error("two users have the same username")
		}
		for _, index := range []string{"sessions_user_id_created_at_idx", "sessions_created_at_idx", "sessions_auth_method_created_at_idx", "sessions_ip_created_at_idx", "sessions_expires_at_idx"} {
			drop := "DROP INDEX " + index
			if conn.Dialect.Name() == "mysql" {
				drop += " ON sessions"
			}
			if err := conn.RawQuery(drop).Exec(); err != nil {
				t.Errorf("no index %s: %v", index, err)
			}
		}
	})
}

func insertSession(sid string) string {
	return `INSERT INTO sessions (sid, secret_hash, data, version, auth_method, ip, user_agent, created_at, last_seen_at, deadline_at, expires_at)
		VALUES ('` + sid + `', '', '', 1, '', '', '', '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01')`
}

func insertUser(n, username string) string {
	return `INSERT INTO users (id, username, name, email, role, created_at, updated_at)
		VALUES ('00000000-0000-4000-8000-00000000000` + n + `', '` + username + `', '', '', 'member', '2026-01-01', '2026-01-01')`
}
