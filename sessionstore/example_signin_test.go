package sessionstore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
)

// Handlers that sign a user in and out.
func ExampleSignIn() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{secret}})
	check(err)

	signInPage := func(w http.ResponseWriter, r *http.Request) {
		// Check the user's password first.
		session, err := store.Get(r, "session")
		check(err)
		check(sessionstore.SignIn(session, sessionstore.Login{UserID: "ada", Method: "password"}))
		check(session.Save(r, w))
	}
	signOutPage := func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		check(sessionstore.SignOut(session))
		check(session.Save(r, w))
	}
	homePage := func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		fmt.Println("user:", session.Values["user_id"])
	}

	cookie := send(signInPage).Cookies()[0]
	send(homePage, cookie)
	send(signOutPage, cookie)
	send(homePage, cookie) // the old cookie does not work any more
	// Output:
	// user: ada
	// user: <nil>
}

// An access token for a script, which sends it in the header Authorization.
func ExampleStore_IssueToken() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{secret},
		Bearer:  true,
	})
	check(err)

	var token string
	newToken := func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		token, _, err = store.IssueToken(r, session, "backup script", 90*24*time.Hour)
		check(err)
	}
	send(newToken, signInUser(store, "ada"))

	r := httptest.NewRequest(http.MethodGet, "/api", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	session, err := store.Get(r, "session")
	check(err)
	fmt.Println("user:", session.Values["user_id"])
	// Output:
	// user: ada
}

// A test of a handler: sign a user in, and send the cookie with the request. Package
// sessiontest has helpers for this.
func Example_test() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{secret}})
	check(err)
	account := func(w http.ResponseWriter, r *http.Request) { // the handler under test
		session, err := store.Get(r, "session")
		check(err)
		if session.Values["user_id"] == nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}

	// In a test, sessiontest.SignIn(t, store, "session", login) returns the cookie.
	r, w := httptest.NewRequest(http.MethodPost, "/signin", nil), httptest.NewRecorder()
	session, err := store.Get(r, "session")
	check(err)
	check(sessionstore.SignIn(session, sessionstore.Login{UserID: "ada"}))
	check(session.Save(r, w))
	cookie := w.Result().Cookies()[0]

	request, response := httptest.NewRequest(http.MethodGet, "/account", nil), httptest.NewRecorder()
	request.AddCookie(cookie)
	account(response, request)
	fmt.Println("signed in:", response.Code)

	response = httptest.NewRecorder()
	account(response, httptest.NewRequest(http.MethodGet, "/account", nil))
	fmt.Println("anonymous:", response.Code)
	// Output:
	// signed in: 200
	// anonymous: 401
}
