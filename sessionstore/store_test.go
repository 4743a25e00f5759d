package sessionstore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

func transientFlash(o *sessionstore.Options) {
	o.Ignore = func(key, _ any) bool { return key == "_flash_" }
}

func TestStore_NothingToKeep(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		for name, handle := range map[string]func(*sessions.Session){
			"Untouched":      nil,
			"Transient":      func(session *sessions.Session) { session.Values["_flash_"] = []byte("{}") },
			"SetAndDeleted":  func(session *sessions.Session) { session.Values["a"] = 1; delete(session.Values, "a") },
			"DeletedUnknown": func(session *sessions.Session) { delete(session.Values, "a") },
		} {
			v := s.browser(t).change(t, handle)
			if len(v.cookies) != 0 || !v.session.IsNew || v.session.ID != "" {
				t.Errorf("%s: cookies %v, new %v, id %q", name, v.cookies, v.session.IsNew, v.session.ID)
			}
		}
		s.queries.want(t, "visits with nothing to keep", "")
		s.wantRows(t, 0)
	}, transientFlash)
}

func TestStore_FirstValue(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		first := ada.set(t, "cart", 3)
		s.queries.want(t, "the first value", "INSERT")
		s.wantRows(t, 1)
		if len(first.cookies) != 1 || first.session.ID == "" {
			t.Fatalf("cookies %v, id %q", first.cookies, first.session.ID)
		}
		ada.change(t, func(session *sessions.Session) {
			if session.Values["cart"] != 3 || session.IsNew || session.ID != first.session.ID {
				t.Errorf("came back as %+v", session)
			}
		})
	})
}

func TestStore_Unchanged(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", map[string]int{"tea": 1, "jam": 2, "rye": 3})
		before := s.row(t, ada.cookie(t))
		for name, handle := range map[string]func(*sessions.Session){
			"Read":         nil,
			"SetToTheSame": func(s *sessions.Session) { s.Values["cart"] = map[string]int{"rye": 3, "jam": 2, "tea": 1} },
			"ThereAndBack": func(s *sessions.Session) { s.Values["a"] = 1; delete(s.Values, "a") },
			"Transient":    func(s *sessions.Session) { s.Values["_flash_"] = []byte("{}") },
		} {
			s.queries.take()
			if v := ada.change(t, handle); len(v.cookies) != 0 {
				t.Errorf("%s: set %v", name, v.cookies)
			}
			s.queries.want(t, name, "SELECT")
		}
		s.wantUnchanged(t, before)
	}, transientFlash)
}

// saveTwice saves the session at the end of handle; visit saves it again.
func saveTwice(t *testing.T, b *browser, handle func(*sessions.Session)) *http.Response {
	t.Helper()
	return b.request(t, func(w http.ResponseWriter, r *http.Request) {
		session, err := b.site.store.Get(r, cookieName)
		if err != nil {
			t.Error(err)
		}
		handle(session)
		for range 2 {
			if err := b.site.store.Save(r, w, session); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestStore_SaveTwice(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		for _, step := range []struct {
			name    string
			handle  func(*sessions.Session)
			verbs   string
			cookies int
		}{
			{"New", func(s *sessions.Session) { s.Values["cart"] = 1 }, "INSERT", 1},
			{"Changed", func(s *sessions.Session) { s.Values["cart"] = 2 }, "SELECT UPDATE", 0},
			{"Read", func(*sessions.Session) {}, "SELECT", 0},
			{"SignedIn", signInAs("ada"), "SELECT SELECT UPDATE", 1},
			{"SignedOut", signOut, "SELECT DELETE", 1},
		} {
			response := saveTwice(t, ada, step.handle)
			s.queries.want(t, step.name, step.verbs)
			if n := len(response.Header["Set-Cookie"]); n != step.cookies {
				t.Errorf("%s: %d Set-Cookie headers, want %d", step.name, n, step.cookies)
			}
		}
	})
}

// A response may set other cookies, and the session cookie more than once: in an
// explicit Save and, after a sign-in, in the next one.
func TestStore_OneCookieBesideOthers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		response := ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session2", Value: "other"})
			session, _ := s.store.Get(r, cookieName)
			session.Values["cart"] = 1
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
			signInAs("ada")(session)
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
		})
		if cookies := response.Cookies(); len(cookies) != 2 || cookies[0].Name != "session2" {
			t.Fatalf("set %v", cookies)
		}
		if user := ada.user(t); user != "ada" {
			t.Errorf("signed in as %v: the cookie is not the last one", user)
		}
		s.wantRows(t, 1)
	})
}

func TestStore_Delete(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		ada.set(t, "theme", "dark")
		ada.change(t, func(session *sessions.Session) { delete(session.Values, "cart") })
		if values := ada.read(t); len(values) != 1 || values["theme"] != "dark" {
			t.Errorf("left with %v", values)
		}
		ada.change(t, func(session *sessions.Session) { clear(session.Values) })
		v := ada.change(t, nil)
		if len(v.session.Values) != 0 || v.session.IsNew {
			t.Errorf("an emptied session is %+v", v.session)
		}
	})
}

// Each cookie name has its own session.
func TestStore_TwoNames(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			second, err := s.store.Get(r, "second")
			if err != nil || len(second.Values) != 0 {
				t.Errorf("second is %v, %v", second.Values, err)
			}
			second.Values["cart"] = 7
			if err := second.Save(r, w); err != nil {
				t.Error(err)
			}
		})
		s.wantRows(t, 2)
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Errorf("cart = %v, want 3", cart)
		}
	})
}

func TestStore_Columns(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.header.Set("User-Agent", "Mosaic/\u0085\xff1.0 é")
		ada.set(t, "cart", 3)
		row := s.row(t, ada.cookie(t))
		if row.Version != 1 || row.UserID != nil || row.AuthMethod != "" || row.AuthenticatedAt != nil {
			t.Errorf("row %+v", row)
		}
		if row.IP != "127.0.0.1" || row.UserAgent != "Mosaic/1.0 é" {
			t.Errorf("from %q with %q", row.IP, row.UserAgent)
		}
		if !row.CreatedAt.Equal(at(0)) || !row.LastSeenAt.Equal(at(0)) ||
			!row.ExpiresAt.Equal(at(sessionstore.DefaultIdleTimeout)) || !row.DeadlineAt.Equal(at(sessionstore.DefaultLifetime)) {
			t.Errorf("row %+v", row)
		}
	})
}

// An invalid cookie name is an error, and creates no row.
func TestStore_NoCookieName(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, name := range []string{"", "a b", "a=b", "a;b"} {
			for what, get := range map[string]func(*http.Request, string) (*sessions.Session, error){"Get": s.store.Get, "New": s.store.New} {
				r := newRequest(t)
				session, err := get(r, name)
				if err == nil || session == nil {
					t.Fatalf("%s(%q): %v, %v", what, name, session, err)
				}
				session.Values["cart"] = 3
				if err := session.Save(r, httptest.NewRecorder()); err == nil {
					t.Errorf("%s(%q): saved", what, name)
				}
			}
		}
		s.wantRows(t, 0)
	})
}
