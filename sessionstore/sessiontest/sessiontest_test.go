package sessiontest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessiontest"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestUse_Session(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		session := s.use(t)
		s.wantValue(t, "cart", nil)
		s.wantUsers(t)

		session.Set("cart", "two apples")
		s.wantValue(t, "cart", "two apples")
		s.wantUsers(t, "")
		anonymous := session.Session.ID

		s.send(http.MethodPost, "/set/current_user_id/ada")
		if got := session.Get("current_user_id"); got != "ada" {
			t.Errorf("the test sees the user %v, want ada", got)
		}
		if sid := session.Session.ID; sid == "" || sid == anonymous {
			t.Errorf("sid %q after the sign-in, want a new one", sid)
		}
		s.wantValue(t, "cart", "two apples")
		s.wantUsers(t, "ada")

		session.Clear()
		s.wantValue(t, "current_user_id", nil)
		s.wantUsers(t)

		session.Set("current_user_id", "bob")
		s.wantValue(t, "current_user_id", "bob")
		s.send(http.MethodPost, "/clear")
		if got := session.Get("current_user_id"); got != nil {
			t.Errorf("the test sees the user %v after the sign-out", got)
		}
		s.wantUsers(t)
	})
}

func TestUse_Save(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		session := s.use(t)
		session.Set("current_user_id", "ada")
		for range 2 {
			if err := session.Save(); err != nil {
				t.Fatal(err)
			}
			s.wantUsers(t, "ada")
		}
		sid := session.Session.ID
		session.Set("cart", "two apples")
		s.wantValue(t, "cart", "two apples")
		if sid == "" || session.Session.ID != sid {
			t.Errorf("sid %q, then %q", sid, session.Session.ID)
		}
		session.Session.Options.MaxAge = -1
		if err := session.Save(); err != nil {
			t.Fatal(err)
		}
		s.wantUsers(t)
		s.wantValue(t, "current_user_id", nil)
	})
}

// A revoked session is gone for the test, too.
func TestUse_Revoked(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	session := s.use(t)
	session.Set("current_user_id", "ada")
	s.wantValue(t, "current_user_id", "ada")
	if _, err := s.store.RevokeAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantValue(t, "current_user_id", nil)
	if got := session.Get("current_user_id"); got != nil {
		t.Errorf("the test sees the user %v", got)
	}
}

// A test sees what users get: no values that the app set without saving, and no
// cookie set after the header was sent.
func TestUse_Unsent(t *testing.T) {
	for _, path := range []string{"/forget", "/late"} {
		s := newSite(t, testdb.SQLite)
		session := s.use(t)
		if w := s.send(http.MethodPost, path); w.Code != http.StatusOK {
			t.Fatalf("%s: status %d", path, w.Code)
		}
		if got := session.Get("cart"); got != nil {
			t.Errorf("%s: the test sees %v", path, got)
		}
		s.wantValue(t, "cart", nil)
	}
}

func TestUse_NotFound(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.use(t).Set("current_user_id", "ada")
	if w := s.send(http.MethodGet, "/nothing"); w.Code != http.StatusNotFound || w.Body.String() != "not found, dear ada" {
		t.Errorf("status %d, %q", w.Code, w.Body)
	}
}

// A request can be sent again, and has the current cookie each time.
func TestUse_SameRequest(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	session := s.use(t)
	r := httptest.NewRequest(http.MethodGet, "/get/current_user_id", nil)
	for _, user := range []string{"ada", "bob"} {
		session.Set("current_user_id", user)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Body.String() != user {
			t.Errorf("user %s, want %s", w.Body, user)
		}
	}
}

// A request may carry its own cookie.
func TestUse_OtherBrowser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		bob := sessiontest.SignIn(t, s.store, s.SessionName, sessionstore.Login{UserID: "bob", Method: "test"})
		session := s.use(t)
		s.wantValue(t, "user_id", "bob", bob)
		session.Set("current_user_id", "ada")
		s.wantValue(t, "current_user_id", "ada")
		s.wantValue(t, "user_id", "bob", bob)
		s.wantValue(t, "current_user_id", nil, &http.Cookie{Name: s.SessionName, Value: "none"})
		s.send(http.MethodPost, "/clear", bob)
		s.wantValue(t, "current_user_id", "ada")
		s.wantUsers(t, "ada")
	})
}

// Each use is a new browser. The previous one is restored when its test ends.
func TestUse_Again(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	suite := s.SessionStore
	t.Run("Outer", func(t *testing.T) {
		s.use(t).Set("current_user_id", "ada")
		s.wantValue(t, "current_user_id", "ada")
		t.Run("Inner", func(t *testing.T) {
			session := s.use(t)
			s.wantValue(t, "current_user_id", nil)
			session.Set("current_user_id", "bob")
			s.wantValue(t, "current_user_id", "bob")
		})
		s.wantValue(t, "current_user_id", "ada")
	})
	if s.SessionStore != suite {
		t.Errorf("the app has the store %T after the test", s.SessionStore)
	}
	s.wantValue(t, "current_user_id", nil)
	s.wantUsers(t, "bob", "ada")
}

// A value that the store cannot encode fails the test.
func TestUse_Value(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	failing := &inner{TB: t}
	session := s.use(failing)
	session.Set("cart", struct{ Apples int }{2})
	s.wantValue(t, "cart", nil)
	if len(failing.errors) != 1 || !strings.Contains(failing.errors[0], sessionstore.ErrValue.Error()) {
		t.Errorf("errors %q, want one about the value", failing.errors)
	}
}

// A test may make the database unavailable.
func TestUse_Unavailable(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	test := &inner{TB: t}
	session := s.use(test)
	session.Set("current_user_id", "ada")
	s.wantValue(t, "current_user_id", "ada")
	exec := func(sql string) {
		t.Helper()
		if err := s.conn.RawQuery(sql).Exec(); err != nil {
			t.Fatal(err)
		}
	}
	exec("ALTER TABLE sessions RENAME TO away")
	for range 2 {
		if w := s.send(http.MethodGet, "/get/current_user_id"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", w.Code)
		}
	}
	exec("ALTER TABLE away RENAME TO sessions")
	s.wantValue(t, "current_user_id", "ada")
	if got := session.Get("current_user_id"); got != "ada" || len(test.errors) != 0 || len(test.logs) != 2 {
		t.Errorf("the test sees the user %v, errors %q, logs %q", got, test.errors, test.logs)
	}
}

func TestUse_Refused(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.SessionName = "not a name"
	test := &inner{TB: t}
	if !test.fatal(func() { s.use(test) }) || !strings.Contains(fmt.Sprint(test.errors), "invalid") {
		t.Errorf("errors %q, want one that ends the test", test.errors)
	}
}

// A real client sends concurrent requests.
func TestUse_Server(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	session := s.use(t)
	session.Set("current_user_id", "ada")
	server := httptest.NewServer(s)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	answers := make(chan string)
	for range 8 {
		go func() { answers <- get(client, server.URL+"/get/current_user_id") }()
	}
	for range 8 {
		if got := <-answers; got != "ada" {
			t.Errorf("user %s, want ada", got)
		}
	}
	if got := session.Get("current_user_id"); got != "ada" {
		t.Errorf("the test sees the user %v", got)
	}
}

// get returns the body of a page, or the text of the error.
func get(client *http.Client, url string) string {
	response, err := client.Get(url)
	if err != nil {
		return fmt.Sprint(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(body)
}

func TestSignIn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		cookie := sessiontest.SignIn(t, s.store, "session", sessionstore.Login{UserID: "ada", Method: "test"})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		session, err := s.store.Get(r, "session")
		if err != nil || session.Values["user_id"] != "ada" {
			t.Errorf("values %v, %v", session.Values, err)
		}
		s.wantUsers(t, "ada")
	})
}

func TestSignIn_Refused(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	for _, login := range []sessionstore.Login{{}, {UserID: "a\x00"}} {
		test := &inner{TB: t}
		if !test.fatal(func() { sessiontest.SignIn(test, s.store, "session", login) }) {
			t.Errorf("%+v: the test goes on", login)
		}
	}
}
