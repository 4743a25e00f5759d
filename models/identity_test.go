package models_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

func TestSignUp(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada, created, err := models.SignUp(db, google("abc"), models.Profile{Username: "Ada", Name: "Ada Lovelace", Email: "ada@example.com"})
		if err != nil || !created || ada.Username != "ada" || ada.Name != "Ada Lovelace" || ada.Email != "ada@example.com" || ada.Role != models.RoleMember {
			t.Fatalf("%+v, %t, %v", ada, created, err)
		}
		again, created, err := models.SignUp(db, google("abc"), models.Profile{Username: "somebody", Email: "new@example.com"})
		if err != nil || created || again.ID != ada.ID || again.Username != "ada" {
			t.Errorf("again: %+v, %t, %v", again, created, err)
		}
		// An identity with another subject, even if only the case differs, or with
		// another issuer belongs to another user, even with the same email address.
		other := models.Identity{Provider: "x", Issuer: "https://id.example.com", Subject: "abc"}
		for i, identity := range []models.Identity{google("ABC"), google("abc "), other} {
			user, created, err := models.SignUp(db, identity, models.Profile{Username: "ada", Email: "ada@example.com"})
			if err != nil || !created || user.ID == ada.ID {
				t.Errorf("%d: %+v, %t, %v", i, user, created, err)
			}
		}
		if err := db.RawQuery("UPDATE users SET disabled_at = '2026-01-01' WHERE username = 'ada'").Exec(); err != nil {
			t.Fatal(err)
		}
		if user := signUp(t, db, google("abc"), models.Profile{}); user.ID != ada.ID || !user.DisabledAt.Valid {
			t.Errorf("disabled: %+v", user)
		}
	})
}

// Concurrent sign-ups for the same username all get one.
func TestSignUp_SameUsername(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if _, _, err := models.SignUp(db.WithContext(t.Context()), google(strconv.Itoa(i)), models.Profile{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestSignUp_Concurrent(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		var wg sync.WaitGroup
		users := make([]*models.User, 8)
		errs := make([]error, len(users))
		for i := range users {
			subject := []string{"one", "two"}[i%2]
			wg.Go(func() {
				users[i], _, errs[i] = models.SignUp(db.WithContext(t.Context()), google(subject), models.Profile{Username: "ada"})
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for i, user := range users {
			if user.ID != users[i%2].ID {
				t.Errorf("%d: %s and %s for one identity", i, user.Username, users[i%2].Username)
			}
		}
		if all, err := models.ListUsers(db); err != nil || len(all) != 2 {
			t.Errorf("%d users, %v", len(all), err)
		}
	})
}

func TestLink(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada, bob := signUp(t, db, google("ada"), models.Profile{}), signUp(t, db, google("bob"), models.Profile{})
		for _, first := range []bool{true, false} {
			if linked, err := models.Link(db, ada.ID, google("second")); err != nil || linked != first {
				t.Fatalf("%t, %v, want %t", linked, err, first)
			}
		}
		if _, err := models.Link(db, bob.ID, google("second")); !errors.Is(err, models.ErrIdentityTaken) {
			t.Errorf("of another user: %v", err)
		}
		if identities, err := models.ListIdentities(db, ada.ID); err != nil || len(identities) != 2 {
			t.Errorf("%d, %v", len(identities), err)
		}
	})
}

func TestUnlink(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada, bob := signUp(t, db, google("ada"), models.Profile{}), signUp(t, db, google("bob"), models.Profile{})
		for _, subject := range []string{"second", "third"} {
			if _, err := models.Link(db, ada.ID, google(subject)); err != nil {
				t.Fatal(err)
			}
		}
		identities, err := models.ListIdentities(db, ada.ID)
		if err != nil || len(identities) != 3 {
			t.Fatalf("%d, %v", len(identities), err)
		}
		for _, id := range []string{"", "x", bob.ID.String()} {
			if _, err := models.Unlink(db, ada.ID, id, isGoogle); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
		if _, err := models.Unlink(db, bob.ID, identities[0].ID.String(), isGoogle); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("of another user: %v", err)
		}
		// If all are unlinked at the same time, one stays.
		var wg sync.WaitGroup
		errs := make([]error, len(identities))
		for i, identity := range identities {
			wg.Go(func() {
				_, errs[i] = models.Unlink(db.WithContext(t.Context()), ada.ID, identity.ID.String(), isGoogle)
			})
		}
		wg.Wait()
		refused := 0
		for _, err := range errs {
			if errors.Is(err, models.ErrLastIdentity) {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if left, err := models.ListIdentities(db, ada.ID); refused != 1 || len(left) != 1 || err != nil {
			t.Errorf("%d refused, %d left, %v", refused, len(left), err)
		}
	})
}
