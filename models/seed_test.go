package models_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

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
