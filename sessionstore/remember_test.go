package sessionstore_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

const (
	day              = 24 * time.Hour
	rememberLifetime = 10 * day
)

func rememberFor10Days(o *sessionstore.Options) { o.RememberLifetime = rememberLifetime }

func rememberAs(userID string) func(*sessions.Session) {
	return func(session *sessions.Session) {
		if err := sessionstore.SignIn(session, sessionstore.Login{UserID: userID, Method: "password", Remember: true}); err != nil {
			panic(err)
		}
	}
}

// wantMaxAge checks that a visit set one cookie with this Max-Age. 0 means until
// the browser is closed.
func wantMaxAge(t *testing.T, v visit, want time.Duration) {
	t.Helper()
	if len(v.cookies) != 1 || v.cookies[0].MaxAge != int(want/time.Second) {
		t.Errorf("cookies %v, want one of Max-Age %d", v.cookies, int(want/time.Second))
	}
}

func TestStore_Remember(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		wantMaxAge(t, ada.change(t, rememberAs("ada")), rememberLifetime)
		row := s.row(t, ada.cookie(t))
		if !row.Remembered || !row.DeadlineAt.Equal(at(rememberLifetime)) || !row.ExpiresAt.Equal(row.DeadlineAt) {
			t.Errorf("remembered: %t, deadline %v, expires %v", row.Remembered, row.DeadlineAt, row.ExpiresAt)
		}
		records, err := list(t.Context(), s.store, "ada", 10)
		if err != nil || len(records) != 1 || !records[0].Remembered {
			t.Errorf("listed as %+v, %v", records, err)
		}
		s.clock.advance(rememberLifetime - instant) // and not used once
		if user := ada.user(t); user != "ada" {
			t.Errorf("%v is signed in just before the end", user)
		}
		s.clock.advance(instant)
		s.wantDead(t, ada.cookie(t))
	}, rememberFor10Days)
}

// A cookie with other attributes still lasts as long as the session.
func TestStore_RememberedWithChangedOptions(t *testing.T) {
	strict := func(session *sessions.Session) { session.Options.SameSite = http.SameSiteStrictMode }
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, rememberAs("ada"))
		s.clock.advance(day)
		wantMaxAge(t, ada.change(t, strict), rememberLifetime-day)
		wantMaxAge(t, ada.change(t, func(session *sessions.Session) {
			session.Values["cart"] = 3
			strict(session)
		}), rememberLifetime-day)
	}, rememberFor10Days)
}

// Signing out and in again in one request resets "remember me".
func TestStore_RememberedUntilSignOut(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, rememberAs("ada"))
		wantMaxAge(t, ada.change(t, func(session *sessions.Session) {
			signOut(session)
			signInAs("ada")(session)
		}), 0)
		if row := s.row(t, ada.cookie(t)); row.Remembered {
			t.Error("the session is still remembered")
		}
	}, rememberFor10Days)
}

// Using a remembered session does not change when it expires.
func TestStore_RememberedAndUsed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, rememberAs("ada"))
		for name, use := range map[string]func(){
			"Read":    func() { ada.read(t) },
			"Written": func() { ada.set(t, "cart", s.clock.Now().String()) },
		} {
			s.clock.advance(day)
			use()
			row := s.row(t, ada.cookie(t))
			if now := s.clock.Now().Truncate(instant); !row.LastSeenAt.Equal(now) {
				t.Errorf("%s: last seen %v, want %v", name, row.LastSeenAt, now)
			}
			if !row.ExpiresAt.Equal(at(rememberLifetime)) || !row.DeadlineAt.Equal(at(rememberLifetime)) {
				t.Errorf("%s: expires %v, deadline %v", name, row.ExpiresAt, row.DeadlineAt)
			}
		}
	}, rememberFor10Days)
}

// A sign-in after a remembered one.
func TestStore_RememberedThenSignIn(t *testing.T) {
	for name, step := range map[string]struct {
		then       func(*sessions.Session)
		remembered bool
	}{
		"SameUser":          {signInAs("ada"), true},
		"OtherUser":         {signInAs("bob"), false},
		"OtherUserByHand":   {func(session *sessions.Session) { session.Values["user_id"] = "bob" }, false},
		"NobodyByHand":      {func(session *sessions.Session) { delete(session.Values, "user_id") }, false},
		"OtherRemembered":   {rememberAs("bob"), true},
		"AfterSigningOut":   {func(session *sessions.Session) { signOut(session); signInAs("bob")(session) }, false},
		"AskedThenNoLonger": {func(session *sessions.Session) { rememberAs("bob")(session); signInAs("bob")(session) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				b := s.browser(t)
				b.change(t, rememberAs("ada"))
				b.set(t, "cart", 3)
				s.clock.advance(day)
				v := b.change(t, step.then)
				maxAge, left := time.Duration(0), idle
				if step.remembered {
					maxAge, left = rememberLifetime, rememberLifetime
				}
				wantMaxAge(t, v, maxAge)
				if row := s.row(t, b.cookie(t)); row.Remembered != step.remembered || !row.ExpiresAt.Equal(at(day+left)) {
					t.Errorf("remembered: %t, expires %v", row.Remembered, row.ExpiresAt)
				}
			}, rememberFor10Days)
		})
	}
}

// When the same sign-in gets another cookie, that one lasts as long as the row,
// to the second.
func TestStore_RememberedCookieAnew(t *testing.T) {
	for name, step := range map[string]struct {
		edit   func(*sessionstore.Options)
		handle func(*sessions.Session)
	}{
		"Renew":     {func(*sessionstore.Options) {}, renewSession},
		"Schedule":  {func(o *sessionstore.Options) { o.RenewAfter = day }, nil},
		"NewSecret": {secrets(newSecret, string(secret)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				ada := s.browser(t)
				ada.change(t, rememberAs("ada"))
				s.clock.advance(day + 500*time.Millisecond)
				other := s.instance(t, rememberFor10Days, step.edit)
				wantMaxAge(t, ada.on(other).change(t, step.handle), rememberLifetime-day)
				if row := s.row(t, ada.cookie(t)); !row.Remembered || !row.ExpiresAt.Equal(at(rememberLifetime)) {
					t.Errorf("remembered: %t, expires %v", row.Remembered, row.ExpiresAt)
				}
			}, rememberFor10Days)
		})
	}
}

func TestStore_RememberedSignsOut(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, rememberAs("ada"))
		old := ada.cookie(t)
		v := ada.change(t, signOut)
		if len(v.cookies) != 1 || v.cookies[0].MaxAge >= 0 || v.cookies[0].Value != "" || ada.cookie(t) != "" {
			t.Errorf("cookies %v", v.cookies)
		}
		s.wantRows(t, 0)
		s.wantDead(t, old)
		wantMaxAge(t, ada.signIn(t, "ada"), 0)
		if row := s.row(t, ada.cookie(t)); row.Remembered {
			t.Error("the next sign-in is remembered too")
		}
	})
}
