package sessionstore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// signInFrom signs a user in, with a provider session if it is not "".
func signInFrom(t *testing.T, userID, method, providerSession string) func(*sessions.Session) {
	return func(session *sessions.Session) {
		login := sessionstore.Login{UserID: userID, Method: method, ProviderSession: providerSession}
		if providerSession != "" {
			login.ProviderSubject = "of" + userID
		}
		if err := sessionstore.SignIn(session, login); err != nil {
			t.Error(err)
		}
		session.Values["cart"] = 3 // for wantAlive
	}
}

func revokeProvided(s *site, providerSession, providerSubject string) (int64, error) {
	return s.store.Revoke(context.Background(), sessionstore.Filter{AnyUser: true, ProviderSession: providerSession, ProviderSubject: providerSubject})
}

func TestStore_RevokeProviderSession(t *testing.T) {
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
		if n, err := revokeProvided(s, "one", ""); n != 2 || err != nil {
			t.Errorf("ended %d, %v", n, err)
		}
		s.wantAlive(t, browsers, false, true, false, true, true)

		// Signing in again without the provider clears the provider session.
		browsers[1].signIn(t, "ada")
		if n, err := revokeProvided(s, "two", ""); n != 0 || err != nil {
			t.Errorf("ended %d, %v", n, err)
		}
		if n, err := revokeProvided(s, "", ""); n != 0 || err == nil {
			t.Errorf("no provider session: ended %d, %v", n, err)
		}
	})
}

func TestStore_RevokeProviderSubject(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		browsers := make([]*browser, 4)
		for i, how := range [][2]string{{"ada", "one"}, {"ada", "two"}, {"bob", "one"}} {
			browsers[i] = s.browser(t)
			browsers[i].change(t, signInFrom(t, how[0], "oidc", how[1]))
		}
		browsers[3] = s.browser(t)
		browsers[3].change(t, signInFrom(t, "ada", "password", ""))
		if n, err := revokeProvided(s, "", "ofada"); n != 2 || err != nil {
			t.Errorf("ended %d, %v", n, err)
		}
		s.wantAlive(t, browsers, false, false, true, true)
	})
}

func TestSignIn_InvalidProvider(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.browser(t).visit(t, func(session *sessions.Session) {
			for _, id := range []string{"a b", "é", strings.Repeat("x", 65)} {
				for _, login := range []sessionstore.Login{{UserID: "ada", ProviderSession: id}, {UserID: "ada", ProviderSubject: id}} {
					if err := sessionstore.SignIn(session, login); err == nil {
						t.Errorf("%+v was accepted", login)
					}
				}
			}
			if len(session.Values) != 0 {
				t.Errorf("a refused sign-in left %v", session.Values)
			}
		})
	})
}
