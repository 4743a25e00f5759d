package sessionstore_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// While a new version is rolled out, the type of a user's ID may be unknown to
// this server. Requests that only read must not sign such a user out.
func TestStore_UserOfUnknownType(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		before := s.row(t, ada.cookie(t))
		strange := bytes.Replace(before.Data, []byte("\x04\x03ada"), []byte("\x04\xc8ada"), 1) // of kind 200
		s.setData(t, before.SID, strange)
		cookie := ada.cookie(t)
		ada.read(t)
		ada.set(t, "cart", 1)
		after := s.row(t, ada.cookie(t))
		if ada.cookie(t) != cookie || after.UserID == nil || *after.UserID != "ada" || !bytes.Contains(after.Data, []byte("\xc8ada")) {
			t.Errorf("the row is %+v", after)
		}
		ada.change(t, signOut)
		s.wantRows(t, 0)
	})
}

// Changing the user's key in a session that has ended does not start a new
// session, because the user has not signed in.
func TestStore_UserChangedInEndedSession(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		v := ada.while(t, func(session *sessions.Session) { session.Values[sessionstore.DefaultUserKey] = "bob" }, func() {
			if _, err := s.store.RevokeAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		if !errors.Is(v.saveErr, sessionstore.ErrEnded) {
			t.Errorf("Save: %v", v.saveErr)
		}
		s.wantRows(t, 0)
	})
}

// A new limit also applies to a user with many more sessions than that.
func TestStore_MaxPerUser_FarOver(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.fill(t, 2*perBatch+50, at(idle))
		s.execute(t, "UPDATE sessions SET user_id = 'ada', family = sid")
		s.browser(t).signIn(t, "ada")
		if n, err := count(t.Context(), s.store, "ada"); n != 3 || err != nil {
			t.Errorf("%d sessions, %v", n, err)
		}
	}, func(o *sessionstore.Options) { o.MaxPerUser = 3 })
}
