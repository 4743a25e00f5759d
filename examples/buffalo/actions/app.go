// Package actions is the guest book: a standard Buffalo app with sessions in its
// database.
package actions

import (
	"sync"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo-pop/v3/pop/popmw"
	"github.com/gobuffalo/envy"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"

	"github.com/latchkey/latchkey/examples/buffalo/models"
)

// ENV is used to help switch settings based on where the application is being run.
var ENV = envy.Get("GO_ENV", "development")

var (
	app     *buffalo.App
	appOnce sync.Once
)

// App is where all routes and middleware for buffalo should be defined.
func App() *buffalo.App {
	appOnce.Do(func() {
		app = buffalo.New(buffalo.Options{
			Env:          ENV,
			SessionName:  "_guestbook_session",
			SessionStore: SessionStore(),
		})

		// Answer 503 when the session could not be loaded.
		app.Use(sessionmw.Require)

		// Protect against CSRF attacks.
		app.Use(sessionmw.CSRF)

		// Wraps each request in a transaction.
		app.Use(sessionmw.Transaction(popmw.Transaction(models.DB)))

		app.GET("/", HomeHandler)
		app.POST("/signin", SignInHandler)
		app.POST("/signout", SignOutHandler)
		app.POST("/notes", CreateNoteHandler)
	})
	return app
}
