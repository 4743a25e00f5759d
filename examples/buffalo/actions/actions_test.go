package actions_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gobuffalo/suite/v4"

	buffaloexample "github.com/latchkey/latchkey/examples/buffalo"
	"github.com/latchkey/latchkey/examples/buffalo/actions"
	"github.com/latchkey/latchkey/examples/buffalo/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessiontest"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// ActionSuite is Buffalo's suite, with the app's own session store.
type ActionSuite struct {
	*suite.Action
}

// SetupTest restores the session store, which the suite replaces.
func (as *ActionSuite) SetupTest() {
	as.Action.SetupTest()
	as.Session = sessiontest.Use(as.T(), as.App, actions.SessionStore())
}

func Test_ActionSuite(t *testing.T) {
	models.DB = testdb.Open(t, testdb.NewURL(t, testdb.SQLite))
	migrations, err := fs.Sub(buffaloexample.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Migrate(migrations); err != nil {
		t.Fatal(err)
	}
	suite.Run(t, &ActionSuite{&suite.Action{App: actions.App(), Model: &suite.Model{DB: models.DB}}})
}

func (as *ActionSuite) home() string {
	response := as.HTML("/").Get()
	as.Equal(http.StatusOK, response.Code)
	return response.Body.String()
}

// post submits a form.
func (as *ActionSuite) post(path string, form url.Values, want int) {
	as.Equal(want, as.HTML("%s", path).Post(form).Code)
}

func (as *ActionSuite) Test_Anonymous() {
	as.NotContains(as.home(), "You are")
	as.DBDelta(0, "sessions", func() { as.home() })
}

func (as *ActionSuite) Test_SignIn() {
	as.Session.Set("cart", "two apples")
	as.home()
	anonymous := as.Session.Session.ID
	as.NotEmpty(anonymous)

	as.post("/signin", url.Values{"name": {"ada"}}, http.StatusSeeOther)
	as.Equal("ada", as.Session.Get("current_user_id"))
	as.Equal("two apples", as.Session.Get("cart"))
	as.NotEqual(anonymous, as.Session.Session.ID) // no session fixation
	as.Contains(as.home(), "You are ada")

	sessions, _, err := actions.SessionStore().List(as.T().Context(), sessionstore.Filter{UserID: "ada"}, "", 10)
	as.NoError(err)
	as.Len(sessions, 1)
}

func (as *ActionSuite) Test_SignOut() {
	as.Session.Set("current_user_id", "ada")
	as.Contains(as.home(), "You are ada")
	as.DBDelta(-1, "sessions", func() { as.post("/signout", nil, http.StatusSeeOther) })
	as.Nil(as.Session.Get("current_user_id"))
	as.NotContains(as.home(), "You are")
}

func (as *ActionSuite) Test_Revoked() {
	as.Session.Set("current_user_id", "ada")
	as.Contains(as.home(), "You are ada")
	_, err := actions.SessionStore().Revoke(as.T().Context(), sessionstore.Filter{UserID: "ada"})
	as.NoError(err)
	as.NotContains(as.home(), "You are")
}

// The database rolls the request back, but the session is still saved.
func (as *ActionSuite) Test_NoteWithoutText() {
	as.Session.Set("current_user_id", "ada")
	as.NoError(as.Session.Save())
	as.DBDelta(0, "notes", func() {
		as.post("/notes", url.Values{"text": {""}}, http.StatusUnprocessableEntity)
	})
	as.Equal(1, as.Session.Get("refused"))
}

func (as *ActionSuite) Test_Note() {
	as.Session.Set("current_user_id", "ada")
	as.DBDelta(1, "notes", func() {
		as.post("/notes", url.Values{"text": {"hello"}}, http.StatusSeeOther)
	})
	as.Contains(as.home(), "Thank you")
	as.NotContains(as.home(), "Thank you") // a flash message is shown once
}

// Two browsers have separate sessions.
func (as *ActionSuite) Test_TwoBrowsers() {
	bob := sessiontest.SignIn(as.T(), actions.SessionStore(), as.App.SessionName, sessionstore.Login{UserID: "bob"})
	as.Session.Set("current_user_id", "ada")
	as.Contains(as.home(), "You are ada")

	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.AddCookie(bob)
	response := httptest.NewRecorder()
	as.App.ServeHTTP(response, request)
	as.Contains(response.Body.String(), "You are bob")
}
