package sessionstore_test

import (
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/migrations"
)

// check stops the example. A real program handles errors.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// exampleDatabase returns a database with the table sessions, and a function that removes
// it.
func exampleDatabase() (conn *pop.Connection, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	conn, err = pop.NewConnection(&pop.ConnectionDetails{Dialect: "sqlite3", Database: filepath.Join(dir, "app.sqlite")})
	check(err)
	check(conn.Open())
	check(migrations.Up(conn))
	return conn, func() {
		check(conn.Close())
		check(os.RemoveAll(dir))
	}
}

// signInUser signs a user in, as a browser does, and returns the cookie.
func signInUser(store *sessionstore.Store, user string) *http.Cookie {
	response := send(func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		check(sessionstore.SignIn(session, sessionstore.Login{UserID: user, Method: "password"}))
		check(session.Save(r, w))
	})
	return response.Cookies()[0]
}

// send sends a request with cookies to a handler.
func send(handler http.HandlerFunc, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	handler(w, r)
	return w.Result()
}
