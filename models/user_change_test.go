package models_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

func change(role string, disabled *bool) (c models.Change) {
	c.Disabled = disabled
	if role != "" {
		c.Role = &role
	}
	return c
}

var yes, no = true, false

func signUpAdmin(t *testing.T, db *pop.Connection, username string) *models.User {
	t.Helper()
	user := signUp(t, db, google(username), models.Profile{Username: username})
	user, _, err := models.ChangeUser(db, user.ID.String(), change(models.RoleAdmin, nil))
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func TestChangeUser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		signUpAdmin(t, db, "ada")
		bob := signUp(t, db, google("b"), models.Profile{Username: "bob"})
		user, changed, err := models.ChangeUser(db, bob.ID.String(), change(models.RoleAdmin, &no))
		if err != nil || user.Role != models.RoleAdmin || changed.Role == nil || changed.Disabled != nil {
			t.Fatalf("%+v, %+v, %v", user, changed, err)
		}
		if _, changed, err = models.ChangeUser(db, bob.ID.String(), change(models.RoleAdmin, &yes)); err != nil || changed.Role != nil || changed.Disabled == nil {
			t.Errorf("%+v, %v", changed, err)
		}
		if _, err := models.EnabledUserByID(db, bob.ID.String()); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a disabled user: %v", err)
		}
	})
}

func TestChangeUser_ErrLastAdmin(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada := signUpAdmin(t, db, "ada")
		bob := signUp(t, db, google("b"), models.Profile{Username: "bob"})
		for _, c := range []models.Change{change(models.RoleMember, nil), change("", &yes), change(models.RoleMember, &yes)} {
			if _, _, err := models.ChangeUser(db, ada.ID.String(), c); !errors.Is(err, models.ErrLastAdmin) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if user, err := models.UserByID(db, ada.ID.String()); err != nil || user.Role != models.RoleAdmin || !user.MaySignIn() {
			t.Errorf("%+v, %v", user, err)
		}
		// A disabled administrator does not count.
		if _, _, err := models.ChangeUser(db, bob.ID.String(), change(models.RoleAdmin, &yes)); err != nil {
			t.Error(err)
		}
		if _, _, err := models.ChangeUser(db, ada.ID.String(), change(models.RoleMember, nil)); !errors.Is(err, models.ErrLastAdmin) {
			t.Errorf("the other one is disabled: %v", err)
		}
		if _, _, err := models.ChangeUser(db, bob.ID.String(), change("", &no)); err != nil {
			t.Error(err)
		}
		if _, _, err := models.ChangeUser(db, ada.ID.String(), change(models.RoleMember, nil)); err != nil {
			t.Error(err)
		}
	})
}

func TestChangeUser_Errors(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada := signUpAdmin(t, db, "ada")
		if _, _, err := models.ChangeUser(db, ada.ID.String(), change("owner", nil)); !errors.Is(err, models.ErrRole) {
			t.Error(err)
		}
		for _, id := range []string{"", "x", "00000000-0000-0000-0000-000000000000"} {
			if _, _, err := models.ChangeUser(db, id, models.Change{}); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

// If two administrators remove each other's role at the same time, one stays.
func TestChangeUser_LastTwo(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		var admins []*models.User
		for _, name := range []string{"ada", "bob"} {
			admins = append(admins, signUpAdmin(t, db, name))
		}
		for range 100 { // so that some changes overlap
			if err := db.RawQuery("UPDATE users SET role = ?", models.RoleAdmin).Exec(); err != nil {
				t.Fatal(err)
			}
			var refused atomic.Int32
			var wg sync.WaitGroup
			start := make(chan struct{})
			for _, user := range admins {
				wg.Go(func() {
					<-start
					_, _, err := models.ChangeUser(db.WithContext(t.Context()), user.ID.String(), change(models.RoleMember, nil))
					if err != nil {
						refused.Add(1)
					}
				})
			}
			close(start)
			wg.Wait()
			left, err := db.Where("role = ?", models.RoleAdmin).Count(&models.User{})
			if err != nil || left != 1 || refused.Load() != 1 {
				t.Fatalf("%d administrators, %d refused, %v", left, refused.Load(), err)
			}
		}
	})
}
