package sessionmw_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/logger"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/migrations"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
)

// A Buffalo app with sessions in its database. In an app made by Buffalo, pass
// popmw.Transaction(models.DB) to Transaction, and call sessionmw.Serve(app) in
// main.go.
func Example() {
	db, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(db, sessionstore.Options{
		Secrets: [][]byte{secret}, // in an app: sessionmw.Secrets()
		Ignore:  sessionmw.Ignore,
		Cookie:  sessionstore.Cookie{Insecure: true}, // in development
	})
	check(err)
	app := buffalo.New(buffalo.Options{
		Env:          "production",
		SessionStore: store,
		SessionName:  "session",
		LogLvl:       logger.ErrorLevel,
	})
	app.Use(sessionmw.Require)
	app.Use(sessionmw.CSRF)
	app.Use(sessionmw.Transaction(popTransaction(db)))
	app.POST("/signin", func(c buffalo.Context) error {
		c.Session().Set("user_id", "ada") // after the password was checked
		return c.Redirect(http.StatusSeeOther, "/")
	})
	app.GET("/", func(c buffalo.Context) error {
		return c.Render(http.StatusOK, text("hello %v", c.Session().Get("user_id")))
	})

	server := httptest.NewServer(app)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	page, err := browser.Post(server.URL+"/signin", "", nil)
	check(err)
	defer page.Body.Close()
	body, err := io.ReadAll(page.Body)
	check(err)
	fmt.Println(string(body))
	n, err := store.Count(app.Context, sessionstore.Filter{UserID: "ada"})
	check(err)
	fmt.Println("sessions of ada:", n)
	// Output:
	// hello ada
	// sessions of ada: 1
}

// check stops the example. A real program handles errors.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// exampleDatabase returns a database with the table sessions, and a function that
// removes it.
func exampleDatabase() (db *pop.Connection, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	db, err = pop.NewConnection(&pop.ConnectionDetails{Dialect: "sqlite3", Database: filepath.Join(dir, "app.sqlite")})
	check(err)
	check(db.Open())
	check(migrations.Up(db))
	return db, func() {
		check(db.Close())
		check(os.RemoveAll(dir))
	}
}
