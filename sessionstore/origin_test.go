package sessionstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// signInFrom signs a user in by a method, out of an origin unless it is "".
func signInFrom(t *testing.T, userID, method, origin string) func(*sessions.Session) {
	return func(session *sessions.Session) {
		if err := sessionstore.SignIn(session, userID, method); err != nil {
			t.Error(err)
		}
		session.Values["cart"] = 3 // for wantAlive
		if origin == "" {
			return
		}
		if err := sessionstore.SetOrigin(session, origin, "of"+userID); err != nil {
			t.Error(err)
		}
	}
}

func TestStore_RevokeOrigin(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		browsers := make([]*browser, 5)
		for i, how := range [][3]string{{"ada", "oidc", "one"}, {"ada", "oidc", "two"}, {"bob", "oidc", "one"}, {"ada", "oidc", ""}, {"ada", "oidc", "One"}} {
			browsers[i] = s.browser(t)
			browsers[i].change(t, signInFrom(t, how[0], how[1], how[2]))
		}
		browsers[0].set(t, "note", 1)
		browsers[2].change(t, func(session *sessions.Session) {
			if err := sessionstore.Renew(session); err != nil {
				t.Error(err)
			}
		})
		if n, err := s.store.RevokeOrigin(t.Context(), "one"); n != 2 || err != nil {
			t.Errorf("ended %d, %v", n, err)
		}
		s.wantAlive(t, browsers, false, true, false, true, true)

		// Signing in again from elsewhere leaves the origin behind.
		browsers[1].signIn(t, "ada")
		if n, err := s.store.RevokeOrigin(t.Context(), "two"); n != 0 || err != nil {
			t.Errorf("ended %d, %v", n, err)
		}
		for _, none := range []string{"", "a b", "é", strings.Repeat("x", 65)} {
			if _, err := s.store.RevokeOrigin(t.Context(), none); err == nil {
				t.Errorf("%q is taken for an origin", none)
			}
		}
	})
}

func TestStore_RevokeSubject(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		browsers := make([]*browser, 4)
		for i, how := range [][2]string{{"ada", "one"}, {"ada", "two"}, {"bob", "one"}} {
			browsers[i] = s.browser(t)
			browsers[i].change(t, signInFrom(t, how[0], "oidc", how[1]))
		}
		browsers[3] = s.browser(t)
		browsers[3].change(t, signInFrom(t, "ada", "password", ""))
		if n, err := s.store.RevokeSubject(t.Context(), "ofada"); n != 2 || err != nil {
			t.Errorf("ended %d, %v", n, err)
		}
		s.wantAlive(t, browsers, false, false, true, true)
		if _, err := s.store.RevokeSubject(t.Context(), ""); err == nil {
			t.Error("nobody's sessions were ended")
		}
	})
}

func TestSetOrigin_Refused(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.browser(t).visit(t, func(session *sessions.Session) {
			if err := sessionstore.SetOrigin(session, "one", ""); err == nil {
				t.Error("an origin without a sign-in")
			}
			if err := sessionstore.SignIn(session, "ada", ""); err != nil {
				t.Error(err)
			}
			if err := sessionstore.SetOrigin(session, "a b", ""); err == nil {
				t.Error("an origin with a space")
			}
			if err := sessionstore.SetOrigin(session, "one", "a b"); err == nil {
				t.Error("a subject with a space")
			}
		})
		foreign := sessions.NewSession(nil, cookieName)
		if err := sessionstore.SetOrigin(foreign, "one", ""); !errors.Is(err, sessionstore.ErrForeign) {
			t.Error(err)
		}
	})
}
