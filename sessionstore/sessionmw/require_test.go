package sessionmw_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestRequire_OK(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	ada := s.browser(t)
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
	ada.wantValue(t, "cart", 3)
}

func TestRequire_ErrUnavailable(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	ada := s.browser(t)
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
	s.exec(t, "ALTER TABLE sessions RENAME TO away")
	wantUnavailable(t, ada.get(t, "/get/cart"))
	s.exec(t, "ALTER TABLE away RENAME TO sessions")
	ada.wantValue(t, "cart", 3)
}

// wantUnavailable checks for a 503 with Retry-After.
func wantUnavailable(t testing.TB, a answer) {
	t.Helper()
	a.wantStatus(t, http.StatusServiceUnavailable)
	if got := a.Header["Retry-After"]; len(got) != 1 || got[0] != "5" {
		t.Errorf("Retry-After: %q", got)
	}
	if len(a.Cookies()) > 0 {
		t.Errorf("cookies %v", a.Cookies())
	}
}

// Buffalo's suite replaces the app's session store.
func TestRequire_ErrForeignInTest(t *testing.T) {
	s := newSite(t, testdb.SQLite, withCookieStore, func(o *buffalo.Options) { o.Env = "test" })
	ada := s.browser(t)
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
	ada.wantValue(t, "cart", 3)
}

func TestRequire_ErrForeign(t *testing.T) {
	for _, env := range []string{"production", "development", "staging"} {
		s := newSite(t, testdb.SQLite, withCookieStore, func(o *buffalo.Options) { o.Env = env })
		got := s.browser(t).get(t, "/get/cart")
		got.wantStatus(t, http.StatusInternalServerError)
		if !strings.Contains(got.body, "set buffalo.Options.SessionStore") {
			t.Errorf("%s: the error does not say what to do: %s", env, got.body)
		}
	}
}
