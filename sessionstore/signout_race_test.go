package sessionstore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// replacements give a session of the same user a new sid.
var replacements = map[string]func(*testing.T, *browser){
	"SignIn": func(t *testing.T, b *browser) { b.signIn(t, "ada") },
	"Renew":  func(t *testing.T, b *browser) { b.change(t, renewSession) },
	"Schedule": func(t *testing.T, b *browser) {
		b.site.clock.advance(renewAfter)
		b.change(t, nil)
	},
}

// signOuts are the ways in which apps sign out.
var endings = map[string]func(*sessions.Session){
	"SignOut": signOut,
	"Clear":   func(session *sessions.Session) { clear(session.Values) },
}

// wantSignedOut checks that no row of a session family is left.
func (s *site) wantSignedOut(t *testing.T, family string, cookies ...string) {
	t.Helper()
	var n int
	if err := s.conn.Store.Get(&n, s.conn.Dialect.TranslateSQL("SELECT COUNT(*) FROM sessions WHERE family = ?"), family); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("%d rows of the session are left", n)
	}
	if n, err := countAll(t.Context(), s.store); n != 0 || err != nil {
		t.Errorf("%d live sessions, %v; want none", n, err)
	}
	for _, cookie := range cookies {
		s.wantDead(t, cookie)
	}
}

// A sign-out works even if another request gives the session a new sid at the
// same time, once or twice.
func TestStore_SignOutOfAReplacedSession(t *testing.T) {
	for name, replace := range replacements {
		for ending, end := range endings {
			for times := range 2 {
				t.Run(fmt.Sprintf("%s%s%d", name, ending, times+1), func(t *testing.T) {
					onEveryEngine(t, func(t *testing.T, s *site) { signOutOfAReplaced(t, s, times+1, replace, end) }, onSchedule)
				})
			}
		}
	}
}

func signOutOfAReplaced(t *testing.T, s *site, times int, replace func(*testing.T, *browser), end func(*sessions.Session)) {
	ada := s.browser(t)
	ada.signIn(t, "ada")
	cookies := []string{ada.cookie(t)}
	family := s.row(t, cookies[0]).Family
	v := ada.while(t, end, func() {
		for range times {
			replace(t, ada)
			if cookie := ada.cookie(t); cookie == cookies[len(cookies)-1] {
				t.Error("the session was not replaced")
			}
			cookies = append(cookies, ada.cookie(t))
		}
	})
	if v.saveErr != nil || len(v.cookies) != 1 || v.cookies[0].MaxAge >= 0 {
		t.Errorf("Save: %v, cookies %v", v.saveErr, v.cookies)
	}
	if ada.cookie(t) != "" {
		t.Error("the browser keeps a cookie")
	}
	s.wantSignedOut(t, family, cookies...)
}

// A sign-out does not affect other sessions of the same user.
func TestStore_SignOutSparesOtherSessions(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, phone := s.browser(t), s.browser(t)
		ada.signIn(t, "ada")
		phone.signIn(t, "ada")
		if v := ada.while(t, signOut, func() { ada.change(t, renewSession) }); v.saveErr != nil {
			t.Error(v.saveErr)
		}
		if user := phone.user(t); user != "ada" {
			t.Errorf("%v is signed in on the phone", user)
		}
		s.wantRows(t, 1)
	})
}

// A request that renews the session may run before or after a concurrent
// sign-out. In both cases, the user is signed out.
func TestStore_SignOutAndRenewAtOnce(t *testing.T) {
	for name, replace := range map[string]func(*sessions.Session){
		"Renew":         renewSession,
		"Schedule":      func(*sessions.Session) {},
		"ScheduleWrite": func(session *sessions.Session) { session.Values["cart"] = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				for range 10 {
					signOutAtOnce(t, s, replace)
				}
			}, onSchedule)
		})
	}
}

func signOutAtOnce(t *testing.T, s *site, replace func(*sessions.Session)) {
	ada := s.browser(t)
	ada.signIn(t, "ada")
	old := ada.cookie(t)
	family := s.row(t, old).Family
	s.clock.advance(renewAfter)
	var loaded, done group
	loaded.Add(2)
	for _, handle := range []func(*sessions.Session){signOut, replace} {
		done.Go(func() {
			v := s.with(t, cookieName+"="+old).visit(t, func(session *sessions.Session) {
				handle(session)
				loaded.Done()
				loaded.Wait()
			})
			if v.saveErr != nil && !errors.Is(v.saveErr, sessionstore.ErrEnded) {
				t.Errorf("Save: %v", v.saveErr)
			}
			for _, c := range v.cookies {
				if c.Value != "" {
					ada.client.Jar.SetCookies(s.url(t), v.cookies)
				}
			}
		})
	}
	done.Wait()
	if user := ada.user(t); user != nil {
		t.Errorf("%v is signed in", user)
	}
	s.wantSignedOut(t, family)
}
