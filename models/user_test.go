package models_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func onEveryEngine(t *testing.T, test func(t *testing.T, db *pop.Connection)) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { test(t, appdb.Migrated(t, testdb.NewURL(t, engine))) })
	}
}

func TestSeedUsers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		if n, err := models.SeedUsers(db); n != 4 || err != nil {
			t.Fatalf("created %d, %v", n, err)
		}
		if err := db.RawQuery("UPDATE users SET name = 'Renamed' WHERE username = 'admin'").Exec(); err != nil {
			t.Fatal(err)
		}
		if n, err := models.SeedUsers(db); n != 0 || err != nil {
			t.Fatalf("created %d again, %v", n, err)
		}
		users, err := models.ListUsers(db)
		if err != nil || len(users) != 4 {
			t.Fatalf("%d users, %v", len(users), err)
		}
		if admin := users[0]; admin.Username != "admin" || admin.Role != models.RoleAdmin || admin.Name != "Renamed" {
			t.Errorf("admin is %+v", admin)
		}
		for _, u := range users[1:] {
			if u.Role != models.RoleMember {
				t.Errorf("%s is %s", u.Username, u.Role)
			}
		}
	})
}

func TestSeedUsers_Concurrent(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		var wg sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wg.Go(func() { _, errs[i] = models.SeedUsers(db) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		if users, err := models.ListUsers(db); err != nil || len(users) != 4 {
			t.Errorf("%d users, %v", len(users), err)
		}
	})
}

func TestEnabledUser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		if _, err := models.SeedUsers(db); err != nil {
			t.Fatal(err)
		}
		maya, err := models.EnabledUserByUsername(db, " Manager ")
		if err != nil || maya.Username != "manager" {
			t.Fatalf("found %+v, %v", maya, err)
		}
		if found, err := models.EnabledUserByID(db, maya.ID.String()); err != nil || found.Username != "manager" {
			t.Errorf("found %+v, %v", found, err)
		}
		if err := db.RawQuery("UPDATE users SET disabled_at = '2026-01-01' WHERE username = 'manager'").Exec(); err != nil {
			t.Fatal(err)
		}
		if _, err := models.EnabledUserByUsername(db, "manager"); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a disabled user by username: %v", err)
		}
		if _, err := models.EnabledUserByID(db, maya.ID.String()); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a disabled user by id: %v", err)
		}
		if found, err := models.UserByUsername(db, "MANAGER"); err != nil || found.ID != maya.ID {
			t.Errorf("looked up %+v, %v", found, err)
		}
	})
}

func TestEnabledUser_NotFound(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		if _, err := models.SeedUsers(db); err != nil {
			t.Fatal(err)
		}
		for _, given := range []string{
			"", " ", "nobody", "admin\x00", "adm\xffin", "ádmin", "admin'--", "%", "admin ; drop table users",
			strings.Repeat("a", 10_000), "00000000-0000-0000-0000-000000000000",
		} {
			if _, err := models.EnabledUserByUsername(db, given); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("username %.20q: %v", given, err)
			}
			if _, err := models.EnabledUserByID(db, given); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("id %.20q: %v", given, err)
			}
		}
	})
}
