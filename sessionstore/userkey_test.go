package sessionstore_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// The keys that Buffalo's generators write need no option.
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

// SignIn sets user_id, so the column and SignIn agree.
func TestSignIn_OverTheOtherUserKey(t *testing.T) {
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

// An attacker plants the cookie of an anonymous session and waits for a sign-in.
func TestStore_SessionFixationByUserKey(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, key := range []string{"user_id", "current_user_id"} {
			mallory, ada := s.browser(t), s.browser(t)
			planted := mallory.set(t, "cart", 3).cookies[0]
			ada.client.Jar.SetCookies(s.url(t), []*http.Cookie{planted})
			ada.set(t, key, "ada")
			if got := mallory.read(t); len(got) != 0 {
				t.Errorf("%s: the attacker's session holds %v", key, got)
			}
			if got := ada.read(t); got[key] != "ada" || got["cart"] != 3 {
				t.Errorf("%s: the user's session holds %v", key, got)
			}
		}
	})
}

// If a session has both keys, user_id takes precedence.
func TestStore_BothUserKeys(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		for _, step := range []struct {
			name   string
			values map[any]any // nil deletes a key
			user   string
			renews bool
		}{
			{"SecondKey", map[any]any{"current_user_id": "bob"}, "bob", true},
			{"FirstKeyBesideIt", map[any]any{"user_id": "ada"}, "ada", true},
			{"SecondKeyChanges", map[any]any{"current_user_id": "eve"}, "ada", false},
			{"FirstKeyIsNil", map[any]any{"user_id": nil}, "eve", true},
			{"SameUserInBoth", map[any]any{"user_id": "eve"}, "eve", false},
			{"SecondKeyDeleted", map[any]any{"current_user_id": nil}, "eve", false},
		} {
			before := b.cookie(t)
			b.change(t, func(session *sessions.Session) {
				for key, value := range step.values {
					session.Values[key] = value
					if value == nil && key == "current_user_id" {
						delete(session.Values, key)
					}
				}
			})
			if row := s.row(t, b.cookie(t)); row.UserID == nil || *row.UserID != step.user {
				t.Errorf("%s: user_id %v, want %s", step.name, row.UserID, step.user)
			}
			if is := b.cookie(t) != before; is != step.renews {
				t.Errorf("%s: renewed: %t, want %t", step.name, is, step.renews)
			}
		}
	})
}
