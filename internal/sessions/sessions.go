// Package sessions configures the session store of the app, for the web server and
// the tasks.
package sessions

import (
	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
)

// UserKey is the session value that holds the user's ID.
const UserKey = "user_id"

// Options returns the store's options for the app's settings.
func Options(cfg config.Config) sessionstore.Options {
	return sessionstore.Options{
		Secrets:          cfg.Session.Secrets,
		UserKey:          UserKey,
		Cookie:           sessionstore.Cookie{Insecure: !cfg.Secure()},
		IdleTimeout:      cfg.Session.IdleTimeout,
		Lifetime:         cfg.Session.Lifetime,
		RememberLifetime: cfg.Session.RememberLifetime,
		MaxPerUser:       cfg.Session.MaxPerUser,
		Encrypt:          cfg.Session.Encrypt,
		Bearer:           true,
		Ignore:           sessionmw.Ignore,
		FullRecord:       true, // GET /session, the most frequent request, shows it
	}
}
