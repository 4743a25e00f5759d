package sessionstore_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// onEveryForeignSession runs the test with a request for which another gorilla
// store has already registered a session with the same cookie name.
func onEveryForeignSession(t *testing.T, test func(t *testing.T, s *site, w http.ResponseWriter, r *http.Request, theirs *sessions.Session)) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		others := sessions.NewCookieStore([]byte("another store's"))
		answered := false
		s.browser(t).request(t, func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panic: %v", p)
				}
			}()
			theirs, err := others.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			theirs.Values["theirs"] = true
			test(t, s, w, r, theirs)
			answered = true
		})
		if !answered {
			t.Error("the request was not answered")
		}
		s.wantRows(t, 0)
	})
}

func TestStore_GetBesideAnotherStore(t *testing.T) {
	onEveryForeignSession(t, func(t *testing.T, s *site, w http.ResponseWriter, r *http.Request, theirs *sessions.Session) {
		for range 2 {
			session, err := s.store.Get(r, cookieName)
			if !errors.Is(err, sessionstore.ErrForeign) || !errors.Is(sessionstore.Err(session), sessionstore.ErrForeign) {
				t.Errorf("Get: %v, Err: %v", err, sessionstore.Err(session))
			}
			if session == nil || session == theirs || len(session.Values) != 0 {
				t.Errorf("session %v", session)
				return
			}
			session.Values["ours"] = true
			if err := session.Save(r, w); !errors.Is(err, sessionstore.ErrForeign) {
				t.Errorf("Save: %v", err)
			}
			if err := s.store.Save(r, w, session); !errors.Is(err, sessionstore.ErrForeign) {
				t.Errorf("Store.Save: %v", err)
			}
		}
		if len(theirs.Values) != 1 || len(w.Header()["Set-Cookie"]) != 0 {
			t.Errorf("their values %v, header %v", theirs.Values, w.Header())
		}
	})
}

// The session still belongs to the other store, so this store neither saves it
// nor sets its cookie.
func TestStore_SaveOfAnotherStoresSession(t *testing.T) {
	onEveryForeignSession(t, func(t *testing.T, s *site, w http.ResponseWriter, r *http.Request, theirs *sessions.Session) {
		_, _ = s.store.Get(r, cookieName)
		if err := s.store.Save(r, w, theirs); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("Store.Save: %v", err)
		}
		if err := signIn(theirs, "ada", ""); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("SignIn: %v", err)
		}
		if err := sessionstore.Err(theirs); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("Err: %v", err)
		}
	})
}

// Gorilla's sessions.Save saves all sessions of a request, and must not panic
// because of one of them.
func TestStore_GorillaSaveOfAnotherStoresSession(t *testing.T) {
	onEveryForeignSession(t, func(t *testing.T, s *site, w http.ResponseWriter, r *http.Request, _ *sessions.Session) {
		_, _ = s.store.Get(r, cookieName)
		_ = sessions.Save(r, w)
	})
}

// Two stores of this package cannot use the same cookie name in one request. The
// store that is asked first keeps its session.
func TestStore_TwoStoresOfOneName(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		other := s.instance(t, func(*sessionstore.Options) {})
		ada := s.browser(t)
		ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			if _, err := other.store.Get(r, cookieName); !errors.Is(err, sessionstore.ErrForeign) {
				t.Errorf("the other store's Get: %v", err)
			}
			session.Values["cart"] = 3
			if again, err := s.store.Get(r, cookieName); err != nil || again != session {
				t.Errorf("Get once more: %v, %v", again, err)
			}
			if err := session.Save(r, w); err != nil {
				t.Errorf("Save: %v", err)
			}
		})
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Errorf("cart = %v", cart)
		}
	})
}

// Nor can another store take over a session from gorilla's registry.
func TestStore_RegistryTellsWhose(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.browser(t).request(t, func(_ http.ResponseWriter, r *http.Request) {
			if _, err := s.store.Get(r, cookieName); err != nil {
				t.Error(err)
			}
			others := sessions.NewCookieStore([]byte("another store's"))
			if _, err := others.Get(r, cookieName); !errors.Is(err, sessionstore.ErrForeign) {
				t.Errorf("the other store's Get: %v", err)
			}
		})
	})
}
