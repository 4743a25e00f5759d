package sessionmw_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestTransaction_FailedCommit(t *testing.T) {
	s := withDeferredConstraint(t)
	for _, key := range []string{"cart", "user_id"} {
		got := s.browser(t).post(t, "/fail/"+key+"/3")
		got.wantStatus(t, http.StatusInternalServerError)
		if len(got.Cookies()) > 0 || got.Header.Get("X-Handler") != "" || strings.Contains(got.body, bigPage) {
			t.Errorf("%s: header %v, body %.100q", key, got.Header, got.body)
		}
	}
	if n := s.rows(t); n > 0 {
		t.Errorf("%d sessions whose cookies nobody has", n)
	}
}

// The response with the new cookie was dropped, so the old cookie must still
// work.
func TestTransaction_FailedCommitOfSignIn(t *testing.T) {
	s := withDeferredConstraint(t)
	ada := s.browser(t)
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
	ada.post(t, "/fail/user_id/ada").wantStatus(t, http.StatusInternalServerError)
	ada.wantValue(t, "cart", 3)
	ada.wantValue(t, "user_id", nil)
}

func TestTransaction_HandlerFails(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.POST("/fail", func(c buffalo.Context) error {
		c.Session().Set("cart", "4")
		c.Response().Header().Set("X-Handler", "ran")
		if err := c.Render(http.StatusOK, text("%s", bigPage)); err != nil {
			return err
		}
		return c.Error(http.StatusTeapot, errors.New("too late"))
	})
	got := s.browser(t).post(t, "/fail")
	got.wantStatus(t, http.StatusTeapot)
	if len(got.Cookies()) > 0 || got.Header.Get("X-Handler") != "" || got.body != "too late" {
		t.Errorf("header %v, body %.100q", got.Header, got.body)
	}
	if n := s.rows(t); n > 0 {
		t.Errorf("%d sessions whose cookies nobody has", n)
	}
}

// Buffalo's Render answers 500 for every error of Save.
func TestTransaction_SaveFails(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	store := s.app.SessionStore.(*sessionstore.Store)
	failing := map[string]func(*pop.Connection) error{
		"/unavailable": func(tx *pop.Connection) error { return tx.RawQuery("DROP TABLE sessions").Exec() },
		"/ended":       func(tx *pop.Connection) error { return tx.RawQuery("DELETE FROM sessions").Exec() },
	}
	for path, fail := range failing {
		s.app.POST(path, func(c buffalo.Context) error {
			if err := fail(c.Value("tx").(*pop.Connection)); err != nil {
				return err
			}
			c.Session().Set("cart", "4")
			return c.Render(http.StatusOK, text("saved"))
		})
	}
	s.app.POST("/handled", func(c buffalo.Context) error {
		if _, err := store.Revoke(c, sessionstore.Filter{UserID: "ada"}); err != nil {
			return err
		}
		c.Session().Set("cart", "4")
		return c.Error(http.StatusConflict, c.Session().Save())
	})
	ada := s.browser(t)
	ada.post(t, "/set/user_id/ada").wantStatus(t, http.StatusOK)
	for path := range failing {
		wantUnavailable(t, ada.post(t, path))
		ada.wantValue(t, "user_id", "ada")
	}
	ada.post(t, "/handled").wantStatus(t, http.StatusConflict)
}

// Middleware around Transaction may compare the error.
func TestTransaction_ReturnsTheErrorOfTheHandler(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	failed := errors.New("failed")
	var got error
	handler := sessionmw.Transaction(popTransaction(s.conn))(func(buffalo.Context) error { return failed })
	s.app.Middleware.Clear()
	s.app.POST("/fail", func(c buffalo.Context) error {
		got = handler(c)
		return c.Render(http.StatusOK, text("fine"))
	})
	s.browser(t).post(t, "/fail").wantStatus(t, http.StatusOK)
	if got != failed {
		t.Errorf("returned a %T: %v", got, got)
	}
}

// Before version 6.1, Pop does not roll back when a handler panics, which blocks
// SQLite.
func TestTransaction_Panic(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.POST("/panic", func(c buffalo.Context) error {
		c.Session().Set("cart", "4")
		if err := c.Render(http.StatusOK, text("%s", bigPage)); err != nil {
			return err
		}
		panic("oops")
	})
	ada := s.browser(t)
	got := ada.post(t, "/panic")
	got.wantStatus(t, http.StatusInternalServerError)
	if got.body != "oops" || len(got.Cookies()) > 0 {
		t.Errorf("body %.100q, cookies %v", got.body, got.Cookies())
	}
	ada.client.Timeout = 2 * time.Second
	ada.post(t, "/set/cart/5").wantStatus(t, http.StatusOK)
	ada.wantValue(t, "cart", 5)
}

// Requests without a cookie load no session, so Require lets them through.
func TestTransaction_DatabaseAway(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	if err := s.conn.Store.Close(); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, s.browser(t).get(t, "/get/cart"))
}

// The session cannot be saved after the page was rolled back.
func TestTransaction_SettleFails(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.POST("/form", func(c buffalo.Context) error {
		c.Session().Set("cart", "4")
		if err := c.Render(http.StatusUnprocessableEntity, text("too many")); err != nil {
			return err
		}
		return s.conn.Store.Close() // not the transaction, which goes on
	})
	wantUnavailable(t, s.browser(t).post(t, "/form"))
}
