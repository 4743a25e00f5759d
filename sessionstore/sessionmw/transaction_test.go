package sessionmw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// bigPage does not fit into the buffer of net/http.
var bigPage = strings.Repeat("0123456789", 2000)

// A browser may send the next request as soon as it has the response of the
// sign-in.
func TestTransaction_SignIn(t *testing.T) {
	for _, engine := range []testdb.Engine{testdb.SQLite, testdb.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			s := newSite(t, engine)
			s.app.POST("/sign-in", func(c buffalo.Context) error {
				c.Session().Set("user_id", "ada")
				return c.Render(http.StatusOK, text("%s", bigPage))
			})
			lost := 0
			for range 100 {
				ada := s.browser(t)
				response, err := ada.client.Post(s.server.URL+"/sign-in", "", nil)
				if err != nil {
					t.Fatal(err)
				}
				if ada.get(t, "/get/user_id").body != "ada" {
					lost++
				}
				if a := read(t, response); a.body != bigPage {
					t.Errorf("page of %d bytes, want %d", len(a.body), len(bigPage))
				}
			}
			if lost > 0 {
				t.Errorf("%d of 100 sign-ins lost", lost)
			}
		})
	}
}

// A client that stops reading must not keep the transaction open, because that
// would block everyone else on SQLite.
func TestTransaction_SlowReader(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	huge := strings.Repeat(bigPage, 2000) // does not fit into the buffers of the system
	s.app.GET("/huge", func(c buffalo.Context) error {
		return c.Render(http.StatusOK, text("%s", huge))
	})
	reader, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := fmt.Fprint(reader, "GET /huge HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(reader, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	ada := s.browser(t)
	ada.client.Timeout = 2 * time.Second
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
}

// withDeferredConstraint adds a table that rejects every row at COMMIT.
func withDeferredConstraint(t *testing.T) *site {
	t.Helper()
	s := newSite(t, testdb.PostgreSQL)
	s.exec(t, "CREATE TABLE parents (id int PRIMARY KEY)")
	s.exec(t, "CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
	s.app.POST("/fail/{key}/{value}", func(c buffalo.Context) error {
		c.Session().Set(c.Param("key"), c.Param("value"))
		c.Response().Header().Set("X-Handler", "ran")
		if err := c.Value("tx").(*pop.Connection).RawQuery("INSERT INTO children VALUES (1)").Exec(); err != nil {
			return err
		}
		return c.Render(http.StatusOK, text("%s", bigPage))
	})
	return s
}

// The error page may save the session, and its cookie must then be valid.
func TestTransaction_ErrorPageSavesSession(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.ErrorHandlers[http.StatusTeapot] = func(status int, err error, c buffalo.Context) error {
		c.Flash().Add("error", err.Error())
		return c.Render(status, text("%v", err))
	}
	s.app.POST("/fail", func(c buffalo.Context) error {
		c.Session().Set("cart", "4")
		if err := c.Session().Save(); err != nil {
			return err
		}
		return c.Error(http.StatusTeapot, errors.New("too late"))
	})
	ada := s.browser(t)
	ada.post(t, "/fail").wantStatus(t, http.StatusTeapot)
	ada.wantValue(t, "cart", 4)
	if n := s.rows(t); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// popmw rolls back for such a page, but the page is sent with its cookie.
func TestTransaction_InvalidForm(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.POST("/form", func(c buffalo.Context) error {
		c.Session().Set("cart", "4")
		return c.Render(http.StatusUnprocessableEntity, text("too many"))
	})
	ada := s.browser(t)
	got := ada.post(t, "/form")
	got.wantStatus(t, http.StatusUnprocessableEntity)
	if got.body != "too many" || len(got.Cookies()) != 1 {
		t.Errorf("body %q, cookies %v", got.body, got.Cookies())
	}
	ada.wantValue(t, "cart", 4)
}

// popmw also rolls back if the handler sets no status.
func TestTransaction_NoStatus(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.POST("/raw", func(c buffalo.Context) error {
		c.Session().Set("cart", "4")
		if err := c.Session().Save(); err != nil {
			return err
		}
		_, err := io.WriteString(c.Response(), "raw")
		return err
	})
	ada := s.browser(t)
	got := ada.post(t, "/raw")
	got.wantStatus(t, http.StatusOK)
	if got.body != "raw" {
		t.Errorf("body %q", got.body)
	}
	ada.wantValue(t, "cart", 4)
}

// A buffalo.Context is also a context.Context, but it was created before the
// transaction.
func TestTransaction_BuffaloContext(t *testing.T) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			s := newSite(t, engine)
			store := s.app.SessionStore.(*sessionstore.Store)
			ada := sessionstore.Filter{UserID: "ada"}
			s.app.POST("/revoke", func(c buffalo.Context) error {
				c.Session().Set("cart", "3")
				if err := c.Session().Save(); err != nil { // locks the row
					return err
				}
				ctx, cancel := context.WithTimeout(c, 5*time.Second)
				defer cancel()
				if _, err := store.Revoke(ctx, ada); err != nil {
					return err
				}
				n, err := store.Count(c, ada)
				if err != nil {
					return err
				}
				return c.Render(http.StatusOK, text("%d", n))
			})
			browser := s.browser(t)
			browser.post(t, "/set/user_id/ada").wantStatus(t, http.StatusOK)
			got := browser.post(t, "/revoke")
			got.wantStatus(t, http.StatusOK)
			if got.body != "0" {
				t.Errorf("sessions of ada: %s", got.body)
			}
			browser.wantValue(t, "user_id", nil)
		})
	}
}

// After the transaction, the buffalo.Context no longer refers to it.
func TestTransaction_BuffaloContextAfterwards(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	store := s.app.SessionStore.(*sessionstore.Store)
	s.app.ErrorHandlers[http.StatusTeapot] = func(status int, _ error, c buffalo.Context) error {
		n, err := store.Revoke(c, sessionstore.Filter{UserID: "ada"})
		return c.Render(status, text("%d, %v", n, err))
	}
	s.app.POST("/fail", func(c buffalo.Context) error { return c.Error(http.StatusTeapot, io.EOF) })
	s.browser(t).post(t, "/set/user_id/ada").wantStatus(t, http.StatusOK)
	got := s.browser(t).post(t, "/fail")
	got.wantStatus(t, http.StatusTeapot)
	if got.body != "1, <nil>" {
		t.Errorf("revoked: %s", got.body)
	}
}

// A request may have more than one session, for example gothic's.
func TestTransaction_TwoSessions(t *testing.T) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			s := newSite(t, engine)
			store := s.app.SessionStore.(*sessionstore.Store)
			s.app.POST("/two/{status}", func(c buffalo.Context) error {
				session, err := store.Get(c.Request(), "second")
				if err != nil {
					return err
				}
				session.Values["state"] = "sent"
				if err := session.Save(c.Request(), c.Response()); err != nil {
					return err
				}
				status, err := strconv.Atoi(c.Param("status"))
				if err != nil {
					return err
				}
				return c.Render(status, text("%d", status))
			})
			s.app.GET("/second", func(c buffalo.Context) error {
				session, err := store.Get(c.Request(), "second")
				if err != nil {
					return err
				}
				return c.Render(http.StatusOK, text("%v", session.Values["state"]))
			})
			for _, path := range []string{"/two/200", "/two/422"} { // 422 rolls back
				ada := s.browser(t)
				ada.post(t, path)
				if got := ada.get(t, "/second"); got.body != "sent" {
					t.Errorf("%s: the second session holds %s", path, got.body)
				}
			}
		})
	}
}

// Pop runs a handler again if SQLite was locked.
func TestTransaction_HandlerRunsAgain(t *testing.T) {
	conn := testdb.Migrated(t, testdb.NewURL(t, testdb.SQLite))
	around := popTransaction(conn)
	s := newSiteAround(t, conn, func(next buffalo.Handler) buffalo.Handler {
		locked := errors.New("locked")
		return func(c buffalo.Context) error {
			err := around(func(c buffalo.Context) error { return errors.Join(next(c), locked) })(c)
			if !errors.Is(err, locked) {
				return err
			}
			return around(next)(c)
		}
	})
	runs := 0
	s.app.POST("/twice", func(c buffalo.Context) error {
		runs++
		c.Session().Set("cart", "4")
		c.Response().Header().Add("X-Handler", "ran")
		if runs == 1 {
			c.Response().Header().Set("X-First", "ran")
		}
		return c.Render(http.StatusOK+runs, text("page %d", runs))
	})
	ada := s.browser(t)
	got := ada.post(t, "/twice")
	got.wantStatus(t, http.StatusOK+2)
	if got.body != "page 2" || len(got.Header["X-Handler"]) != 1 || got.Header.Get("X-First") != "" || len(got.Cookies()) != 1 {
		t.Errorf("body %q, header %v", got.body, got.Header)
	}
	ada.wantValue(t, "cart", 4)
}

func TestTransaction_NotAroundTransaction(t *testing.T) {
	conn := testdb.Migrated(t, testdb.NewURL(t, testdb.SQLite))
	s := newSiteAround(t, conn, func(next buffalo.Handler) buffalo.Handler { return next })
	got := s.browser(t).get(t, "/get/cart")
	got.wantStatus(t, http.StatusInternalServerError)
	if !strings.Contains(got.body, "popmw.Transaction") {
		t.Errorf("the error does not say what to do: %s", got.body)
	}
}
