package sessionstore_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

func wantEnded(t *testing.T, v visit) {
	t.Helper()
	if !errors.Is(v.saveErr, sessionstore.ErrEnded) || len(v.cookies) != 0 {
		t.Errorf("Save: %v, cookies %v; want ErrEnded and none", v.saveErr, v.cookies)
	}
}

func TestStore_SignOut(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		old := ada.cookie(t)
		v := ada.change(t, signOut)
		s.wantRows(t, 0)
		if len(v.cookies) != 1 || v.session.ID != "" {
			t.Fatalf("id %q, cookies %v", v.session.ID, v.cookies)
		}
		c := v.cookies[0]
		if c.Name != cookieName || c.Value != "" || c.MaxAge >= 0 || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %+v", c)
		}
		if ada.cookie(t) != "" {
			t.Error("the browser keeps the cookie")
		}
		s.wantDead(t, old)
	})
}

// If there is no session, only the cookie is deleted.
func TestStore_SignOutOfNothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		if v := s.browser(t).change(t, signOut); len(v.cookies) != 0 {
			t.Errorf("without a cookie: set %v", v.cookies)
		}
		for name, cookie := range map[string]string{
			"Forged": cookieName + "=forged",
			"Two":    cookieName + "=a; " + cookieName + "=b",
		} {
			if v := s.with(t, cookie).change(t, signOut); len(v.cookies) != 1 || v.cookies[0].MaxAge >= 0 {
				t.Errorf("%s: set %v", name, v.cookies)
			}
		}
		s.wantRows(t, 0)
	})
}

// A session that starts and ends in one response leaves nothing behind, even if
// its row was already written.
func TestStore_SignOutAfterSave(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		response := b.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, _ := s.store.Get(r, cookieName)
			signInAs("ada")(session)
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
			signOut(session)
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
		})
		if cookies := response.Cookies(); len(cookies) != 1 || cookies[0].Value != "" {
			t.Errorf("set %v", cookies)
		}
		s.wantRows(t, 0)
	})
}

// Signing out and in again in one request starts a new session.
func TestStore_SignInAfterSignOut(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.signIn(t, "ada")
		b.set(t, "cart", 3)
		b.set(t, "theme", "dark")
		old := b.cookie(t)
		b.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, _ := s.store.Get(r, cookieName)
			signOut(session)
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
			session.Options.MaxAge = 0
			clear(session.Values)
			session.Values["theme"] = "dark"
			signInAs("bob")(session)
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
		})
		if got := b.read(t); len(got) != 2 || got["user_id"] != "bob" || got["theme"] != "dark" {
			t.Errorf("session holds %v", got)
		}
		s.wantRows(t, 1)
		s.wantDead(t, old)
	})
}

// A session that is revoked while a request changes it stays revoked. Neither
// this Save nor the next one writes anything.
func TestStore_EndedMeanwhile(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *browser){
		"SignedOut": func(t *testing.T, b *browser) { b.change(t, signOut) },
		"Revoked":   func(t *testing.T, b *browser) { b.site.execute(t, "DELETE FROM sessions") },
		"Expired":   func(_ *testing.T, b *browser) { b.site.clock.advance(idle) },
		"Renewed":   func(t *testing.T, b *browser) { b.signIn(t, "ada") },
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) { endedMeanwhile(t, s, end) })
		})
		t.Run(name+"SignIn", func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) { signInEndedMeanwhile(t, s, end) })
		})
	}
}

// A sign-in succeeds even if its session was revoked in the meantime. It gets a
// new session, with nothing from the revoked one.
func signInEndedMeanwhile(t *testing.T, s *site, end func(*testing.T, *browser)) {
	ada := s.browser(t)
	ada.signIn(t, "ada")
	ada.set(t, "cart", 3)
	old := ada.cookie(t)
	var others int
	v := ada.while(t, signInAs("ada"), func() {
		end(t, ada)
		others = s.countRows(t)
	})
	if v.saveErr != nil || len(v.cookies) != 1 {
		t.Fatalf("Save: %v, cookies %v", v.saveErr, v.cookies)
	}
	if got := ada.read(t); len(got) != 1 || got["user_id"] != "ada" {
		t.Errorf("the session holds %v", got)
	}
	s.wantRows(t, others+1)
	s.wantDead(t, old)
}

func endedMeanwhile(t *testing.T, s *site, end func(*testing.T, *browser)) {
	ada := s.browser(t)
	ada.signIn(t, "ada")
	ada.set(t, "cart", 3)
	old := ada.cookie(t)
	ended, resume := make(chan struct{}), make(chan struct{})
	done := make(chan *http.Response)
	go func() {
		done <- ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, _ := s.store.Get(r, cookieName)
			session.Values["cart"] = 4
			close(ended)
			<-resume
			wantEnded(t, visit{saveErr: session.Save(r, w)})
			session.Values["again"] = true
			wantEnded(t, visit{saveErr: session.Save(r, w)})
			if err := sessionstore.Err(session); !errors.Is(err, sessionstore.ErrEnded) {
				t.Errorf("Err: %v", err)
			}
		})
	}()
	<-ended
	end(t, ada)
	rows, cookie := s.countRows(t), ada.cookie(t)
	var before []storedRow
	if rows == 1 {
		before = []storedRow{s.row(t, cookie)}
	}
	close(resume)
	if cookies := (<-done).Cookies(); len(cookies) != 0 {
		t.Errorf("set %v", cookies)
	}
	s.wantRows(t, rows)
	for _, row := range before {
		s.wantUnchanged(t, row)
	}
	s.wantDead(t, old)
}

// An unchanged session does not need its row, and signing out of a deleted
// session is not an error.
func TestStore_EndedMeanwhileUnchanged(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, handle := range map[string]func(*sessions.Session){
			"Read":    func(*sessions.Session) {},
			"SignOut": signOut,
		} {
			ada := s.browser(t)
			ada.signIn(t, "ada")
			v := ada.while(t, handle, func() { ada.change(t, signOut) })
			if v.saveErr != nil {
				t.Errorf("%s: %v", name, v.saveErr)
			}
		}
		s.wantRows(t, 0)
	})
}

// A client that disconnects during the sign-out is still signed out.
func TestStore_SignOutOfAClientThatLeft(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.signIn(t, "ada")
		ctx, leave := context.WithCancel(t.Context())
		r := newRequest(t).WithContext(ctx)
		r.Header.Set("Cookie", cookieName+"="+b.cookie(t))
		session, err := s.store.Get(r, cookieName)
		if err != nil {
			t.Fatal(err)
		}
		leave()
		signOut(session)
		if err := session.Save(r, httptest.NewRecorder()); err != nil {
			t.Errorf("Save: %v", err)
		}
		s.wantRows(t, 0)
	})
}

// Buffalo apps sign out with Session.Clear.
func TestStore_Clear(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.signIn(t, "ada")
		old := b.cookie(t)
		v := b.change(t, func(session *sessions.Session) { clear(session.Values) })
		if len(v.cookies) != 1 || v.cookies[0].MaxAge >= 0 || v.cookies[0].Value != "" {
			t.Errorf("set %v", v.cookies)
		}
		s.wantRows(t, 0)
		s.wantDead(t, old)
	})
}

// A request that signs out of a stale session and then signs a user in gets only
// the sign-in, without the values of the stale session.
func TestStore_SignOutThenSignIn(t *testing.T) {
	for name, saved := range map[string]bool{"SavedBetween": true, "SavedOnce": false} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				b := s.browser(t)
				b.signIn(t, "ada")
				b.set(t, "cart", "apples")
				old := b.cookie(t)
				b.request(t, func(w http.ResponseWriter, r *http.Request) {
					session, _ := s.store.Get(r, cookieName)
					signOut(session)
					if saved {
						if err := session.Save(r, w); err != nil {
							t.Error(err)
						}
					}
					signInAs("bob")(session)
					if err := session.Save(r, w); err != nil {
						t.Error(err)
					}
				})
				if got := b.read(t); len(got) != 1 || got[sessionstore.DefaultUserKey] != "bob" {
					t.Errorf("the session holds %v", got)
				}
				s.wantRows(t, 1)
				s.wantDead(t, old)
			})
		})
	}
}
