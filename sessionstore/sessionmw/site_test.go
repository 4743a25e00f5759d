package sessionmw_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo/render"
	"github.com/gobuffalo/envy"
	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
	_ "github.com/mattn/go-sqlite3"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// The tests are not parallel, because buffalo.New sets Pop's global logger.
func TestMain(m *testing.M) {
	envy.Set("LOG_LEVEL", "fatal")
	testdb.Main(m)
}

const sessionName = "session"

var secret = []byte("0123456789abcdef0123456789abcdef")

func text(format string, args ...any) render.Renderer {
	return render.Func("text/plain", func(w io.Writer, _ render.Data) error {
		_, err := fmt.Fprintf(w, format, args...)
		return err
	})
}

// A site is a Buffalo app with the middleware of this package, on a server.
type site struct {
	conn   *pop.Connection
	app    *buffalo.App
	server *httptest.Server
}

// newSite returns a site on an empty database. edits change its options.
func newSite(t testing.TB, engine testdb.Engine, edits ...func(*buffalo.Options)) *site {
	t.Helper()
	conn := testdb.Migrated(t, testdb.NewURL(t, engine))
	return newSiteAround(t, conn, popTransaction(conn), edits...)
}

// newSiteAround is newSite with a different transaction middleware.
func newSiteAround(t testing.TB, conn *pop.Connection, around buffalo.MiddlewareFunc, edits ...func(*buffalo.Options)) *site {
	t.Helper()
	opts := buffalo.Options{Env: "production", SessionStore: newStore(t, conn), SessionName: sessionName}
	for _, edit := range edits {
		edit(&opts)
	}
	s := &site{conn: conn, app: buffalo.New(opts)}
	s.app.ErrorHandlers.Default(showError)
	s.app.ErrorHandlers[http.StatusInternalServerError] = showError
	s.app.Use(sessionmw.Require, sessionmw.CSRF, sessionmw.Transaction(around))
	s.app.GET("/get/{key}", func(c buffalo.Context) error {
		return c.Render(http.StatusOK, text("%v", c.Session().Get(c.Param("key"))))
	})
	s.app.POST("/set/{key}/{value}", func(c buffalo.Context) error {
		c.Session().Set(c.Param("key"), c.Param("value"))
		return c.Render(http.StatusOK, text("saved"))
	})
	s.server = httptest.NewServer(s.app)
	t.Cleanup(s.server.Close)
	return s
}

func newStore(t testing.TB, conn *pop.Connection) *sessionstore.Store {
	t.Helper()
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{secret},
		Cookie:  sessionstore.Cookie{Insecure: true},
		Ignore:  sessionmw.Ignore,
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// showError responds with the text of the error.
func showError(status int, err error, c buffalo.Context) error {
	c.Response().WriteHeader(status)
	_, writeErr := io.WriteString(c.Response(), err.Error())
	return writeErr
}

// popTransaction behaves like popmw.Transaction of buffalo-pop.
func popTransaction(db *pop.Connection) buffalo.MiddlewareFunc {
	errStatus := errors.New("rolled back for the status")
	return func(next buffalo.Handler) buffalo.Handler {
		return func(c buffalo.Context) error {
			err := db.Transaction(func(tx *pop.Connection) error {
				c.Set("tx", tx)
				if err := next(c); err != nil {
					return err
				}
				if r, ok := c.Response().(*buffalo.Response); ok && (r.Status < 200 || r.Status >= 400) {
					return errStatus
				}
				return nil
			})
			if errors.Is(err, errStatus) {
				return nil
			}
			return err
		}
	}
}

// rows returns the number of sessions in the database.
func (s *site) rows(t testing.TB) int {
	t.Helper()
	n, err := s.conn.Count("sessions")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *site) exec(t testing.TB, sql string) {
	t.Helper()
	if err := s.conn.RawQuery(sql).Exec(); err != nil {
		t.Fatal(err)
	}
}

// A browser keeps cookies and does not follow redirects.
type browser struct {
	site   *site
	client *http.Client
}

func (s *site) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{} // connections of its own
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{site: s, client: &http.Client{
		Jar:           jar,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body string
}

// send sends a request. headers alternate between names and values.
func (b *browser) send(t testing.TB, method, path string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, b.site.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t testing.TB, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(body)}
}

func (b *browser) get(t testing.TB, path string) answer {
	t.Helper()
	return b.send(t, http.MethodGet, path)
}

func (b *browser) post(t testing.TB, path string) answer {
	t.Helper()
	return b.send(t, http.MethodPost, path)
}

func (a answer) wantStatus(t testing.TB, want int) {
	t.Helper()
	if a.StatusCode != want {
		t.Errorf("%s %s: status %d, want %d; body %.200q", a.Request.Method, a.Request.URL.Path, a.StatusCode, want, a.body)
	}
}

// wantValue checks a value in the session.
func (b *browser) wantValue(t testing.TB, key string, want any) {
	t.Helper()
	got := b.get(t, "/get/"+key)
	got.wantStatus(t, http.StatusOK)
	if got.body != fmt.Sprint(want) {
		t.Errorf("session has %s = %s, want %v", key, got.body, want)
	}
}

// withCookieStore replaces the app's session store, as Buffalo's suite does.
func withCookieStore(o *buffalo.Options) { o.SessionStore = sessions.NewCookieStore(secret) }
