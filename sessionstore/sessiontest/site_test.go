package sessiontest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo/render"
	"github.com/gobuffalo/envy"
	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
	_ "github.com/mattn/go-sqlite3"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
	"github.com/latchkey/latchkey/sessionstore/sessiontest"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// The tests are not parallel, because buffalo.New sets Pop's global logger.
func TestMain(m *testing.M) {
	envy.Set("LOG_LEVEL", "fatal")
	testdb.Main(m)
}

// A site is a Buffalo app whose store was replaced by Buffalo's suite.
type site struct {
	*buffalo.App
	conn  *pop.Connection
	store *sessionstore.Store
}

func onEveryEngine(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { test(t, newSite(t, engine)) })
	}
}

func newSite(t *testing.T, engine testdb.Engine) *site {
	t.Helper()
	conn := testdb.Migrated(t, testdb.NewURL(t, engine))
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{[]byte(strings.Repeat("s", 32))},
		Cookie:  sessionstore.Cookie{Domain: "example.com"},
		Ignore:  sessionmw.Ignore,
	})
	if err != nil {
		t.Fatal(err)
	}
	app := buffalo.New(buffalo.Options{Env: "test", SessionName: "_site_session", SessionStore: sessions.NewCookieStore([]byte("suite"))})
	app.Use(sessionmw.Require, sessionmw.Transaction(transaction(conn)))
	app.ErrorHandlers[http.StatusNotFound] = func(_ int, _ error, c buffalo.Context) error {
		return c.Render(http.StatusNotFound, text("not found, dear %v", c.Session().Get("current_user_id")))
	}
	app.GET("/get/{key}", func(c buffalo.Context) error {
		return c.Render(http.StatusOK, text("%v", c.Session().Get(c.Param("key"))))
	})
	app.POST("/set/{key}/{value}", func(c buffalo.Context) error {
		c.Session().Set(c.Param("key"), c.Param("value"))
		return c.Render(http.StatusOK, text("saved"))
	})
	app.POST("/clear", func(c buffalo.Context) error {
		c.Session().Clear()
		return c.Redirect(http.StatusSeeOther, "/")
	})
	app.POST("/forget", func(c buffalo.Context) error { // to save
		c.Session().Set("cart", "lost")
		return c.Render(http.StatusOK, nil)
	})
	app.POST("/late", func(c buffalo.Context) error {
		if err := http.NewResponseController(c.Response()).Flush(); err != nil {
			return err
		}
		c.Session().Set("cart", "late")
		return c.Session().Save()
	})
	return &site{App: app, conn: conn, store: store}
}

// transaction behaves like popmw.Transaction of buffalo-pop.
func transaction(db *pop.Connection) buffalo.MiddlewareFunc {
	return func(next buffalo.Handler) buffalo.Handler {
		return func(c buffalo.Context) error {
			return db.Transaction(func(tx *pop.Connection) error {
				c.Set("tx", tx)
				return next(c)
			})
		}
	}
}

func text(format string, args ...any) render.Renderer {
	return render.Func("text/plain", func(w io.Writer, _ render.Data) error {
		_, err := fmt.Fprintf(w, format, args...)
		return err
	})
}

// use calls sessiontest.Use.
func (s *site) use(t testing.TB) *buffalo.Session {
	t.Helper()
	return sessiontest.Use(t, s.App, s.store)
}

// send sends a request to the app, as Buffalo's suite does.
func (s *site) send(method, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// wantValue checks a value in the session of a request.
func (s *site) wantValue(t *testing.T, key string, want any, cookies ...*http.Cookie) {
	t.Helper()
	w := s.send(http.MethodGet, "/get/"+key, cookies...)
	if w.Code != http.StatusOK || w.Body.String() != fmt.Sprint(want) {
		t.Errorf("status %d, %s = %s, want %v", w.Code, key, w.Body, want)
	}
}

// wantUsers checks the users of all sessions in the database, newest first.
func (s *site) wantUsers(t *testing.T, want ...string) {
	t.Helper()
	records, _, err := s.store.List(t.Context(), sessionstore.Filter{AnyUser: true}, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	users := []string{}
	for _, r := range records {
		users = append(users, r.UserID)
	}
	if fmt.Sprint(users) != fmt.Sprint(want) {
		t.Errorf("sessions of %q, want %q", users, want)
	}
}

// An inner test records its failures.
type inner struct {
	testing.TB
	errors, logs []string
}

var errFatal = errors.New("fatal")

func (t *inner) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

func (t *inner) Logf(format string, args ...any) {
	t.logs = append(t.logs, fmt.Sprintf(format, args...))
}

func (t *inner) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	panic(errFatal)
}

// fatal runs do, and reports whether it ended the test.
func (t *inner) fatal(do func()) (ended bool) {
	defer func() {
		if p := recover(); p == errFatal {
			ended = true
		} else if p != nil {
			panic(p)
		}
	}()
	do()
	return false
}
