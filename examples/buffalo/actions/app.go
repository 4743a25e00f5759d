// Package actions is the guest book: a stock Buffalo app with a sessionstore.
package actions

import (
	"encoding/hex"
	"fmt"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo-pop/v3/pop/popmw"
	"github.com/gobuffalo/envy"
	"github.com/gobuffalo/middleware/csrf"

	"github.com/latchkey/latchkey/examples/buffalo/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
)

// ENV is used to help switch settings based on where the application is run.
var ENV = envy.Get("GO_ENV", "development")

// App is where all routes and middleware for buffalo are defined.
func App() (*buffalo.App, error) {
	store, err := newStore() // session: the store
	if err != nil {
		return nil, err
	}
	app := buffalo.New(buffalo.Options{
		Env:          ENV,
		SessionName:  "_guestbook_session",
		SessionStore: store, // session: in place of cookies
	})

	app.Use(sessionmw.Require) // session: 503 while the database is away
	app.Use(csrf.New)
	app.Use(sessionmw.Transaction(popmw.Transaction(models.DB))) // session: around popmw's

	app.GET("/", HomeHandler)
	app.POST("/signin", SignInHandler)
	app.POST("/signout", SignOutHandler)
	app.POST("/notes", CreateNoteHandler)
	return app, nil
}

// session: the store
func newStore() (*sessionstore.Store, error) {
	secret, err := hex.DecodeString(envy.Get("SESSION_SECRET", ""))
	if err != nil {
		return nil, fmt.Errorf("SESSION_SECRET: %w", err)
	}
	return sessionstore.New(models.DB, sessionstore.Options{
		Secrets: [][]byte{secret},
		Cookie:  sessionstore.Cookie{Insecure: ENV == "development"}, // also over http
		Ignore:  sessionmw.Ignore,
	})
}
