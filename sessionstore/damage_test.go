package sessionstore_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// A damaged row must not cause 503 responses until it expires.
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

// The first byte tells the format of the rest.
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

// Damage to the first byte is treated like any other damage.
func TestStore_DamagedFormat(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		s.execute(t, "UPDATE sessions SET data = ?", []byte{3, 2, 3, 'a', 1, 0})
		before := s.row(t, ada.cookie(t))
		if v := ada.visit(t, nil); v.getErr != nil || v.saveErr != nil || len(v.session.Values) != 0 || len(v.cookies) != 0 {
			t.Errorf("Get %v, Save %v, values %v, cookies %v", v.getErr, v.saveErr, v.session.Values, v.cookies)
		}
		s.wantUnchanged(t, before)
	})
}

func TestStore_UndecodableValue(t *testing.T) {
	var log lockedBuffer
	logged := func(o *sessionstore.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		alien := s.appendAlien(t, ada.cookie(t))
		if got := ada.read(t); len(got) != 1 || got["cart"] != 3 {
			t.Errorf("got %v", got)
		}
		sid := s.row(t, ada.cookie(t)).SID
		if !strings.Contains(log.String(), sid) {
			t.Errorf("nothing logged of %s", sid)
		}
		ada.set(t, "cart", 4)
		ada.set(t, "added", 5)
		if row := s.row(t, sid); !bytes.HasSuffix(row.Data, alien) {
			t.Errorf("data %q has lost the value", row.Data)
		}
		ada.set(t, "~~~~~", 6) // the same key: the last writer wins
		if got := ada.read(t); len(got) != 3 || got["~~~~~"] != 6 {
			t.Errorf("got %v", got)
		}
	}, logged)
}

// A damaged row locks no user out. It is ignored and left unchanged, and a new
// session starts.
func TestStore_DamagedRow(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, data := range map[string][]byte{
			"Empty": {}, "Cut": {1, 9, 3, 'a'}, "NoValue": {1, 2, 3, 'a'},
			"Unsorted": {1, 2, 3, 'b', 1, 0, 2, 3, 'a', 1, 0}, "Twice": {1, 2, 3, 'a', 1, 0, 2, 3, 'a', 1, 0},
		} {
			b := s.browser(t)
			b.signIn(t, "ada")
			old := b.cookie(t)
			s.execute(t, "UPDATE sessions SET data = ? WHERE sid = ?", data, s.row(t, old).SID)
			damaged := s.row(t, old)
			if got := b.read(t); len(got) != 0 {
				t.Errorf("%s: read %v", name, got)
			}
			b.signIn(t, "ada")
			if b.user(t) != "ada" || b.cookie(t) == old {
				t.Errorf("%s: signed in as %v with cookie %s", name, b.user(t), b.cookie(t))
			}
			s.wantUnchanged(t, damaged)
		}
	})
}
