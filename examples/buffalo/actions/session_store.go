package actions

import (
	"log"
	"sync"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"

	"github.com/latchkey/latchkey/examples/buffalo/models"
)

var (
	sessionStore     *sessionstore.Store
	sessionStoreOnce sync.Once
)

// SessionStore returns the store that keeps the app's sessions in the database.
// The first call opens it.
//
// Users are signed out after 1 hour without a request, and 24 hours after they
// signed in. Buffalo's cookie lasted 30 days. To change this, set IdleTimeout and
// Lifetime below.
func SessionStore() *sessionstore.Store {
	sessionStoreOnce.Do(func() {
		secrets, err := sessionmw.Secrets()
		if err != nil {
			log.Fatalf("session store: %v", err)
		}
		sessionStore, err = sessionstore.New(models.DB, sessionstore.Options{
			Secrets: secrets,
			// The session value that holds the user's ID. Setting it signs the user
			// in: the session gets a new ID and is listed under the user.
			UserKey: "current_user_id",
			// A session that only holds what Buffalo itself puts into it is not stored.
			Ignore: sessionmw.Ignore,
			// Browsers send secure cookies over HTTPS only.
			Cookie: sessionstore.Cookie{Insecure: ENV == "development" || ENV == "test"},
			// Users who are signed in with the old cookie stay signed in. Remove
			// these two lines after the date.
			Adopt:      sessionmw.OldCookies(),
			AdoptUntil: time.Date(2026, time.December, 26, 0, 0, 0, 0, time.UTC),
		})
		if err != nil {
			log.Fatalf("session store: %v", err)
		}
	})
	return sessionStore
}
