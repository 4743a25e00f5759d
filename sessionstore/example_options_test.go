package sessionstore_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// Replace a secret. Users stay signed in, and get a cookie with the new signature.
func ExampleOptions_rotate() {
	conn, remove := exampleDatabase()
	defer remove()
	oldSecret := []byte("an old secret of 32 random bytes")
	newSecret := []byte("a new secret of 32 random bytes!")

	before, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{oldSecret}})
	check(err)
	cookie := signInUser(before, "ada")

	// Remove oldSecret after 30 days, the default of RememberLifetime.
	after, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{newSecret, oldSecret}})
	check(err)
	response := send(func(w http.ResponseWriter, r *http.Request) {
		session, err := after.Get(r, "session")
		check(err)
		fmt.Println("user:", session.Values["user_id"])
		check(session.Save(r, w))
	}, cookie)
	fmt.Println("new cookies:", len(response.Cookies()))
	// Output:
	// user: ada
	// new cookies: 1
}

// Encrypt the values in the database.
func ExampleOptions_encrypt() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{secret},
		Encrypt: true,
	})
	check(err)

	send(func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		session.Values["phone"] = "555-0100"
		check(session.Save(r, w))
	})

	var row struct {
		Data []byte `db:"data"`
	}
	check(conn.RawQuery("SELECT data FROM sessions").First(&row))
	fmt.Println("readable in the database:", bytes.Contains(row.Data, []byte("555-0100")))
	// Output:
	// readable in the database: false
}

// Count and measure the store's operations.
func ExampleOptions_observe() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{secret},
		Observe: func(ctx context.Context, e sessionstore.Event) {
			// Add e.Took to a histogram with the label e.Op, and count e.Err != nil.
			fmt.Println(e.Op, "sessions:", e.Count, "failed:", e.Err != nil)
		},
	})
	check(err)

	cookie := signInUser(store, "ada")
	send(func(w http.ResponseWriter, r *http.Request) {
		_, err := store.Get(r, "session")
		check(err)
	}, cookie)
	// Output:
	// save sessions: 1 failed: false
	// load sessions: 1 failed: false
}

// Move from gorilla's cookie store without signing anyone out.
func ExampleOptions_adopt() {
	conn, remove := exampleDatabase()
	defer remove()
	oldStore := sessions.NewCookieStore([]byte("the key of the old store"))

	// A user signed in before the change.
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	session, err := oldStore.Get(r, "session")
	check(err)
	session.Values["user_id"] = "ada"
	check(session.Save(r, w))
	oldCookie := w.Result().Cookies()[0]

	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets:    [][]byte{secret},
		Adopt:      oldStore,
		AdoptUntil: time.Now().AddDate(0, 1, 0), // write a fixed date here
	})
	check(err)
	send(func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		check(session.Save(r, w)) // moves the session into the database
		fmt.Println("user:", session.Values["user_id"])
	}, oldCookie)

	n, err := store.Count(context.Background(), sessionstore.Filter{UserID: "ada"})
	check(err)
	fmt.Println("sessions in the database:", n)
	// Output:
	// user: ada
	// sessions in the database: 1
}
