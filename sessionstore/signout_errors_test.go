package sessionstore_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

func TestSignOut_Foreign(t *testing.T) {
	s := newSQLiteSite(t)
	theirs, err := sessions.NewCookieStore(secret).New(newRequest(t), cookieName)
	if err != nil {
		t.Fatal(err)
	}
	for name, session := range map[string]*sessions.Session{
		"Nil":        nil,
		"HandMade":   sessions.NewSession(s.store, cookieName),
		"OtherStore": theirs,
	} {
		if session != nil {
			session.Values["cart"] = 3
		}
		if err := sessionstore.SignOut(session); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
		if session != nil && session.Values["cart"] != 3 {
			t.Errorf("%s: the values are gone", name)
		}
	}
}

// If the database is unavailable, the user stays signed in and keeps the cookie.
func TestStore_SignOutUnavailable(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		v := ada.visit(t, func(session *sessions.Session) {
			signOut(session)
			session.Values["message"] = "signed out"
			if err := s.conn.Close(); err != nil {
				t.Error(err)
			}
		})
		if v.getErr != nil || !errors.Is(v.saveErr, sessionstore.ErrUnavailable) || len(v.cookies) != 0 {
			t.Errorf("Get: %v, Save: %v, cookies %v", v.getErr, v.saveErr, v.cookies)
		}
	})
}

// Values that are set after SignOut start an anonymous session in the same Save.
func TestStore_ValuesAfterSignOut(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.signedIn(t, "ada")[0]
		old := b.cookie(t)
		v := b.change(t, func(session *sessions.Session) {
			signOut(session)
			if len(session.Values) != 0 {
				t.Errorf("after SignOut the session holds %v", session.Values)
			}
			session.Values["message"] = "signed out"
		})
		if len(v.cookies) != 1 || v.cookies[0].MaxAge != 0 {
			t.Errorf("cookies %v", v.cookies)
		}
		renewed(t, b, old)
		row := s.row(t, b.cookie(t))
		if row.UserID != nil || row.AuthenticatedAt != nil || row.AuthMethod != "" || row.Family != row.SID {
			t.Errorf("row %+v", row)
		}
		if got := b.read(t); len(got) != 1 || got["message"] != "signed out" {
			t.Errorf("the session holds %v", got)
		}
		s.wantRows(t, 1)
		s.wantDead(t, old)
	})
}

// A request whose Save returned ErrEnded can still sign out, and leave a message.
func TestStore_SignOutAfterErrEnded(t *testing.T) {
	for name, end := range map[string]func(*sessions.Session){
		"SignOut": signOut,
		"MaxAge":  func(session *sessions.Session) { session.Options.MaxAge = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				ada := s.browser(t)
				ada.signIn(t, "ada")
				ada.request(t, func(w http.ResponseWriter, r *http.Request) {
					session, err := s.store.Get(r, cookieName)
					if err != nil {
						t.Error(err)
					}
					if _, err := s.store.RevokeAll(r.Context()); err != nil {
						t.Error(err)
					}
					session.Values["cart"] = 3
					if err := session.Save(r, w); !errors.Is(err, sessionstore.ErrEnded) {
						t.Errorf("Save: %v", err)
					}
					end(session)
					if err := session.Save(r, w); err != nil {
						t.Errorf("Save after the sign-out: %v", err)
					}
					session.Options.MaxAge = 0
					session.Values["message"] = "signed out"
					if err := session.Save(r, w); err != nil {
						t.Errorf("Save of the message: %v", err)
					}
				})
				if got := ada.read(t); len(got) != 1 || got["message"] != "signed out" {
					t.Errorf("the session holds %v", got)
				}
				s.wantRows(t, 1)
			})
		})
	}
}
