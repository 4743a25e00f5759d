package sessionstore_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

func renewSession(session *sessions.Session) {
	if err := sessionstore.Renew(session); err != nil {
		panic(err)
	}
}

// wantRenewedRow checks that a renewal changed nothing but the sid, the secret
// and the time of last use.
func wantRenewedRow(t testing.TB, before, now storedRow, passed, left time.Duration) {
	t.Helper()
	if now.SID == before.SID || now.SecretHash == before.SecretHash || now.Version != before.Version+1 {
		t.Errorf("sid %q, secret_hash %q, version %d; were %q, %q, %d",
			now.SID, now.SecretHash, now.Version, before.SID, before.SecretHash, before.Version)
	}
	if !now.LastSeenAt.Equal(at(passed)) || !now.ExpiresAt.Equal(at(passed+left)) {
		t.Errorf("last seen %v, expires %v", now.LastSeenAt, now.ExpiresAt)
	}
	if now.RenewedAt == nil || !now.RenewedAt.Equal(at(passed)) {
		t.Errorf("renewed at %v", now.RenewedAt)
	}
	want := before
	want.SID, want.SecretHash, want.Version = now.SID, now.SecretHash, now.Version
	want.LastSeenAt, want.ExpiresAt, want.RenewedAt = now.LastSeenAt, now.ExpiresAt, now.RenewedAt
	if !reflect.DeepEqual(now, want) {
		t.Errorf("the row is\n%+v\nwant\n%+v", now, want)
	}
}

func TestStore_Renew(t *testing.T) {
	for name, step := range map[string]struct {
		begin func(*sessions.Session)
		left  time.Duration // until it expires, a minute later
	}{
		"SignedIn":   {signInAs("ada"), idle},
		"Remembered": {rememberAs("ada"), sessionstore.DefaultRememberLifetime - time.Minute},
		"Anonymous":  {func(session *sessions.Session) { session.Values["theme"] = "dark" }, idle},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				ada := s.browser(t)
				ada.change(t, step.begin)
				ada.set(t, "cart", 3)
				s.appendAlien(t, ada.cookie(t))
				old := ada.cookie(t)
				before := s.row(t, old)
				s.clock.advance(time.Minute)
				v := ada.change(t, renewSession)
				renewed(t, ada, old)
				now := s.row(t, ada.cookie(t))
				wantRenewedRow(t, before, now, time.Minute, step.left)
				if len(v.cookies) != 1 || v.session.ID != now.SID {
					t.Errorf("id %q, cookies %v", v.session.ID, v.cookies)
				}
				if cart := ada.read(t)["cart"]; cart != 3 {
					t.Errorf("cart = %v", cart)
				}
				s.wantRows(t, 1)
			})
		})
	}
}

// Old and new sids and secrets cannot be mixed.
func TestStore_RenewedSecret(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		old := strings.Split(ada.cookie(t), ".")
		ada.change(t, renewSession)
		now := strings.Split(ada.cookie(t), ".")
		s.wantDead(t, sign(t, secret, now[0], old[1]))
		s.wantDead(t, sign(t, secret, old[0], now[1]))
	})
}

// The renewal also writes the changes of the request, in the same statement.
func TestStore_RenewIsOneWrite(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.queries.take()
		ada.change(t, renewSession)
		s.queries.want(t, "a renewal", "SELECT SELECT UPDATE")
		ada.change(t, func(session *sessions.Session) {
			renewSession(session)
			session.Values["cart"] = 3
		})
		s.queries.want(t, "a renewal with a change", "SELECT SELECT UPDATE")
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Errorf("cart = %v", cart)
		}
	})
}

// Renew applies to a single Save.
func TestStore_RenewOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		version := s.row(t, ada.cookie(t)).Version
		saveTwice(t, ada, renewSession)
		once := ada.cookie(t)
		if row := s.row(t, once); row.Version != version+1 {
			t.Errorf("%d writes, want 1", row.Version-version)
		}
		if v := ada.set(t, "cart", 3); len(v.cookies) != 0 || ada.cookie(t) != once {
			t.Errorf("the next request renewed too: %v", v.cookies)
		}
	})
}

func TestStore_RenewNothing(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		v := s.browser(t).change(t, renewSession)
		if len(v.cookies) != 0 || v.session.ID != "" || !v.session.IsNew {
			t.Errorf("id %q, cookies %v", v.session.ID, v.cookies)
		}
		s.queries.want(t, "a renewal of nothing", "")
		s.wantRows(t, 0)
	})
}

// A renewal does not extend a session beyond its deadline.
func TestStore_RenewKeepsTheDeadline(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		keepUsing(t, ada, renewSession)
		if row := s.row(t, ada.cookie(t)); !row.DeadlineAt.Equal(at(lifetime)) || !row.AuthenticatedAt.Equal(at(0)) {
			t.Errorf("deadline %v, authenticated %v", row.DeadlineAt, row.AuthenticatedAt)
		}
		s.clock.advance(instant)
		s.wantDead(t, ada.cookie(t))
	})
}

// A sign-in includes everything that Renew does, and takes precedence.
func TestStore_RenewAndSignIn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		old := ada.cookie(t)
		s.clock.advance(time.Minute)
		ada.change(t, func(session *sessions.Session) {
			signInAs("ada")(session)
			renewSession(session)
		})
		renewed(t, ada, old)
		if row := s.row(t, ada.cookie(t)); !row.AuthenticatedAt.Equal(at(time.Minute)) || !row.DeadlineAt.Equal(at(time.Minute+lifetime)) {
			t.Errorf("authenticated %v, deadline %v", row.AuthenticatedAt, row.DeadlineAt)
		}
	})
}

// A request that still writes with the old cookie may come from a thief.
func TestStore_RenewedMeanwhile(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		endedMeanwhile(t, s, func(t *testing.T, b *browser) { b.change(t, renewSession) })
	})
}

// A renewal does not bring back a session that was revoked in the meantime.
func TestStore_RenewAfterTheEnd(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		wantEnded(t, ada.while(t, renewSession, func() { ada.change(t, signOut) }))
		s.wantRows(t, 0)
	})
}

func TestRenew_Foreign(t *testing.T) {
	foreign := sessions.NewSession(sessions.NewCookieStore(secret), cookieName)
	for name, session := range map[string]*sessions.Session{"OtherStore": foreign, "Nil": nil, "Zero": {}} {
		if err := sessionstore.Renew(session); !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("%s: %v, want ErrForeign", name, err)
		}
	}
}
