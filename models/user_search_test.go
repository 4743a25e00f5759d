package models_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

func TestSearchUsers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		for _, name := range []string{"ada", "ad_a", "adx-1", "bob", "carl"} {
			signUp(t, db, google(name), models.Profile{Username: name})
		}
		for prefix, want := range map[string]int{"": 5, "ad": 3, "AD": 3, " ad ": 3, "ad_": 1, "%": 0, "x": 0, "ü": 0, "bob": 1, strings.Repeat("a", 100_000): 0} {
			users, next, err := models.SearchUsers(db, prefix, "", 9)
			if err != nil || len(users) != want || next != "" {
				t.Errorf("%q: %d users, %q, %v", prefix, len(users), next, err)
			}
		}
		first, next, err := models.SearchUsers(db, "", "", 3)
		if err != nil || len(first) != 3 || next == "" {
			t.Fatalf("%d users, %q, %v", len(first), next, err)
		}
		if all, next, err := models.SearchUsers(db, "", "", 5); err != nil || len(all) != 5 || next != "" {
			t.Errorf("all five on one page: %d users, %q, %v", len(all), next, err)
		}
		second, next, err := models.SearchUsers(db, "", next, 3)
		if err != nil || len(second) != 2 || next != "" || second[0].Username <= first[2].Username {
			t.Errorf("%d users, %q, %v", len(second), next, err)
		}
		if _, _, err := models.SearchUsers(db, "", "no such name", 3); !errors.Is(err, models.ErrCursor) {
			t.Error(err)
		}
		names, err := models.UsernamesOf(db, []string{first[0].ID.String(), "x", "00000000-0000-0000-0000-000000000000"})
		if err != nil || len(names) != 1 || names[first[0].ID.String()] != first[0].Username {
			t.Errorf("%v, %v", names, err)
		}
	})
}
