// Package sessionmw is the Buffalo middleware for a [sessionstore.Store]. In actions/app.go:
//
//	secrets, err := sessionmw.Secrets()
//	// handle err
//	store, err := sessionstore.New(models.DB, sessionstore.Options{
//		Secrets: secrets,
//		Ignore:  sessionmw.Ignore,
//	})
//	// handle err
//	app = buffalo.New(buffalo.Options{Env: ENV, SessionStore: store})
//	app.Use(sessionmw.Require)
//	app.Use(sessionmw.CSRF)
//	app.Use(sessionmw.Transaction(popmw.Transaction(models.DB)))
//
// In cmd/app/main.go, sessionmw.Serve(app) replaces app.Serve(). In actions,
// c.Session() works as before, and c.Session().Session is the session to pass to the
// functions of package sessionstore.
//
// [Require] answers 503 when the session could not be loaded. [CSRF] replaces csrf.New of
// mw-csrf, which needs a session for every visitor. [Transaction] saves the session in the
// transaction of the request, and holds the response back until that is committed.
//
// All middleware here is safe for concurrent use.
//
// # Migrating from Buffalo's cookie store
//
// Set Options.Adopt to [OldCookies] and Options.AdoptUntil to a date a few weeks ahead, so
// that users stay signed in. Keep the app's SessionName.
package sessionmw
