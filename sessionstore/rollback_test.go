package sessionstore_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// visitDropped is visitIn in a transaction that is rolled back, whose response is then
// replaced by an error page that saves the session again.
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

// If the response is dropped with the transaction, the browser has the old cookie.
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

// A handler may fail between SignIn and Save. What saves the session afterwards, such as
// an error page, must not sign the user in: the user may be gone with the transaction.
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

// A page with a status of 400 or more is sent although the transaction is rolled back.
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

// A sign-in over another user's session is rolled back to that user.
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

// The first request after the change of stores may be rolled back, as for a form with a
// mistake. Its user stays signed in.
func TestSettle_Adopted(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	for name, test := range map[string]struct {
		handle func(*sessions.Session)
		cart   any
	}{
		"Read":      {func(*sessions.Session) {}, 3},
		"Write":     {setTo("cart", 4), 4},
		"SignIn":    {signInAs("ada"), 3},
		"OtherUser": {signInAs("bob"), 3},
	} {
		t.Run(name, func(t *testing.T) {
			onOneConnection(t, func(t *testing.T, plain *site) {
				s := plain.instance(t, adopting(old))
				cookie := oldCookie(t, old, adasCart)
				ada := s.with(t, cookie)
				ada.visitIn(t, errRollBack, test.handle)
				delete(ada.header, "Cookie")
				if got := ada.read(t); len(got) != 2 || got["user_id"] != "ada" || got["cart"] != test.cart {
					t.Errorf("the session holds %v", got)
				}
				if row := s.row(t, ada.cookie(t)); row.UserID == nil || *row.UserID != "ada" || row.AuthMethod != "adopted" {
					t.Errorf("row %+v", row)
				}
				if n, err := count(t.Context(), s.store, "ada"); n != 1 || err != nil {
					t.Errorf("sessions of ada: %d, %v", n, err)
				}
				ada.change(t, signOut)
				s.wantNotAdopted(t, cookie)
			})
		})
	}
}

// wantNotAdopted checks that an old cookie has no session.
func (s *site) wantNotAdopted(t *testing.T, cookie string) {
	t.Helper()
	if v := s.with(t, cookie).change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
		t.Errorf("the old cookie holds %v, cookies %v", v.session.Values, v.cookies)
	}
}

// While a request is rolled back, another one may adopt the session. The response then has
// no cookie, so that the browser keeps the old one, which leads to the adopted session.
func TestSettle_AdoptedByAnother(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onOneConnection(t, func(t *testing.T, plain *site) {
		s := plain.instance(t, adopting(old))
		cookie := oldCookie(t, old, adasCart)
		response := s.with(t, cookie).request(t, func(w http.ResponseWriter, r *http.Request) {
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			if err := s.transaction(r, errRollBack, func() {
				session.Values["cart"] = 4
				if err := session.Save(r, w); err != nil {
					t.Error(err)
				}
			}); !errors.Is(err, errRollBack) {
				t.Error(err)
			}
			s.with(t, cookie).set(t, "theme", "dark")
			if err := sessionstore.Settle(r, session, false); err != nil {
				t.Errorf("Settle: %v", err)
			}
		})
		if cookies := response.Cookies(); len(cookies) > 0 {
			t.Errorf("the response sets %v", cookies)
		}
		if got := s.with(t, cookie).read(t); len(got) != 3 || got["user_id"] != "ada" || got["cart"] != 4 || got["theme"] != "dark" {
			t.Errorf("the session holds %v", got)
		}
	})
}

// A sign-in of somebody new leaves nothing that the cookie could lead to.
func TestSettle_SentSignInOfSomebodyNew(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		if v := s.browser(t).visitIn(t, errRollBack, signInAs("ada")); len(v.cookies) > 0 {
			t.Errorf("the response sets %v", v.cookies)
		}
		s.wantRows(t, 0)
	})
}

// The browser of a dropped response still has the old cookie.
func TestSettle_AdoptedAndDropped(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	for name, handle := range map[string]func(*sessions.Session){
		"Read": func(*sessions.Session) {}, "OtherUser": signInAs("bob"),
	} {
		t.Run(name, func(t *testing.T) {
			onOneConnection(t, func(t *testing.T, plain *site) {
				s := plain.instance(t, adopting(old))
				cookie := oldCookie(t, old, adasCart)
				s.with(t, cookie).visitDropped(t, handle)
				if got := s.with(t, cookie).read(t); len(got) != 2 || got["user_id"] != "ada" || got["cart"] != 3 {
					t.Errorf("the session holds %v", got)
				}
				if n, err := count(t.Context(), s.store, "ada"); n != 1 || err != nil {
					t.Errorf("sessions of ada: %d, %v", n, err)
				}
			})
		})
	}
}

// A sign-out stays, also the one of a session that was not adopted before.
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

// A sign-out counts whatever the handler did after it, even if its response is dropped.
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

// The session of a request may have been saved only when its handler ran the first time.
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

// Pop runs the handler again when SQLite was locked, and its sign-in counts.
func TestInTransaction_AdoptingHandlerRunsAgain(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onOneConnection(t, func(t *testing.T, plain *site) {
		s := plain.instance(t, adopting(old))
		ada := s.with(t, oldCookie(t, old, adasCart))
		ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			for _, end := range []error{errRollBack, nil} {
				err := s.transaction(r, end, func() {
					signInAs("ada")(session)
					if err := session.Save(r, w); err != nil {
						t.Error(err)
					}
				})
				if !errors.Is(err, end) {
					t.Error(err)
				}
			}
			if err := sessionstore.Settle(r, session, true); err != nil {
				t.Error(err)
			}
		})
		delete(ada.header, "Cookie")
		if row := s.row(t, ada.cookie(t)); row.UserID == nil || *row.UserID != "ada" || row.AuthMethod != "password" {
			t.Errorf("row %+v", row)
		}
		s.wantRows(t, 2) // one is the redirect row
	})
}

// A handler that fails after its second sign-in leaves the old session as it was.
func TestSettle_AdoptedSignInTwice(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onOneConnection(t, func(t *testing.T, plain *site) {
		s := plain.instance(t, adopting(old))
		ada := s.with(t, oldCookie(t, old, adasCart))
		ada.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			err = s.transaction(r, errRollBack, func() {
				signInAs("ada")(session)
				if err := session.Save(r, w); err != nil {
					t.Error(err)
				}
				signInAs("ada")(session)
			})
			if !errors.Is(err, errRollBack) {
				t.Error(err)
			}
			if err := sessionstore.Settle(r, session, false); err != nil {
				t.Errorf("Settle: %v", err)
			}
		})
		delete(ada.header, "Cookie")
		if row := s.row(t, ada.cookie(t)); row.AuthMethod != "adopted" || row.AuthenticatedAt != nil {
			t.Errorf("row %+v", row)
		}
	})
}
