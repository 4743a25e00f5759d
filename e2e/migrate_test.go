package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// onEmptyDatabase returns two functions for an empty database: run runs a command, and
// versions returns the applied migrations.
func onEmptyDatabase(t *testing.T, engine testdb.Engine) (run func(args ...string) testapp.Result, versions func() []string) {
	t.Helper()
	s := settings{"GO_ENV": "production", "DATABASE_URL": testdb.NewURL(t, engine), "SESSION_SECRET": config.NewSecret()}
	dir := t.TempDir()
	run = func(args ...string) testapp.Result {
		t.Helper()
		return testapp.Run(t, dir, s.environ(), args...)
	}
	versions = func() []string {
		t.Helper()
		return versionsIn(t, s["DATABASE_URL"])
	}
	return run, versions
}

// versionsIn returns the applied migrations of a database.
func versionsIn(t *testing.T, databaseURL string) (versions []string) {
	t.Helper()
	details, err := config.DatabaseAt(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	db, err := models.Open(details)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.RawQuery("SELECT version FROM schema_migration ORDER BY version").All(&versions); err != nil {
		t.Fatal(err)
	}
	return versions
}

func TestMigrate(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		run, versions := onEmptyDatabase(t, engine)
		total := len(wantStatusTable(t, run("migrate", "status"), 0))
		for _, step := range []struct {
			args    string
			applied int
		}{
			{"migrate", total},
			{"migrate up", total},
			{"migrate down", total - 1},
			{"migrate up", total},
			{fmt.Sprint("migrate down ", total), 0},
			{"migrate down", 0},
			{"migrate up", total},
		} {
			run(strings.Fields(step.args)...).Want(t, 0)
			wantStatusTable(t, run("migrate", "status"), step.applied)
			if got := versions(); len(got) != step.applied {
				t.Errorf("after %s, %q are applied, want %d", step.args, got, step.applied)
			}
		}
		run("task", "sessions:list").Want(t, 0) // the tables work again
	})
}

// wantStatusTable checks that the first migrations are applied and the others pending, and
// returns the lines of the table.
func wantStatusTable(t *testing.T, r testapp.Result, applied int) []string {
	t.Helper()
	states := regexp.MustCompile(`(?m)^\d{14}.*(Applied|Pending) *$`).FindAllString(r.Want(t, 0).Stdout, -1)
	if len(states) < 2 {
		t.Fatalf("the status is\n%s", r.Stdout)
	}
	for i, state := range states {
		if strings.Contains(state, "Applied") != (i < applied) {
			t.Errorf("want %d applied, got\n%s", applied, r.Stdout)
		}
	}
	return states
}

func TestMigrate_Refused(t *testing.T) {
	t.Parallel()
	run, versions := onEmptyDatabase(t, testdb.SQLite)
	run("migrate").Want(t, 0)
	applied := versions()
	for _, args := range []string{"migrate sideways", "migrate down x", "migrate down 0", "migrate down -1", "migrate up 1", "migrate status x", "migrate down 1 2", "miqrate"} {
		if r := run(strings.Fields(args)...); r.Code != 1 || r.Stderr == "" {
			t.Errorf("app %s: exit code %d, %q; want 1 and the reason", args, r.Code, r.Stderr)
		}
	}
	if got := versions(); !slices.Equal(got, applied) {
		t.Errorf("%q are applied, want %q", got, applied)
	}
}

// TestMigrate_AtOnce migrates an empty database from four processes at once.
func TestMigrate_AtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		run, versions := onEmptyDatabase(t, engine)
		results := make([]testapp.Result, 4)
		var running sync.WaitGroup
		for i := range results {
			running.Go(func() { results[i] = run("migrate") })
		}
		running.Wait()
		for _, r := range results {
			if r.Code != 0 {
				t.Errorf("exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
			}
		}
		total := len(wantStatusTable(t, run("migrate", "status"), len(versions())))
		if got := versions(); len(got) != total {
			t.Errorf("%q are applied, want each of the %d once", got, total)
		}
		run("task", "sessions:list").Want(t, 0)
	})
}

// TestMigrate_DevelopmentAtOnce starts three instances in development on an empty
// database, which they all migrate and seed.
func TestMigrate_DevelopmentAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		database := testdb.NewURL(t, engine)
		secret := "SESSION_SECRET=" + config.NewSecret()
		apps := make([]*testapp.App, 3)
		var running sync.WaitGroup
		for i := range apps {
			running.Go(func() {
				apps[i] = testapp.Start(t, testapp.Options{DatabaseURL: database, Env: "development", Extra: []string{secret}})
			})
		}
		running.Wait()
		if t.Failed() {
			return
		}
		client := apps[0].Client(t)
		client.SignIn("admin")
		name, cookie := client.SessionCookie()
		for _, app := range apps {
			wantSignedIn(t, withCookie(t, app, name, cookie), "admin")
		}
		var users int
		if query(t, apps[0], &users, "SELECT COUNT(*) FROM users"); users != 4 {
			t.Errorf("%d users, want 4", users)
		}
	})
}
