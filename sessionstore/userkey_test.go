package sessionstore_test

import (
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// What Buffalo's generators write counts without an option.
func TestStore_DefaultUserKeys(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, key := range []string{"user_id", "current_user_id"} {
			ada := s.browser(t)
			planted := ada.set(t, "cart", 3).cookies[0].Value
			ada.set(t, key, "ada of "+key)
			renewed(t, ada, planted)
			page, err := list(t.Context(), s.store, "ada of "+key, 10)
			if err != nil || len(page) != 1 || !strings.HasPrefix(ada.cookie(t), page[0].SID) {
				t.Errorf("%s: the list has %v, %v", key, page, err)
			}
			signedIn := ada.cookie(t)
			ada.change(t, func(session *sessions.Session) { delete(session.Values, key) })
			renewed(t, ada, signedIn)
			if row := s.row(t, ada.cookie(t)); row.UserID != nil {
				t.Errorf("%s: after it was deleted the user is %q", key, *row.UserID)
			}
			if cart := ada.read(t)["cart"]; cart != 3 {
				t.Errorf("%s: cart = %v", key, cart)
			}
		}
	})
}

// With both keys user_id counts, so the column and SignIn agree.
func TestStore_BothUserKeys(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.set(t, "current_user_id", "bob")
		b.signIn(t, "ada")
		if row := s.row(t, b.cookie(t)); row.UserID == nil || *row.UserID != "ada" {
			t.Errorf("user %v", row.UserID)
		}
		if got := b.read(t); got["user_id"] != "ada" {
			t.Errorf("session holds %v", got)
		}
		b.set(t, "current_user_id", "carl")
		if row := s.row(t, b.cookie(t)); *row.UserID != "ada" {
			t.Errorf("user %s", *row.UserID)
		}
	})
}

func TestStore_UnknownUserKey(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		var log lockedBuffer
		s = s.instance(t, logTo(&log))
		ada := s.browser(t)
		ada.set(t, "theme", "dark")
		ada.set(t, "user_id", "ada")
		ada.set(t, "last_user_id", "bob") // beside a user
		if log.String() != "" {
			t.Errorf("logged without a reason: %s", log.String())
		}
		for range 2 {
			s.browser(t).set(t, "member_id", 7)
			s.browser(t).set(t, "admin_user_id", 7)
		}
		if got := log.String(); strings.Count(got, "Options.UserKey") != 1 || !strings.Contains(got, "key=member_id") {
			t.Errorf("logged: %s", got)
		}
	})
}

func TestStore_KnownUserKey(t *testing.T) {
	var log lockedBuffer
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.browser(t).set(t, "member_id", 7)
		if page, err := list(t.Context(), s.store, "7", 10); len(page) != 1 || err != nil {
			t.Errorf("the list has %v, %v", page, err)
		}
		if log.String() != "" {
			t.Errorf("logged: %s", log.String())
		}
	}, logTo(&log), func(o *sessionstore.Options) { o.UserKey = "member_id" })
}
