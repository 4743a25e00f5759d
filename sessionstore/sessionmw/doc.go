// Package sessionmw puts a [sessionstore.Store] into a Buffalo app.
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
// In cmd/app/main.go, sessionmw.Serve(app) replaces app.Serve().
//
// # Migrating from Buffalo's cookie store
//
// Set Options.Adopt to [OldCookies] and Options.AdoptUntil to a date, so that
// users stay signed in. [CSRF] replaces csrf.New of mw-csrf, which needs a session
// for every visitor.
package sessionmw
