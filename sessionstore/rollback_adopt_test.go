package sessionstore_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// The first request after the switch to this store may be rolled back, as for an
// invalid form. The user must stay signed in.
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

// While a request is rolled back, another one may adopt the session. The response
// then has no cookie, so that the browser keeps the old one, which leads to the
// adopted session.
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

// If the response is dropped, the browser still has the old cookie.
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

// Pop runs the handler again if SQLite was locked. The second run's sign-in
// counts.
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

// A handler that fails after its second sign-in leaves the old session unchanged.
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

// wantNotAdopted checks that an old cookie has no session.
func (s *site) wantNotAdopted(t *testing.T, cookie string) {
	t.Helper()
	if v := s.with(t, cookie).change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
		t.Errorf("the old cookie holds %v, cookies %v", v.session.Values, v.cookies)
	}
}
