package sessionstore_test

import (
	"testing"
	"time"

	"github.com/gorilla/sessions"
)

// revokers revoke ada's session in a browser, each in a different way.
var revokers = map[string]func(*testing.T, *browser) error{
	"Revoke": func(t *testing.T, b *browser) error {
		return revokeOne(t.Context(), b.site.store, "ada", b.site.row(t, b.cookie(t)).SID)
	},
	"RevokeSID": func(t *testing.T, b *browser) error {
		return revokeSID(t.Context(), b.site.store, b.site.row(t, b.cookie(t)).SID)
	},
	"RevokeOthers": func(t *testing.T, b *browser) (err error) {
		elsewhere := b.site.signedIn(t, "ada", "bob")
		elsewhere[0].change(t, func(session *sessions.Session) {
			_, err = revokeOthers(t.Context(), b.site.store, session)
		})
		return err
	},
	"RevokeUser": func(t *testing.T, b *browser) error {
		_, err := revokeUser(t.Context(), b.site.store, "ada")
		return err
	},
	"RevokeAll": func(t *testing.T, b *browser) error {
		_, err := b.site.store.RevokeAll(t.Context())
		return err
	},
}

// A session that is revoked while a request changes or renews it is not brought
// back.
func TestStore_RevokedMeanwhile(t *testing.T) {
	write := func(session *sessions.Session) { session.Values["cart"] = 4 }
	for name, revoke := range revokers {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				revokedMeanwhile(t, s, write, 0, revoke)
				revokedMeanwhile(t, s, renewSession, 0, revoke)
				revokedMeanwhile(t, s, write, renewAfter, revoke) // renewed on schedule
			}, onSchedule)
		})
	}
}

func revokedMeanwhile(t *testing.T, s *site, handle func(*sessions.Session), later time.Duration, revoke func(*testing.T, *browser) error) {
	t.Helper()
	ada := s.browser(t)
	ada.signIn(t, "ada")
	old := ada.cookie(t)
	s.clock.advance(later)
	left := 0
	wantEnded(t, ada.while(t, handle, func() {
		if err := revoke(t, ada); err != nil {
			t.Error(err)
		}
		left = s.countRows(t)
	}))
	s.wantRows(t, left)
	s.wantDead(t, old)
}
