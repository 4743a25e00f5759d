package sessionstore_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func newRequest(t testing.TB) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())
}

func newResponse() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func TestStore_GetIsTheSameInOneRequest(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		s.queries.take()
		ada.request(t, func(_ http.ResponseWriter, r *http.Request) {
			first, _ := s.store.Get(r, cookieName)
			second, _ := s.store.Get(r, cookieName)
			anew, err := s.store.New(r, cookieName)
			if first != second || anew == first || err != nil || anew.Values["cart"] != 3 {
				t.Errorf("Get gave %p and %p, New %p %v, %v", first, second, anew, anew.Values, err)
			}
		})
		s.queries.want(t, "Get twice and New once", "SELECT SELECT")
	})
}

// Middleware passes copies of the request on, and other stores may have been used
// before.
func TestStore_GetOnADerivedRequest(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		others := sessions.NewCookieStore([]byte("another store's"))
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := others.Get(r, "others"); err != nil {
				t.Error(err)
			}
			type key struct{}
			derived := r.WithContext(context.WithValue(r.Context(), key{}, 1))
			session, err := s.store.Get(derived, cookieName)
			if err != nil || session.Values["cart"] != 3 {
				t.Errorf("session %v, %v", session.Values, err)
			}
			session.Values["cart"] = 4
			same, _ := s.store.Get(r, cookieName)
			if same != session {
				t.Error("another session on the request that it was derived from")
			}
			if err := same.Save(r, w); err != nil {
				t.Error(err)
			}
		})
		if cart := ada.read(t)["cart"]; cart != 4 {
			t.Errorf("cart = %v", cart)
		}
		s.wantRows(t, 1)
	})
}

// Gorilla's sessions.Save saves all sessions of a request, including those of
// other stores.
func TestStore_GorillaSave(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		others := sessions.NewCookieStore([]byte("another store's"))
		others.Options.Secure = false
		ada := s.browser(t)
		response := ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			ours, _ := s.store.Get(r, cookieName)
			ours.Values["cart"] = 3
			theirs, _ := others.Get(r, "others")
			theirs.Values["cart"] = 7
			if err := sessions.Save(r, w); err != nil {
				t.Error(err)
			}
		})
		if len(response.Cookies()) != 2 {
			t.Errorf("set %v", response.Cookies())
		}
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Errorf("cart = %v", cart)
		}
		s.wantRows(t, 1)
	})
}

func TestStore_SessionStore(t *testing.T) {
	s := newSite(t, testdb.NewURL(t, testdb.SQLite))
	ada := s.browser(t)
	ada.request(t, func(w http.ResponseWriter, r *http.Request) {
		session, _ := s.store.New(r, cookieName)
		session.Values["cart"] = 3
		if err := session.Store().Save(r, w, session); err != nil {
			t.Error(err)
		}
		if _, err := session.Store().Get(r, cookieName); err != nil {
			t.Error(err)
		}
	})
	if cart := ada.read(t)["cart"]; cart != 3 {
		t.Errorf("cart = %v", cart)
	}
}

func TestStore_ErrForeign(t *testing.T) {
	s := newSite(t, testdb.NewURL(t, testdb.SQLite))
	cookies := sessions.NewCookieStore([]byte("another store's"))
	theirs, _ := cookies.New(newRequest(t), cookieName)
	for name, session := range map[string]*sessions.Session{
		"Nil":        nil,
		"HandMade":   sessions.NewSession(s.store, cookieName),
		"OfNoStore":  sessions.NewSession(nil, cookieName),
		"OtherStore": theirs,
	} {
		w := newResponse()
		if err := s.store.Save(newRequest(t), w, session); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("%s: Save: %v", name, err)
		}
		if err := sessionstore.Err(session); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("%s: Err: %v", name, err)
		}
		if err := signIn(session, "ada", ""); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("%s: SignIn: %v", name, err)
		}
		if _, err := sessionstore.Describe(t.Context(), session); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("%s: Describe: %v", name, err)
		}
		if len(w.Header()) != 0 {
			t.Errorf("%s: set %v", name, w.Header())
		}
	}
	s.wantRows(t, 0)
}

// A cookie name that is not valid is an error of the app.
func TestStore_InvalidName(t *testing.T) {
	s := newSite(t, testdb.NewURL(t, testdb.SQLite))
	r, w := newRequest(t), newResponse()
	session, err := s.store.Get(r, "no name")
	if session == nil || err == nil || sessionstore.Err(session) == nil {
		t.Fatalf("Get: %v, %v", session, err)
	}
	session.Values["cart"] = 3
	if err := session.Save(r, w); err == nil || len(w.Header()) != 0 {
		t.Errorf("Save: %v, %v", err, w.Header())
	}
	s.wantRows(t, 0)
}

func TestStore_Describe(t *testing.T) {
	for name, eager := range map[string]bool{"Lazy": false, "Eager": true} {
		t.Run(name, func(t *testing.T) {
			onEveryCountedEngine(t, func(t *testing.T, s *site) {
				ada := s.browser(t)
				if _, err := sessionstore.Describe(t.Context(), ada.change(t, nil).session); !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("a session without a row: %v", err)
				}
				saved, err := sessionstore.Describe(t.Context(), ada.signIn(t, "ada").session)
				if err != nil || saved.UserID != "ada" || saved.AuthMethod != "password" || !saved.AuthenticatedAt.Equal(at(0)) || !saved.ExpiresAt.Equal(at(idle)) {
					t.Errorf("saved as %+v, %v", saved, err)
				}
				s.queries.take()
				session := ada.change(t, nil).session
				loaded, err := sessionstore.Describe(s.queries.context(t.Context()), session)
				if err != nil || loaded != saved || loaded.SID != session.ID {
					t.Errorf("loaded as %+v, %v; saved as %+v", loaded, err, saved)
				}
				if verbs := s.queries.take(); (verbs == "SELECT") != eager {
					t.Errorf("statements %q", verbs)
				}
				if _, err := sessionstore.Describe(t.Context(), ada.change(t, signOut).session); !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("an ended session: %v", err)
				}
			}, func(o *sessionstore.Options) { o.FullRecord = eager })
		})
	}
}
