package sessionstore_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// A new user gets nothing from the previous one: neither values that the store
// cannot decode, nor values that a concurrent request adds.
func TestStore_SignInOfAnotherUser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.signIn(t, "ada")
		b.set(t, "cart", 3)
		b.set(t, "theme", "dark")
		alien := s.appendAlien(t, b.cookie(t))
		old := b.cookie(t)
		v := b.while(t, func(session *sessions.Session) {
			signInAs("bob")(session)
			session.Values["theme"] = "dark" // by his own choice
		}, func() { b.set(t, "note", "of ada") })
		if v.saveErr != nil {
			t.Fatal(v.saveErr)
		}
		renewed(t, b, old)
		if got, want := b.read(t), map[any]any{"user_id": "bob", "theme": "dark"}; !reflect.DeepEqual(got, want) {
			t.Errorf("bob's session holds %v, want %v", got, want)
		}
		if row := s.row(t, b.cookie(t)); strings.Contains(string(row.Data), string(alien)) {
			t.Errorf("bob's row holds %q", row.Data)
		}
	})
}

// With two sign-ins in one request, the second user gets nothing from the first.
func TestStore_SignInOfTwoUsers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, handle := range signInsInAnyWay {
			b := s.browser(t)
			b.set(t, "theme", "dark")
			b.change(t, func(session *sessions.Session) {
				handle(session)
				session.Values["note"] = "of ada"
				signInAs("bob")(session)
				session.Values["cart"] = 3
			})
			if got, want := b.read(t), (map[any]any{"user_id": "bob", "cart": 3}); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: bob's session holds %v, want %v", name, got, want)
			}
		}
	})
}

// Once the new user's session is saved, it is merged like any other.
func TestStore_SignInOfAnotherUserAndOn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.signIn(t, "ada")
		b.change(t, func(session *sessions.Session) {
			signInAs("bob")(session)
			w := newResponse()
			if err := session.Save(newRequest(t), w); err != nil {
				t.Error(err)
			}
			cookie := w.Result().Cookies()[0]
			b.client.Jar.SetCookies(s.url(t), []*http.Cookie{cookie})
			b.set(t, "note", "of bob")
			session.Values["theme"] = "dark"
		})
		if got, want := b.read(t), map[any]any{"user_id": "bob", "theme": "dark", "note": "of bob"}; !reflect.DeepEqual(got, want) {
			t.Errorf("bob's session holds %v, want %v", got, want)
		}
	})
}

// Concurrent changes for the old user do not reach the new one, whichever way the
// app changes the user.
func TestStore_AnotherUserGetsNothing(t *testing.T) {
	for name, change := range map[string]func(*sessions.Session){
		"SignIn": signInAs("bob"),
		"ByHand": func(session *sessions.Session) {
			clear(session.Values)
			session.Values["user_id"] = "bob"
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				b := s.browser(t)
				b.signIn(t, "ada")
				b.while(t, change, func() { b.set(t, "letter", "to ada") })
				if got := b.read(t); len(got) != 1 || got["user_id"] != "bob" {
					t.Errorf("the session holds %v", got)
				}
			})
		})
	}
}

// Apps that do not call SignIn get the same protection.
func TestStore_UserKeySetByHand(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		for _, step := range []struct {
			name   string
			handle func(*sessions.Session)
			userID string
		}{
			{"SignedIn", func(session *sessions.Session) { session.Values["user_id"] = 7 }, "7"},
			{"OtherUser", func(session *sessions.Session) { session.Values["user_id"] = 8 }, "8"},
			{"SignedOut", func(session *sessions.Session) { delete(session.Values, "user_id") }, ""},
			{"SignedInAgain", func(session *sessions.Session) { session.Values["user_id"] = "7" }, "7"},
			{"SetToNil", func(session *sessions.Session) { session.Values["user_id"] = nil }, ""},
		} {
			old := ada.cookie(t)
			s.clock.advance(time.Minute)
			now := s.clock.Now().Truncate(instant)
			if v := ada.change(t, step.handle); len(v.cookies) != 1 {
				t.Errorf("%s: cookies %v", step.name, v.cookies)
			}
			renewed(t, ada, old)
			row := s.row(t, ada.cookie(t))
			if (row.UserID == nil) != (step.userID == "") || (row.UserID != nil && *row.UserID != step.userID) {
				t.Errorf("%s: user_id %v", step.name, row.UserID)
			}
			if (row.AuthenticatedAt == nil) != (step.userID == "") || row.AuthMethod != "" || !row.CreatedAt.Equal(now) {
				t.Errorf("%s: %+v", step.name, row)
			}
		}
		s.wantRows(t, 1)
	})
}

func TestStore_UserKeyOption(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		if got := ada.read(t); got["account"] != "ada" || len(got) != 1 {
			t.Errorf("session holds %v", got)
		}
		old := ada.cookie(t)
		ada.set(t, "user_id", "anything")
		if ada.cookie(t) != old {
			t.Error("another key than the user's renews")
		}
	}, func(o *sessionstore.Options) { o.UserKey = "account" })
}

// The method and time given to SignIn apply to that sign-in only.
func TestStore_UserKeySetByHandAfterSignIn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		saveTwice(t, b, func(session *sessions.Session) {
			signInAs("ada")(session)
			if err := session.Save(newRequest(t), newResponse()); err != nil {
				t.Error(err)
			}
			session.Values["user_id"] = "bob"
		})
		if row := s.row(t, b.cookie(t)); *row.UserID != "bob" || row.AuthMethod != "" {
			t.Errorf("%s signed in by %q", *row.UserID, row.AuthMethod)
		}
	})
}
