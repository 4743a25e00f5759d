package sessionstore_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

func TestStore_Bearer(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		token := s.issue(t, "ada")
		program := s.program(t, "Bearer "+token)
		s.queries.take()
		v := program.change(t, nil)
		s.queries.want(t, "a read", "SELECT")
		if v.session.Values["user_id"] != "ada" || v.session.IsNew || v.session.ID != token[:24] || len(v.cookies) != 0 {
			t.Errorf("%+v, cookies %v", v.session, v.cookies)
		}
		if v := program.set(t, "cart", 3); len(v.cookies) != 0 {
			t.Errorf("set %v", v.cookies)
		}
		for _, header := range []string{"bearer " + token, "BEARER   " + token} {
			if cart := s.program(t, header).read(t)["cart"]; cart != 3 {
				t.Errorf("%.8s: cart = %v", header, cart)
			}
		}
		if row := s.row(t, token); !row.ExpiresAt.Equal(at(tokenLifetime)) {
			t.Errorf("expires %v after a write", row.ExpiresAt)
		}
	}, bearers)
}

// The lifetime of a token does not depend on its use, but its last use is
// recorded.
func TestStore_BearerLifetime(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		used, unused := s.issue(t, "ada"), s.issue(t, "ada")
		s.clock.advance(tokenLifetime - instant)
		for _, token := range []string{used, unused} {
			if user := s.program(t, "Bearer "+token).user(t); user != "ada" {
				t.Errorf("signed in just before the end: %v", user)
			}
		}
		row := s.row(t, used)
		if !row.LastSeenAt.Equal(at(tokenLifetime-instant)) || !row.ExpiresAt.Equal(at(tokenLifetime)) {
			t.Errorf("seen %v, expires %v", row.LastSeenAt, row.ExpiresAt)
		}
		s.clock.advance(instant)
		wantNobody(t, "expired", s.program(t, "Bearer "+used))
	}, bearers)
}

// A malformed token is anonymous, causes no query, and the cookie is not used
// instead.
func TestStore_BearerMalformed(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		token := s.issue(t, "ada")
		bob := s.browser(t)
		bob.signIn(t, "bob")
		before := s.row(t, bob.cookie(t))
		s.queries.take()
		for name, headers := range map[string][]string{
			"None":        {"Bearer"},
			"Empty":       {"Bearer "},
			"Nonsense":    {"Bearer nonsense"},
			"Forged":      {"Bearer " + token[:len(token)-1] + "!"},
			"OtherSecret": {"Bearer " + sign(t, []byte("another secret, of 32 bytes too!"), token[:24], strings.Split(token, ".")[1])},
			"Tab":         {"Bearer\t" + token},
			"Comma":       {"Bearer," + token},
			"MoreAfter":   {"Bearer " + token + " x"},
			"TwoInOne":    {"Bearer " + token + ", Bearer " + token},
			"Twice":       {"Bearer " + token, "Bearer " + token},
			"TwoSchemes":  {"Basic YTpi", "Bearer " + token},
		} {
			bob.header["Authorization"] = headers
			wantNobody(t, name, bob)
		}
		s.queries.want(t, "malformed tokens", "")
		s.wantUnchanged(t, before)
		bob.header.Del("Authorization")
		if user := bob.user(t); user != "bob" {
			t.Errorf("the cookie's user is %v", user)
		}
	}, bearers)
}

// A valid signature is not enough: the secret must match the row.
func TestStore_BearerOfAnother(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, bob := s.issue(t, "ada"), s.issue(t, "bob")
		mixed := sign(t, secret, ada[:24], strings.Split(bob, ".")[1])
		wantNobody(t, "bob's secret with ada's sid", s.program(t, "Bearer "+mixed))
		if err := revokeOne(t.Context(), s.store, "ada", ada[:24]); err != nil {
			t.Fatal(err)
		}
		wantNobody(t, "ended", s.program(t, "Bearer "+ada))
		if user := s.program(t, "Bearer "+bob).user(t); user != "bob" {
			t.Errorf("signed in: %v", user)
		}
	}, bearers)
}

func TestStore_BearerBeatsCookie(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		bob := s.browser(t)
		bob.signIn(t, "bob")
		before := s.row(t, bob.cookie(t))
		bob.header.Set("Authorization", "Bearer "+s.issue(t, "ada"))
		if v := bob.set(t, "cart", 3); v.session.Values["user_id"] != "ada" || len(v.cookies) != 0 {
			t.Errorf("%+v, cookies %v", v.session, v.cookies)
		}
		s.wantUnchanged(t, before)
		if v := bob.change(t, signOut); len(v.cookies) != 0 {
			t.Errorf("signing the token out set %v", v.cookies)
		}
		s.wantRows(t, 1)
		s.wantUnchanged(t, before)
		for _, scheme := range []string{"Basic YTpi", "Bearerer x"} { // of a proxy before the site
			bob.header.Set("Authorization", scheme)
			if user := bob.user(t); user != "bob" {
				t.Errorf("%s: signed in: %v", scheme, user)
			}
		}
	}, bearers)
}

// A token cannot be renewed, because the client would not learn the new one.
func TestStore_BearerIsNotRenewed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		token := s.issue(t, "ada")
		s.clock.advance(day)
		program := s.program(t, "Bearer "+token)
		for _, handle := range []func(*sessions.Session){nil, func(session *sessions.Session) { session.Values["cart"] = 3 }} {
			if v := program.change(t, handle); len(v.cookies) != 0 || v.session.ID != token[:24] {
				t.Errorf("id %q, cookies %v", v.session.ID, v.cookies)
			}
		}
		if row := s.row(t, token); row.RenewedTo != "" || !row.RenewedAt.Equal(at(0)) {
			t.Errorf("row %+v", row)
		}
	}, bearers, func(o *sessionstore.Options) { o.RenewAfter = time.Hour })
}

// A token expires with the secret that signed it.
func TestStore_BearerRotation(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		before, both, after := s.rotation(t, bearers)
		token := before.issue(t, "ada")
		program := s.program(t, "Bearer "+token)
		if v := program.on(both).change(t, nil); v.session.Values["user_id"] != "ada" || len(v.cookies) != 0 {
			t.Errorf("%+v, cookies %v", v.session, v.cookies)
		}
		wantNobody(t, "signed under a dropped secret", program.on(after))
		if user := s.program(t, "Bearer "+both.issue(t, "bob")).on(after).user(t); user != "bob" {
			t.Errorf("made when there were two secrets: %v", user)
		}
	})
}

func TestStore_ErrBearer(t *testing.T) {
	for name, handle := range map[string]func(*sessions.Session){
		"SignIn":      signInAs("ada"),
		"SignInOther": signInAs("bob"),
		"OtherUser":   func(session *sessions.Session) { session.Values["user_id"] = "bob" },
		"NoUser":      func(session *sessions.Session) { delete(session.Values, "user_id"); session.Values["cart"] = 3 },
		"Renew":       renewSession,
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				token := s.issue(t, "ada")
				before := s.row(t, token)
				v := s.program(t, "Bearer "+token).visit(t, handle)
				if !errors.Is(v.saveErr, sessionstore.ErrBearer) || len(v.cookies) != 0 {
					t.Errorf("%v, cookies %v", v.saveErr, v.cookies)
				}
				s.wantUnchanged(t, before)
				s.wantRows(t, 1)
			}, bearers)
		})
	}
}

// A session that starts here would be lost, because the client gets no cookie.
func TestStore_BearerBeginsNothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, handle := range map[string]func(*sessions.Session){
			"SignIn": signInAs("ada"),
			"Value":  func(session *sessions.Session) { session.Values["cart"] = 3 },
		} {
			v := s.program(t, "Bearer nonsense").visit(t, handle)
			if !errors.Is(v.saveErr, sessionstore.ErrBearer) || len(v.cookies) != 0 {
				t.Errorf("%s: %v, cookies %v", name, v.saveErr, v.cookies)
			}
		}
		s.wantRows(t, 0)
	}, bearers)
}

func TestStore_BearerSignOut(t *testing.T) {
	for name, handle := range map[string]func(*sessions.Session){
		"SignOut": signOut,
		"Clear":   func(session *sessions.Session) { clear(session.Values) },
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				program := s.program(t, "Bearer "+s.issue(t, "ada"))
				if v := program.change(t, handle); len(v.cookies) != 0 {
					t.Errorf("set %v", v.cookies)
				}
				s.wantRows(t, 0)
				wantNobody(t, "signed out", program)
			}, bearers)
		})
	}
}

func TestStore_NoBearerByDefault(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		bob := s.browser(t)
		bob.signIn(t, "bob")
		bob.header.Set("Authorization", "Bearer "+s.issue(t, "ada"))
		if user := bob.user(t); user != "bob" {
			t.Errorf("signed in: %v", user)
		}
	})
}

func TestStore_BearerAlive(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ended, token := s.issue(t, "ada"), s.issue(t, "ada")
		if err := revokeSID(t.Context(), s.store, ended[:24]); err != nil {
			t.Fatal(err)
		}
		for given, want := range map[string]bool{token: true, ended: false} {
			r := newRequest(t)
			r.Header.Set("Authorization", "Bearer "+given)
			r.AddCookie(&http.Cookie{Name: cookieName, Value: token})
			if alive, err := s.store.Alive(r, cookieName); alive != want || err != nil {
				t.Errorf("alive: %t, %v; want %t", alive, err, want)
			}
		}
	}, bearers)
}
