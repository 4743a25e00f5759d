package sessionstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// A row whose data is damaged anywhere must not answer 503 until it expires.
func TestStore_DamagedAnywhere(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		ada.signIn(t, "ada")
		sound := s.row(t, ada.cookie(t))
		for i := range sound.Data {
			for _, flip := range []byte{0x01, 0x02, 0xff} {
				damaged := slices.Clone(sound.Data)
				damaged[i] ^= flip
				s.execute(t, "UPDATE sessions SET data = ? WHERE sid = ?", damaged, sound.SID)
				r := newRequest(t)
				r.Header.Set("Cookie", cookieName+"="+ada.cookie(t))
				if session, err := s.store.Get(r, cookieName); err != nil || sessionstore.Err(session) != nil {
					t.Errorf("byte %d ^ %#x: %v", i, flip, err)
				}
			}
		}
	})
}

// The first byte is the format of the rest.
func TestStore_DamagedFirstByte(t *testing.T) {
	var log lockedBuffer
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, format := range []byte{0, 2, 3, 0xff} {
			ada := s.browser(t)
			ada.signIn(t, "ada")
			sound := s.row(t, ada.cookie(t))
			damaged := slices.Clone(sound.Data)
			damaged[0] = format
			s.execute(t, "UPDATE sessions SET data = ? WHERE sid = ?", damaged, sound.SID)
			before := s.row(t, sound.SID)
			v := ada.visit(t, func(session *sessions.Session) {
				if !session.IsNew || len(session.Values) != 0 {
					t.Errorf("format %d: the session holds %v", format, session.Values)
				}
			})
			if err := errors.Join(v.getErr, v.saveErr); err != nil || len(v.cookies) != 0 {
				t.Errorf("format %d: %v, cookies %v", format, err, v.cookies)
			}
			s.wantUnchanged(t, before)
			if !strings.Contains(log.String(), sound.SID) || !strings.Contains(log.String(), "damaged") {
				t.Errorf("format %d: nothing is logged about %s", format, sound.SID)
			}
		}
	}, logTo(&log))
}
