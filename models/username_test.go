package models_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

func TestSetUsername(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada, bob := signUp(t, db, google("ada"), models.Profile{Username: "ada"}), signUp(t, db, google("bob"), models.Profile{Username: "bob"})
		if _, err := models.SetUsername(db, bob.ID, "Ada"); !errors.Is(err, models.ErrUsernameTaken) {
			t.Errorf("taken: %v", err)
		}
		for _, invalid := range []string{"", " ", "-ada", "a b", "é", strings.Repeat("a", 65)} {
			if _, err := models.SetUsername(db, ada.ID, invalid); !errors.Is(err, models.ErrUsername) {
				t.Errorf("%q: %v", invalid, err)
			}
		}
		for _, valid := range []string{"ada", " ADA.L "} {
			if _, err := models.SetUsername(db, ada.ID, valid); err != nil {
				t.Errorf("%q: %v", valid, err)
			}
		}
		if user, err := models.EnabledUserByUsername(db, "ada.l"); err != nil || user.ID != ada.ID {
			t.Errorf("%+v, %v", user, err)
		}
	})
}

func TestSignUp_Username(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		for i, c := range []struct {
			profile models.Profile
			want    string
		}{
			{models.Profile{Username: "Zoë O'Hara"}, "zoe-ohara"},
			{models.Profile{Username: "zoe.o@example.com"}, "zoe.o"},
			{models.Profile{Username: "..", Email: "zoe+x@example.com"}, "zoex"},
			{models.Profile{Name: "李小龍", Email: "@"}, "member"},
			{models.Profile{Name: "Zoë O'Hara"}, "zoe-ohara-2"},
			{models.Profile{}, "member-2"},
			{models.Profile{Username: "admin", Name: "A\x00b\u0085\u202ec"}, "admin-2"}, // admin is a development user
			{models.Profile{Username: strings.Repeat("x", 300)}, strings.Repeat("x", 54)},
			{models.Profile{Username: strings.Repeat("x", 300), Name: strings.Repeat("é", 300) + "\xff"}, strings.Repeat("x", 54) + "-2"},
		} {
			user := signUp(t, db, google(string(rune('a'+i))), c.profile)
			if user.Username != c.want || strings.ContainsAny(user.Name, "\x00\u0085\u202e") {
				t.Errorf("%+v got the username %q and the name %q, want the username %q", c.profile, user.Username, user.Name, c.want)
			}
		}
		for i := range 25 {
			signUp(t, db, google(strings.Repeat("z", i+2)), models.Profile{Username: "popular"})
		}
	})
}
