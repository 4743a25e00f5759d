package sessionstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

const tokenLifetime = 90 * day

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

// Labels are cleaned to text that every database accepts, and an empty label is
// null.
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

// The user is stored under Options.UserKey, as in a browser's session.
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

// A client with a token must not create another one, which might outlive its own.
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

// The same goes for a token that is sent as a cookie, even after its renewal.
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

// Tokens count towards MaxPerUser and are revoked like the user's other sessions.
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

// A token must not survive if the session that requests it is revoked at the same
// time.
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

// A session that was renewed at the same time may still issue a token.
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

// A token also works as a cookie. Signing in with it turns it into a browser's
// session.
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
