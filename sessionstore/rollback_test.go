package sessionstore_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// visitDropped is visitIn in a transaction that is rolled back. The response is
// replaced by an error page, which saves the session again.
func (b *browser) visitDropped(t *testing.T, handle func(*sessions.Session)) visit {
	t.Helper()
	var v visit
	response := b.request(t, func(w http.ResponseWriter, r *http.Request) {
		session, err := b.site.store.Get(r, cookieName)
		v = visit{session: session, getErr: err}
		err = b.site.transaction(r, errRollBack, func() {
			handle(session)
			v.saveErr = session.Save(r, w)
		})
		if !errors.Is(err, errRollBack) {
			t.Errorf("the transaction ended with %v", err)
		}
		clear(w.Header())
		if err := sessionstore.Settle(r, session, false); err != nil {
			t.Errorf("Settle: %v", err)
		}
		settled := session.ID
		if err := session.Save(r, w); err != nil || session.ID != settled && len(w.Header()["Set-Cookie"]) == 0 {
			t.Errorf("Save of the error page: %v, session %q became %q", err, settled, session.ID)
		}
	})
	if v.getErr != nil || v.saveErr != nil {
		t.Fatalf("Get: %v, Save: %v", v.getErr, v.saveErr)
	}
	v.cookies = response.Cookies()
	return v
}

var signInsInAnyWay = map[string]func(*sessions.Session){
	"SignIn": signInAs("ada"),
	"ByHand": setTo("current_user_id", "ada"),
}

// If the response is dropped with the transaction, the browser still has the old
// cookie.
func TestSettle_DroppedSignIn(t *testing.T) {
	for name, handle := range signInsInAnyWay {
		t.Run(name, func(t *testing.T) {
			onOneConnection(t, func(t *testing.T, s *site) {
				visitor := s.browser(t)
				visitor.set(t, "cart", 3)
				before := s.row(t, visitor.cookie(t))
				if v := visitor.visitDropped(t, handle); len(v.cookies) != 0 || v.session.ID != before.SID {
					t.Errorf("session %s, cookies %v", v.session.ID, v.cookies)
				}
				s.wantUnchanged(t, before)
				if got := visitor.read(t); len(got) != 1 || got["cart"] != 3 {
					t.Errorf("the session holds %v", got)
				}
				if v := s.browser(t).visitDropped(t, handle); len(v.cookies) != 0 || v.session.ID != "" {
					t.Errorf("somebody new: session %s, cookies %v", v.session.ID, v.cookies)
				}
				s.wantRows(t, 1)
			})
		})
	}
}

func TestSettle_DroppedRenewal(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		before := s.row(t, ada.cookie(t))
		if v := ada.visitDropped(t, renewSession); len(v.cookies) != 0 {
			t.Errorf("cookies %v", v.cookies)
		}
		s.wantUnchanged(t, before)
		if user := ada.user(t); user != "ada" {
			t.Errorf("signed in: %v", user)
		}
	})
}

// A handler may fail between SignIn and Save. A later Save, such as that of an
// error page, must not sign the user in, because the transaction that created the
// user may be rolled back.
func TestSettle_SignInWithoutSave(t *testing.T) {
	for name, handle := range signInsInAnyWay {
		t.Run(name, func(t *testing.T) {
			onOneConnection(t, func(t *testing.T, s *site) {
				b := s.browser(t)
				b.set(t, "cart", 3)
				b.request(t, func(w http.ResponseWriter, r *http.Request) {
					session, err := s.store.Get(r, cookieName)
					if err != nil {
						t.Error(err)
					}
					if err := s.transaction(r, errRollBack, func() { handle(session) }); !errors.Is(err, errRollBack) {
						t.Errorf("the transaction ended with %v", err)
					}
					if err := sessionstore.Settle(r, session, false); err != nil {
						t.Errorf("Settle: %v", err)
					}
					session.AddFlash("Something went wrong.")
					if err := session.Save(r, w); err != nil {
						t.Errorf("Save of the error page: %v", err)
					}
				})
				if got := b.read(t); len(got) != 2 || got["cart"] != 3 || s.row(t, b.cookie(t)).UserID != nil {
					t.Errorf("the session holds %v", got)
				}
			})
		})
	}
}

// A page with a status of 400 or more is sent although the transaction is rolled
// back.
func TestSettle_SentSignInByHand(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.set(t, "cart", 3)
		old := b.cookie(t)
		v := b.visitIn(t, errRollBack, setTo("current_user_id", "ada"))
		if got := b.read(t); len(v.cookies) != 1 || len(got) != 1 || got["cart"] != 3 {
			t.Errorf("cookies %v, the session holds %v", v.cookies, got)
		}
		if row := s.row(t, b.cookie(t)); row.UserID != nil {
			t.Errorf("the row is of %s", *row.UserID)
		}
		s.wantRows(t, 1)
		s.wantDead(t, old)
	})
}

// If a sign-in over another user's session is rolled back, that user stays signed
// in.
func TestSettle_SwitchOfUsers(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.signIn(t, "ada")
		b.set(t, "cart", 3)
		b.visitIn(t, errRollBack, signInAs("bob"))
		if got := b.read(t); len(got) != 2 || got["user_id"] != "ada" || got["cart"] != 3 {
			t.Errorf("the session holds %v", got)
		}
	})
}

// If the sign-in of a new visitor is rolled back, the cookie leads to no session.
func TestSettle_SentSignInOfSomebodyNew(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		if v := s.browser(t).visitIn(t, errRollBack, signInAs("ada")); len(v.cookies) > 0 {
			t.Errorf("the response sets %v", v.cookies)
		}
		s.wantRows(t, 0)
	})
}

// A sign-out is kept, even if the session had not been adopted yet.
func TestSettle_SignOutOfOldSession(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onOneConnection(t, func(t *testing.T, plain *site) {
		s := plain.instance(t, adopting(old))
		cookie := oldCookie(t, old, adasCart)
		if v := s.with(t, cookie).visitIn(t, errRollBack, signOut); len(v.cookies) != 1 || v.cookies[0].MaxAge >= 0 {
			t.Errorf("cookies %v", v.cookies)
		}
		s.wantNotAdopted(t, cookie)
		s.clock.advance(adoption - time.Second)
		s.wantNotAdopted(t, cookie)
	})
}

// A sign-out is kept, whatever the handler did after it, and even if its response
// is dropped.
func TestSettle_SignOutStays(t *testing.T) {
	for name, after := range map[string]func(*sessions.Session){
		"Nothing":   func(*sessions.Session) {},
		"Message":   setTo("message", "signed out"),
		"OtherUser": signInAs("bob"),
	} {
		t.Run(name, func(t *testing.T) {
			onOneConnection(t, func(t *testing.T, s *site) {
				for _, dropped := range []bool{true, false} {
					ada := s.browser(t)
					ada.signIn(t, "ada")
					old := ada.cookie(t)
					ada.request(t, func(w http.ResponseWriter, r *http.Request) {
						session, err := s.store.Get(r, cookieName)
						if err != nil {
							t.Error(err)
						}
						if err := s.transaction(r, errRollBack, func() {
							for _, handle := range []func(*sessions.Session){signOut, after} {
								handle(session)
								if err := session.Save(r, w); err != nil {
									t.Error(err)
								}
							}
						}); !errors.Is(err, errRollBack) {
							t.Error(err)
						}
						if dropped {
							clear(w.Header())
						}
						if err := sessionstore.Settle(r, session, false); err != nil {
							t.Errorf("Settle: %v", err)
						}
					})
					s.wantDead(t, old)
					if user := ada.user(t); user != nil {
						t.Errorf("dropped: %t: %v is signed in", dropped, user)
					}
				}
			})
		})
	}
}

// The session may have been saved only when the handler ran for the first time.
func TestSettle_SavedInTheFirstRunOnly(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			if err := s.transaction(r, errRollBack, func() {
				session.Values["cart"] = 3
				if err := session.Save(r, w); err != nil {
					t.Error(err)
				}
			}); !errors.Is(err, errRollBack) {
				t.Error(err)
			}
			if err := s.transaction(r, nil, func() {}); err != nil {
				t.Error(err)
			}
			if err := sessionstore.Settle(r, session, true); err != nil {
				t.Errorf("Settle: %v", err)
			}
		})
		if got := b.read(t); got["cart"] != 3 {
			t.Errorf("the session holds %v", got)
		}
	})
}
