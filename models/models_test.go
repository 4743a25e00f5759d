package models_test

import (
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

func google(subject string) models.Identity {
	return models.Identity{Provider: "google", Issuer: "https://accounts.google.com", Subject: subject}
}

func isGoogle(i models.Identity) bool { return i.Issuer == "https://accounts.google.com" }

func signUp(t *testing.T, db *pop.Connection, identity models.Identity, profile models.Profile) *models.User {
	t.Helper()
	user, _, err := models.SignUp(db, identity, profile)
	if err != nil {
		t.Fatal(err)
	}
	return user
}
