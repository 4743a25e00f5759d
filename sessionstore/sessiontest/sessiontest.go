// Package sessiontest runs the tests of a Buffalo app on its real session store.
//
// Buffalo's suite puts a session store in memory into the app, where nothing is
// signed, renewed, encoded or revoked. [Use] puts the real one back:
//
//	func (as *ActionSuite) SetupTest() {
//		as.Action.SetupTest()
//		as.Session = sessiontest.Use(as.T(), as.App, SessionStore())
//	}
//
// Everything else stays as it is: as.HTML and as.JSON send the session's cookie, and
// as.Session reads and changes the session. To sign a user in, set the user's ID as
// the app does:
//
//	as.Session.Set("current_user_id", user.ID)
//	response := as.HTML("/account").Get()
//
// The package does not import the suite, so it works with every version of it, and
// with tests that have none. Those can also use [SignIn], which needs no Buffalo app.
package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/sessionstore"
)

// Use makes the app keep sessions in the store until the test ends, and gives the test
// a new browser: requests to the app carry its session cookie, and responses set it.
// No other cookie is kept.
//
// Use returns the browser's session. What the test sets in it is saved before the next
// request to the app, or by its Save; after each request it is what the database has.
// A request that has a session cookie of its own, such as one from [SignIn] or one
// with any other value, is another browser's and changes nothing here.
//
// Tests that share an app must not run in parallel. The table sessions must exist.
func Use(t testing.TB, app *buffalo.App, store *sessionstore.Store) *buffalo.Session {
	t.Helper()
	b := &browser{t: t, store: store, name: app.SessionName, session: &buffalo.Session{}}
	if err := b.load(); err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	h := hookInto(app)
	previous, previousStore := h.browser.Swap(b), app.SessionStore
	app.SessionStore = store
	t.Cleanup(func() {
		h.browser.Store(previous)
		app.SessionStore = previousStore
	})
	return b.session
}

// SignIn signs a user in with a new session and returns its cookie, for requests to a
// handler under test. name is the name of the session, which for a Buffalo app is
// app.SessionName.
func SignIn(t testing.TB, store *sessionstore.Store, name string, login sessionstore.Login) *http.Cookie {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	session, err := store.Get(r, name)
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	if err := sessionstore.SignIn(session, login); err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	response := httptest.NewRecorder()
	if err := session.Save(r, response); err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return cookieIn(response.Result().Header, name)
}
