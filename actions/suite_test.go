package actions

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/httptest"
	"github.com/gobuffalo/suite/v4"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// ActionSuite is Buffalo's suite, on our session store.
type ActionSuite struct {
	*suite.Action
	store *sessionstore.Store
}

// SetupTest empties the database, as the suite does, puts back the real session
// store, which the suite replaces by one in memory, and seeds the users.
func (as *ActionSuite) SetupTest() {
	as.Action.SetupTest()
	as.App.SessionStore = as.store
	_, err := models.SeedUsers(as.DB)
	as.NoError(err)
}

func TestActions(t *testing.T) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { suite.Run(t, newSuite(t, engine)) })
	}
}

func newSuite(t *testing.T, engine testdb.Engine) *ActionSuite {
	t.Helper()
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	db := appdb.Migrated(t, testdb.NewURL(t, engine))
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := sessionstore.New(db, sessions.Options(cfg))
	if err != nil {
		t.Fatal(err)
	}
	app, err := New(cfg, db, store, log)
	if err != nil {
		t.Fatal(err)
	}
	return &ActionSuite{
		Action: &suite.Action{App: app, Model: &suite.Model{DB: db}},
		store:  store,
	}
}

func (as *ActionSuite) Test_Home() {
	res := as.HTML("/").Get()
	as.Equal(http.StatusOK, res.Code)
	as.Contains(res.Body.String(), "You’re not signed in")
	as.Empty(res.Header().Values("Set-Cookie"))
}

func (as *ActionSuite) Test_Bypass() {
	as.DBDelta(1, "sessions", func() {
		res := as.JSON("/auth/bypass?token=%s", "admin").Get()
		as.Equal(http.StatusOK, res.Code)
		var user userJSON
		res.Bind(&user)
		as.Equal("admin", user.Username)
		as.Equal(models.RoleAdmin, user.Role)
		cookie := res.Header().Get("Set-Cookie")
		sid, _, _ := strings.Cut(strings.TrimPrefix(cookie, "session="), ".")
		record, values, err := as.store.Inspect(as.T().Context(), sid)
		as.NoError(err)
		as.Equal(user.ID, record.UserID)
		as.Equal(config.BypassMethod, record.AuthMethod)
		as.Equal(map[any]any{"user_id": user.ID}, values)
	})
}

func (as *ActionSuite) Test_Bypass_JSONBody() {
	res := as.JSON("/auth/bypass").Post(map[string]string{"token": "manager"})
	as.Equal(http.StatusOK, res.Code)
	as.Contains(res.Body.String(), `"username":"manager"`)
}

func (as *ActionSuite) Test_Bypass_Refused() {
	as.DBDelta(0, "sessions", func() {
		as.Equal(http.StatusBadRequest, as.JSON("/auth/bypass").Get().Code)
		as.Equal(http.StatusBadRequest, as.JSON("/auth/bypass?token=%%20").Get().Code)
		as.Equal(http.StatusUnauthorized, as.JSON("/auth/bypass?token=nobody").Get().Code)
		as.NoError(as.DB.RawQuery("UPDATE users SET disabled_at = '2026-01-01' WHERE username = 'user'").Exec())
		as.Equal(http.StatusUnauthorized, as.JSON("/auth/bypass?token=user").Get().Code)
	})
}

func (as *ActionSuite) Test_Bypass_Remember() {
	for query, want := range map[string]bool{
		"": false, "&remember=": false, "&remember=false": false, "&remember=0": false,
		"&remember=true": true, "&remember=1": true, "&remember=on": true,
	} {
		cookie := as.JSON("/auth/bypass?token=admin%s", query).Get().Header().Get("Set-Cookie")
		as.Equal(want, strings.Contains(cookie, "Max-Age="), query)
		pair, _, _ := strings.Cut(cookie, ";")
		as.Equal(want, as.sessionOf(pair).Remembered, query)
	}
	for _, body := range []map[string]any{{"remember": true}, {"remember": "true"}, {"remember": "on"}, {"remember": 1}} {
		body["token"] = "admin"
		as.Contains(as.JSON("/auth/bypass").Post(body).Header().Get("Set-Cookie"), "Max-Age=", body)
	}
	for _, body := range []map[string]any{{"remember": false}, {"remember": nil}, {"remember": ""}, {"remember": 0}} {
		body["token"] = "admin"
		res := as.JSON("/auth/bypass").Post(body)
		as.Equal(http.StatusOK, res.Code, body)
		as.NotContains(res.Header().Get("Set-Cookie"), "Max-Age=", body)
	}
}

func (as *ActionSuite) Test_Bypass_RememberRefused() {
	as.DBDelta(0, "sessions", func() {
		for _, query := range []string{"yes", "no", "off", "TRUE", "2", "-1", "%20true", "truefalse", "nil"} {
			res := as.JSON("/auth/bypass?token=admin&remember=%s", query).Get()
			as.Equal(http.StatusBadRequest, res.Code, query)
			as.Contains(res.Body.String(), "remember=true or remember=false", query)
			as.Empty(res.Header().Values("Set-Cookie"), query)
		}
		for _, value := range []any{"yes", 2, 0.5, []bool{true}, map[string]bool{"remember": true}, []any{}} {
			res := as.JSON("/auth/bypass").Post(map[string]any{"token": "admin", "remember": value})
			as.Equal(http.StatusBadRequest, res.Code, value)
			as.Contains(res.Body.String(), "remember=true or remember=false", value)
		}
	})
}

func (as *ActionSuite) Test_Remember_Pages() {
	as.Contains(as.HTML("/signin").Get().Body.String(), "Keep me signed in on this device for 30 days")
	for remember, want := range map[string][]string{"on": {"<dd>Yes</dd>", "<dt>Expires</dt>"}, "": {"<dd>No</dd>", "Expires if inactive"}} {
		res := as.JSON("/auth/bypass?token=user&remember=%s", remember).Get()
		cookie, _, _ := strings.Cut(res.Header().Get("Set-Cookie"), ";")
		page := as.with(cookie).HTML("/session").Get().Body.String()
		for _, text := range want {
			as.Contains(page, text, remember)
		}
	}
}

func (as *ActionSuite) Test_Session() {
	as.Equal(http.StatusUnauthorized, as.JSON("/session").Get().Code)
	cookie := as.signIn("contributor")

	res := as.with(cookie).JSON("/session").Get()
	as.Equal(http.StatusOK, res.Code)
	var body struct {
		User    userJSON
		Session sessionJSON
	}
	res.Bind(&body)
	as.Equal("contributor", body.User.Username)
	as.True(body.Session.Current)
	as.True(strings.HasPrefix(cookie, "session="+body.Session.SID+"."))

	as.Contains(as.with(cookie).HTML("/session").Get().Body.String(), body.Session.SID)
	as.DBDelta(-1, "sessions", func() {
		as.Equal(http.StatusNoContent, as.with(cookie).JSON("/session").Delete().Code)
	})
	as.Equal(http.StatusUnauthorized, as.with(cookie).JSON("/session").Get().Code)
}

func (as *ActionSuite) Test_SignOutOnEveryPage() {
	cookie := as.signIn("user")
	for _, path := range []string{"/", "/signin", "/session", "/missing"} {
		as.Contains(as.with(cookie).HTML("%s", path).Get().Body.String(), "Sign out", path)
	}
}

func (as *ActionSuite) Test_Health() {
	as.Equal(http.StatusOK, as.JSON("/healthz").Get().Code)
	// On SQLite the suite empties the table of migrations too.
	want := http.StatusOK
	if as.DB.Dialect.Name() == "sqlite3" {
		want = http.StatusServiceUnavailable
	}
	as.Equal(want, as.JSON("/readyz").Get().Code)
}

// with returns a client that sends the cookie; the suite's own clients forget.
func (as *ActionSuite) with(cookie string) *httptest.Handler {
	client := httptest.New(as.App)
	client.Cookies = cookie
	return client
}

// signIn returns the cookie of a new session.
func (as *ActionSuite) signIn(username string) string {
	res := as.JSON("/auth/bypass?token=%s", username).Get()
	as.Equal(http.StatusOK, res.Code)
	cookie, _, _ := strings.Cut(res.Header().Get("Set-Cookie"), ";")
	return cookie
}

// sessionOf returns what GET /session says of the cookie's session.
func (as *ActionSuite) sessionOf(cookie string) sessionJSON {
	var body struct{ Session sessionJSON }
	as.with(cookie).JSON("/session").Get().Bind(&body)
	return body.Session
}

// Test_Panic holds that what goes wrong within is a page and a problem like any other,
// and that neither says what it was.
func (as *ActionSuite) Test_Panic() {
	as.App.GET("/panic", func(buffalo.Context) error { panic("a detail of ours") })
	page := as.HTML("/panic").Get()
	as.Equal(http.StatusInternalServerError, page.Code)
	as.Contains(page.Body.String(), "<h1>Something went wrong</h1>")
	as.Contains(page.Body.String(), "The error has been logged")
	problem := as.JSON("/panic").Get()
	as.Equal(http.StatusInternalServerError, problem.Code)
	as.Equal("application/problem+json", problem.Header().Get("Content-Type"))
	as.Contains(problem.Body.String(), `"status":500`)
	for _, body := range []string{page.Body.String(), problem.Body.String()} {
		as.NotContains(body, "a detail of ours")
		as.NotContains(body, "goroutine")
	}
}

// Test_Language checks that only Accept-Language chooses the language, and that this
// creates no session.
func (as *ActionSuite) Test_Language() {
	as.DBDelta(0, "sessions", func() {
		client := as.with("lang=de")
		res := client.HTML("/?lang=de").Get()
		as.Contains(res.Body.String(), `<html lang="en">`)

		req := client.HTML("/")
		req.Headers["Accept-Language"] = "de-AT"
		res = req.Get()
		as.Contains(res.Body.String(), `<html lang="de">`)
		as.Contains(res.Header().Values("Vary"), "Accept-Language")
		as.Empty(res.Header().Values("Set-Cookie"))
	})
}

// Test_Language_Errors checks that error pages are in the user's language, and JSON
// in English.
func (as *ActionSuite) Test_Language_Errors() {
	page := as.HTML("/missing")
	page.Headers["Accept-Language"] = "de"
	res := page.Get()
	as.Equal(http.StatusNotFound, res.Code)
	as.Contains(res.Body.String(), "Die Seite existiert nicht, oder Sie haben keinen Zugriff darauf.")
	as.Contains(res.Header().Values("Vary"), "Accept-Language")

	problem := as.JSON("/missing")
	problem.Headers["Accept-Language"] = "de"
	answer := problem.Get()
	as.Equal(http.StatusNotFound, answer.Code)
	as.Contains(answer.Body.String(), "The page does not exist, or you don’t have access to it.")
	as.NotContains(answer.Header().Values("Vary"), "Accept-Language")
}
