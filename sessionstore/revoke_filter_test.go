package sessionstore_test

import (
	"errors"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// An empty filter revokes nothing, in case the caller forgot to fill it in.
func TestStore_RevokeNeedsAFilter(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "bob", "")
		for name, filter := range map[string]sessionstore.Filter{
			"Zero":        {},
			"Everything":  {AnyUser: true},
			"Both":        {AnyUser: true, UserID: "ada"},
			"NoUser":      {IP: "127.0.0.1"},
			"NoUserBySID": {SID: s.row(t, all[0].cookie(t)).SID},
		} {
			n, err := s.store.Revoke(t.Context(), filter)
			if n != 0 || err == nil || errors.Is(err, sessionstore.ErrUnavailable) || errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("%s: revoked %d, %v", name, n, err)
			}
		}
		s.wantRows(t, 3)
		s.wantAlive(t, all, true, true, true)
	})
}

// Text that cannot be in a row matches no row, in particular not rows with empty
// text.
func TestStore_RevokeOddFilters(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "")
		for _, odd := range []string{"\x00", "\n", "password\x00", "pass\xffword", "%", "é", "\U0001F511"} {
			for _, filter := range []sessionstore.Filter{
				{AnyUser: true, AuthMethod: odd}, {AnyUser: true, IP: odd},
				{AnyUser: true, ProviderSession: odd}, {AnyUser: true, ProviderSubject: odd}, {UserID: odd},
			} {
				if n, err := s.store.Revoke(t.Context(), filter); n != 0 || err != nil {
					t.Errorf("%+v: revoked %d, %v", filter, n, err)
				}
			}
		}
		s.wantAlive(t, all, true, true)
	})
}

func TestStore_RevokeFiltered(t *testing.T) {
	yes, no := true, false
	for name, test := range map[string]struct {
		filter sessionstore.Filter
		alive  []bool // of ada's two, bob's, and an anonymous session
	}{
		"SignedIn":   {sessionstore.Filter{AnyUser: true, SignedIn: &yes}, []bool{false, false, false, true}},
		"Anonymous":  {sessionstore.Filter{AnyUser: true, SignedIn: &no}, []bool{true, true, true, false}},
		"AuthMethod": {sessionstore.Filter{AnyUser: true, AuthMethod: "password"}, []bool{false, false, false, true}},
		"IP":         {sessionstore.Filter{UserID: "ada", IP: "127.0.0.1"}, []bool{false, false, true, true}},
		"OtherIP":    {sessionstore.Filter{UserID: "ada", IP: "192.0.2.1"}, []bool{true, true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				all := s.signedIn(t, "ada", "ada", "bob", "")
				want := int64(0)
				for _, alive := range test.alive {
					if !alive {
						want++
					}
				}
				if n, err := s.store.Revoke(t.Context(), test.filter); n != want || err != nil {
					t.Errorf("revoked %d, %v, want %d", n, err, want)
				}
				s.wantAlive(t, all, test.alive...)
			})
		})
	}
}

// With AnyUser, Except keeps one session of the whole site.
func TestStore_RevokeExcept(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "ada", "bob", "")
		all[1].change(t, func(session *sessions.Session) {
			n, err := s.store.Revoke(t.Context(), sessionstore.Filter{AnyUser: true, Except: session})
			if n != 3 || err != nil {
				t.Errorf("revoked %d, %v, want 3", n, err)
			}
		})
		s.browser(t).change(t, func(session *sessions.Session) {
			if n, err := s.store.Revoke(t.Context(), sessionstore.Filter{AnyUser: true, Except: session}); n != 0 || err == nil {
				t.Errorf("except a session without a row: revoked %d, %v", n, err)
			}
		})
		s.wantAlive(t, all, false, true, false, false)
	})
}

// RevokeAll keeps the redirect rows, which are not counted and lead to no
// session.
func TestStore_RevokeAllInTheGrace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, late := s.renewedOnSchedule(t)
		if n, err := s.store.RevokeAll(t.Context()); n != 1 || err != nil {
			t.Errorf("revoked %d, %v, want 1", n, err)
		}
		s.wantDead(t, late.old())
		s.wantDead(t, ada.cookie(t))
	}, onSchedule)
}
