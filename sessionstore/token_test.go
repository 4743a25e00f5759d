package sessionstore_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

const tokenLifetime = 90 * day

func bearers(o *sessionstore.Options) { o.Bearer = true }

// issue makes a token of a user's.
func (s *site) issue(t testing.TB, userID string) (token string) {
	t.Helper()
	token, _, err := s.issueLabeled(t, userID, "Backup of the house", tokenLifetime)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// issueLabeled makes a token in a session whose row is gone afterwards.
func (s *site) issueLabeled(t testing.TB, userID, label string, lifetime time.Duration) (string, sessionstore.Record, error) {
	t.Helper()
	r, session := s.signedInRequest(t, userID)
	token, record, err := s.store.IssueToken(r, session, label, lifetime)
	s.execute(t, "DELETE FROM sessions WHERE sid = ?", session.ID)
	return token, record, err
}

// signedInRequest is a request with a session of a user's.
func (s *site) signedInRequest(t testing.TB, userID string) (*http.Request, *sessions.Session) {
	t.Helper()
	r := newRequest(t).WithContext(s.queries.context(t.Context()))
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("User-Agent", "Mosaic/1.0")
	session, err := s.store.New(r, cookieName)
	if err != nil {
		t.Fatal(err)
	}
	if err := signIn(session, userID, "password"); err != nil {
		t.Fatal(err)
	}
	if err := session.Save(r, httptest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
	return r, session
}

// program is a client that sends these Authorization headers.
func (s *site) program(t testing.TB, authorization ...string) *browser {
	t.Helper()
	b := s.browser(t)
	b.header["Authorization"] = authorization
	return b
}

// wantNobody checks that the site takes a client for nobody, and sets no cookie.
func wantNobody(t testing.TB, what string, b *browser) {
	t.Helper()
	if v := b.change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
		t.Errorf("%s: %+v, cookies %v", what, v.session, v.cookies)
	}
}

func TestStore_IssueToken(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		token := s.issue(t, "ada")
		row := s.row(t, token)
		if row.UserID == nil || *row.UserID != "ada" || row.AuthMethod != "token" || row.AuthenticatedAt != nil ||
			row.Label == nil || *row.Label != "Backup of the house" || row.IP != "192.0.2.7" || row.UserAgent != "Mosaic/1.0" {
			t.Errorf("row %+v", row)
		}
		if !row.CreatedAt.Equal(at(0)) || !row.LastSeenAt.Equal(at(0)) || !row.ExpiresAt.Equal(at(tokenLifetime)) || !row.DeadlineAt.Equal(at(tokenLifetime)) {
			t.Errorf("row %+v", row)
		}
		if token != sign(t, secret, row.SID, strings.Split(token, ".")[1]) || !s.store.Verify(token) {
			t.Errorf("token %q", token)
		}
		records, err := list(t.Context(), s.store, "ada", 10)
		if err != nil || len(records) != 1 || records[0].SID != row.SID || records[0].Label != "Backup of the house" || !records[0].AuthenticatedAt.IsZero() {
			t.Errorf("listed as %+v, %v", records, err)
		}
		found, _, err := s.store.List(t.Context(), sessionstore.Filter{UserID: "ada", AuthMethod: "token"}, "", 10)
		if err != nil || !slices.Equal(found, records) {
			t.Errorf("found %+v, %v", found, err)
		}
	}, bearers)
}

// The label is text as every database takes it, and null for none.
func TestStore_IssueLabel(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for given, want := range map[string]string{
			"":                            "",
			"\x00\xff\u0085":              "",
			"a\x00b\xff 𝔘𝔫𝔦":              "ab 𝔘𝔫𝔦",
			strings.Repeat("é", 64) + "x": strings.Repeat("é", 64),
		} {
			token, record, err := s.issueLabeled(t, "ada", given, day)
			if err != nil || record.Label != want {
				t.Errorf("%q: %+v, %v", given, record, err)
				continue
			}
			if row := s.row(t, token); (row.Label == nil) != (want == "") || want != "" && *row.Label != want {
				t.Errorf("%q: row %+v", given, row)
			}
		}
	})
}

// The program finds its user where the site's pages look for him.
func TestStore_IssueUserKey(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		program := s.program(t, "Bearer "+s.issue(t, "ada"))
		if values := program.read(t); len(values) != 1 || values["account"] != "ada" {
			t.Errorf("the session holds %v", values)
		}
	}, bearers, func(o *sessionstore.Options) { o.UserKey = "account" })
}

func TestStore_ObserveIssue(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t, bearers)
		r, session := s.signedInRequest(t, "ada")
		o.take()
		token, _, err := s.store.IssueToken(r, session, "", day)
		if err != nil {
			t.Fatal(err)
		}
		o.want(t, "a token", event(opSave, token[:24], "ada", 1))
	})
}

func TestStore_IssueTokenErrors(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		r, ada := s.signedInRequest(t, "ada")
		for _, lifetime := range []time.Duration{0, -day} {
			if token, _, err := s.store.IssueToken(r, ada, "", lifetime); err == nil || token != "" {
				t.Errorf("a lifetime of %s: %q, %v", lifetime, token, err)
			}
		}
		anonymous, err := s.store.New(newRequest(t), cookieName)
		if err != nil {
			t.Fatal(err)
		}
		if token, _, err := s.store.IssueToken(r, anonymous, "", day); err == nil || token != "" {
			t.Errorf("anonymous: %q, %v", token, err)
		}
		foreign := sessions.NewSession(sessions.NewCookieStore(secret), cookieName)
		if token, _, err := s.store.IssueToken(r, foreign, "", day); !errors.Is(err, sessionstore.ErrForeign) || token != "" {
			t.Errorf("foreign: %q, %v", token, err)
		}
		s.wantRows(t, 1)
	}, bearers)
}

// A program must not make itself another token, which might outlive its own.
func TestStore_IssueTokenByToken(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		program := s.program(t, "Bearer "+s.issue(t, "ada"))
		program.visit(t, func(session *sessions.Session) {
			if token, _, err := s.store.IssueToken(newRequest(t), session, "", day); !errors.Is(err, sessionstore.ErrBearer) || token != "" {
				t.Errorf("%q, %v; want ErrBearer", token, err)
			}
		})
		s.wantRows(t, 1)
	}, bearers)
}

// Sent as a cookie, a token may not either, also after it was renewed.
func TestStore_IssueTokenByTokenAsCookie(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.with(t, cookieName+"="+s.issue(t, "ada"))
		refused := func(session *sessions.Session) {
			if token, _, err := s.store.IssueToken(newRequest(t), session, "", day); !errors.Is(err, sessionstore.ErrBearer) || token != "" {
				t.Errorf("%q, %v; want ErrBearer", token, err)
			}
		}
		b.change(t, refused)
		b.change(t, renewSession)
		delete(b.header, "Cookie")
		b.change(t, refused)
		s.wantRows(t, 1)
	}, bearers)
}

// A token ends with its user's other sessions, and counts among them.
func TestStore_IssueMaxPerUser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		r, session := s.signedInRequest(t, "ada")
		var tokens []string
		for range 3 {
			s.clock.advance(time.Minute)
			token, _, err := s.store.IssueToken(r, session, "", day)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, token)
		}
		wantNobody(t, "the first of three", s.program(t, "Bearer "+tokens[0]))
		for _, token := range tokens[1:] {
			if user := s.program(t, "Bearer "+token).user(t); user != "ada" {
				t.Errorf("signed in: %v", user)
			}
		}
		s.wantRows(t, 3) // the session that asked is in use
	}, bearers, atMost(3))
}

// A token that is issued while its session is revoked must not survive that.
func TestStore_IssueTokenSessionEnded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, end := range revokers {
			ada := s.browser(t)
			ada.signIn(t, "ada")
			ada.visit(t, func(session *sessions.Session) {
				if err := end(t, ada); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				left := s.countRows(t)
				if token, _, err := s.store.IssueToken(newRequest(t), session, "", day); token != "" || !errors.Is(err, sessionstore.ErrEnded) {
					t.Errorf("%s: %q, %v; want ErrEnded", name, token, err)
				}
				s.wantRows(t, left)
			})
		}
	}, bearers)
}

// A session that was renewed meanwhile is the same one.
func TestStore_IssueTokenSessionRenewed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.clock.advance(renewAfter)
		late := s.with(t, cookieName+"="+ada.cookie(t))
		late.visit(t, func(session *sessions.Session) {
			ada.set(t, "cart", 4)
			if token, _, err := s.store.IssueToken(newRequest(t), session, "", day); token == "" || err != nil {
				t.Errorf("%q, %v", token, err)
			}
		})
	}, bearers, onSchedule)
}

// A token that is issued in a transaction is rolled back with it.
func TestStore_IssueTokenRolledBack(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		r, session := s.signedInRequest(t, "ada")
		tx, err := s.conn.NewTransaction()
		if err != nil {
			t.Fatal(err)
		}
		if err := sessionstore.InTransaction(r, tx); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.store.IssueToken(r, session, "", day); err != nil {
			t.Error(err)
		}
		if err := tx.TX.Rollback(); err != nil {
			t.Fatal(err)
		}
		s.wantRows(t, 1)
	})
}

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

// A token lives as long whether it is used or not, and says when it was used.
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

// What is no token is nobody's, costs no query, and lets no cookie stand in for it.
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

// The mac alone proves nothing: the secret has to be the row's.
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

// A renewal would be lost: nothing could carry it to the program.
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

// A token dies with the secret that signed it.
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

// Nothing could carry a session that begins here to the program.
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

// As a cookie a token is the same session. To sign in there makes a browser's of it.
func TestStore_TokenAsCookie(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		token := s.issue(t, "ada")
		b := s.with(t, cookieName+"="+token)
		if v := b.change(t, nil); v.session.Values["user_id"] != "ada" || len(v.cookies) != 0 {
			t.Errorf("%+v, cookies %v", v.session, v.cookies)
		}
		b.signIn(t, "ada")
		if row := s.row(t, b.cookie(t)); row.Label != nil || row.AuthMethod != "password" || row.AuthenticatedAt == nil {
			t.Errorf("row %+v", row)
		}
		wantNobody(t, "the token", s.program(t, "Bearer "+token))
	}, bearers)
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
