package sessionstore_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// renewed checks that a session has a new sid and a new secret, and that its old
// cookie no longer works.
func renewed(t *testing.T, b *browser, old string) {
	t.Helper()
	was, is := strings.Split(old, "."), strings.Split(b.cookie(t), ".")
	if len(is) != 3 || was[0] == is[0] || was[1] == is[1] {
		t.Fatalf("cookie was %v and is %v", was, is)
	}
	if v := b.site.with(t, cookieName+"="+old).change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 {
		t.Errorf("the old cookie holds %v", v.session.Values)
	}
}

func TestStore_SignIn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		old := ada.cookie(t)
		s.clock.advance(time.Minute)
		v := ada.signIn(t, "ada")
		renewed(t, ada, old)
		if got := ada.read(t); got["cart"] != 3 || got["user_id"] != "ada" {
			t.Errorf("session holds %v", got)
		}
		row := s.row(t, ada.cookie(t))
		if row.UserID == nil || *row.UserID != "ada" || row.AuthMethod != "password" {
			t.Errorf("row %+v", row)
		}
		if row.AuthenticatedAt == nil || !row.AuthenticatedAt.Equal(at(time.Minute)) || !row.CreatedAt.Equal(at(time.Minute)) {
			t.Errorf("authenticated %v, created %v", row.AuthenticatedAt, row.CreatedAt)
		}
		if len(v.cookies) != 1 || v.session.ID != row.SID {
			t.Errorf("id %q, cookies %v", v.session.ID, v.cookies)
		}
		s.wantRows(t, 1)
	})
}

// A user may have authenticated earlier, and the time may be unknown.
func TestSignIn_AuthenticatedAt(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.clock.advance(time.Hour)
		for given, when := range map[time.Time]time.Time{
			at(time.Minute):                          at(time.Minute),
			{}:                                       at(time.Hour),
			sessionstore.UnknownTime:                 {},
			at(2 * time.Hour):                        at(time.Hour),
			time.UnixMilli(midday.Unix() * 1000_000): at(time.Hour), // of a provider that sends milliseconds
			time.Unix(math.MinInt32, 0):              {},
			time.Unix(math.MinInt64, 0):              {},
		} {
			ada := s.browser(t)
			ada.change(t, func(session *sessions.Session) {
				if err := sessionstore.SignIn(session, sessionstore.Login{UserID: "ada", AuthenticatedAt: given}); err != nil {
					t.Error(err)
				}
			})
			row := s.row(t, ada.cookie(t))
			if when.IsZero() != (row.AuthenticatedAt == nil) || !when.IsZero() && !row.AuthenticatedAt.Equal(when) {
				t.Errorf("authenticated %v, want %v", row.AuthenticatedAt, when)
			}
			if !row.CreatedAt.Equal(at(time.Hour)) {
				t.Errorf("created %v", row.CreatedAt)
			}
		}
	})
}

func TestStore_SignInWithoutASession(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		if user := ada.user(t); user != "ada" || *s.row(t, ada.cookie(t)).UserID != "ada" {
			t.Errorf("signed in as %v", user)
		}
	})
}

func TestStore_SignInAgain(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "cart", 3)
		old := ada.cookie(t)
		s.clock.advance(time.Minute)
		ada.signIn(t, "ada")
		renewed(t, ada, old)
		row := s.row(t, ada.cookie(t))
		if !row.AuthenticatedAt.Equal(at(time.Minute)) || !row.CreatedAt.Equal(at(0)) {
			t.Errorf("authenticated %v, created %v", row.AuthenticatedAt, row.CreatedAt)
		}
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Errorf("cart = %v", cart)
		}
	})
}

// An attacker plants the cookie of their own session and waits for the victim to
// sign in.
func TestStore_SessionFixation(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		mallory := s.browser(t)
		planted := mallory.set(t, "cart", 3).cookies[0]
		ada := s.browser(t)
		ada.client.Jar.SetCookies(s.url(t), []*http.Cookie{planted})
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Fatalf("the attack does not begin: cart = %v", cart)
		}
		ada.signIn(t, "ada")
		if user := mallory.user(t); user != nil {
			t.Errorf("mallory is %v", user)
		}
		if user := ada.user(t); user != "ada" {
			t.Errorf("ada is %v", user)
		}
	})
}

// Two concurrent sign-ins both succeed, with separate sessions.
func TestStore_TwoSignInsAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.set(t, "cart", 3)
		slow := b.while(t, signInAs("ada"), func() { b.signIn(t, "bob") })
		if slow.saveErr != nil {
			t.Errorf("Save: %v", slow.saveErr)
		}
		if got := b.read(t); len(got) != 1 || got["user_id"] != "ada" {
			t.Errorf("the session holds %v", got)
		}
		s.wantRows(t, 2)
	})
}

func TestStore_SignInOfNobody(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.change(t, func(session *sessions.Session) {
			if err := signIn(session, "", "test"); err == nil {
				t.Error("accepted")
			}
		})
		s.wantRows(t, 0)
	})
}

// A user ID that cannot be stored is reported as the caller's error, not as a
// database error.
func TestStore_UserIDThatCannotBeStored(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, strings.Repeat("é", 255))
		before := s.row(t, ada.cookie(t))
		for _, id := range []string{strings.Repeat("a", 256), "a\x00b", "a\nb", "\xff"} {
			v := ada.visit(t, signInAs(id))
			if !isValueError(v.saveErr) || len(v.cookies) != 0 {
				t.Errorf("user %.5q: %v, cookies %v", id, v.saveErr, v.cookies)
			}
		}
		s.wantUnchanged(t, before)
	})
}

func TestStore_SignInMethodIsCleaned(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, func(session *sessions.Session) {
			if err := signIn(session, "ada", "a\r\n\x00b\xff"+strings.Repeat("é", 100)); err != nil {
				t.Error(err)
			}
		})
		if got, want := s.row(t, ada.cookie(t)).AuthMethod, "ab"+strings.Repeat("é", 62); got != want {
			t.Errorf("auth_method %q, want %q", got, want)
		}
	})
}

// If a session is revoked during its sign-in, the values that this request set
// are kept, and those that it deleted stay deleted.
func TestStore_SignInKeepsWhatTheRequestSet(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "a", 1)
		ada.set(t, "b", 2)
		ada.change(t, func(session *sessions.Session) {
			if _, err := revokeUser(t.Context(), s.store, "ada"); err != nil {
				t.Error(err)
			}
			session.Values["b"] = 3
			delete(session.Values, "a")
			if err := signIn(session, "ada", "password"); err != nil {
				t.Error(err)
			}
		})
		if got := ada.read(t); len(got) != 2 || got["b"] != 3 || got["user_id"] != "ada" {
			t.Errorf("the session holds %v", got)
		}
	})
}
