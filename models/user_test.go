package models_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

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
