package sessionstore_test

import (
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

const (
	idle     = sessionstore.DefaultIdleTimeout
	lifetime = sessionstore.DefaultLifetime
	instant  = time.Microsecond // as fine as the databases are
)

// wantInvalid checks that a cookie has no session, and that a write with it does
// not bring the session back.
func (s *site) wantDead(t testing.TB, cookie string) {
	t.Helper()
	before := s.countRows(t)
	b := s.with(t, cookieName+"="+cookie)
	if v := b.change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
		t.Errorf("a dead session is alive: %+v", v)
	}
	if v := b.set(t, "cart", 1); v.session.ID == "" || v.session.ID == cookie[:len(v.session.ID)] {
		t.Errorf("a dead sid was adopted: %q", v.session.ID)
	}
	s.wantRows(t, before+1)
}

func TestStore_IdleTimeout(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, bob := s.browser(t), s.browser(t)
		ada.signIn(t, "ada")
		bob.signIn(t, "bob")
		s.clock.advance(idle - instant)
		if user := ada.user(t); user != "ada" {
			t.Fatalf("%v is signed in just before the idle timeout", user)
		}
		s.clock.advance(instant)
		before := s.row(t, bob.cookie(t))
		s.wantDead(t, bob.cookie(t))
		s.wantUnchanged(t, before)
		if user := ada.user(t); user != "ada" {
			t.Errorf("%v is signed in: activity does not count", user)
		}
	})
}

// keepUsing uses a session until just before its deadline. Without the second to
// last use, it would be idle by then.
func keepUsing(t *testing.T, b *browser, use func(*sessions.Session)) {
	t.Helper()
	const step = 50 * time.Minute
	for range lifetime / step {
		b.site.clock.advance(step)
		b.change(t, use)
		if row := b.site.row(t, b.cookie(t)); row.ExpiresAt.After(at(lifetime)) {
			t.Fatalf("expires at %v, after the deadline", row.ExpiresAt)
		}
	}
	b.site.clock.advance(lifetime%step - instant)
	if user := b.user(t); user != "ada" {
		t.Fatalf("%v is signed in just before the deadline", user)
	}
}

func TestStore_Lifetime(t *testing.T) {
	count := func(session *sessions.Session) {
		n, _ := session.Values["visits"].(int)
		session.Values["visits"] = n + 1
	}
	for name, use := range map[string]func(*sessions.Session){"Read": nil, "Written": count} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				ada := s.browser(t)
				ada.signIn(t, "ada")
				keepUsing(t, ada, use)
				s.clock.advance(instant)
				s.wantDead(t, ada.cookie(t))
			})
		})
	}
}

// A write counts as use, no matter how recent the last touch was.
func TestStore_SaveIsUse(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 1)
		s.clock.advance(time.Second)
		ada.set(t, "cart", 2)
		row := s.row(t, ada.cookie(t))
		if !row.LastSeenAt.Equal(at(time.Second)) || !row.ExpiresAt.Equal(at(time.Second+idle)) || !row.CreatedAt.Equal(at(0)) {
			t.Errorf("row %+v", row)
		}
	})
}

func TestStore_SignInStartsALifetime(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		keepUsing(t, ada, nil)
		ada.signIn(t, "ada")
		row := s.row(t, ada.cookie(t))
		now := lifetime - instant
		if !row.DeadlineAt.Equal(at(now+lifetime)) || !row.ExpiresAt.Equal(at(now+idle)) {
			t.Errorf("deadline %v, expires %v", row.DeadlineAt, row.ExpiresAt)
		}
		if !row.CreatedAt.Equal(at(0)) || !row.AuthenticatedAt.Equal(at(now)) {
			t.Errorf("created %v, authenticated %v", row.CreatedAt, row.AuthenticatedAt)
		}
	})
}

func TestStore_DeletedRow(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.execute(t, "DELETE FROM sessions")
		s.wantDead(t, ada.cookie(t))
	})
}
