package sessionstore_test

import (
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// renewed checks that a session has a new sid and a new secret, and that its
// old cookie is worth nothing any more.
func renewed(t *testing.T, b *browser, old string) {
	t.Helper()
	was, is := strings.Split(old, "."), strings.Split(b.cookie(t), ".")
	if len(is) != 3 || was[0] == is[0] || was[1] == is[1] {
		t.Fatalf("cookie was %v and is %v", was, is)
	}
	if v := b.site.with(t, cookieName+"="+old).change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 {
		t.Errorf("the old cookie holds %v", v.session.Values)
	}
}

func TestStore_SignIn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		old := ada.cookie(t)
		s.clock.advance(time.Minute)
		v := ada.signIn(t, "ada")
		renewed(t, ada, old)
		if got := ada.read(t); got["cart"] != 3 || got["user_id"] != "ada" {
			t.Errorf("session holds %v", got)
		}
		row := s.row(t, ada.cookie(t))
		if row.UserID == nil || *row.UserID != "ada" || row.AuthMethod != "password" {
			t.Errorf("row %+v", row)
		}
		if row.AuthenticatedAt == nil || !row.AuthenticatedAt.Equal(at(time.Minute)) || !row.CreatedAt.Equal(at(time.Minute)) {
			t.Errorf("authenticated %v, created %v", row.AuthenticatedAt, row.CreatedAt)
		}
		if len(v.cookies) != 1 || v.session.ID != row.SID {
			t.Errorf("id %q, cookies %v", v.session.ID, v.cookies)
		}
		s.wantRows(t, 1)
	})
}

// A user may have proved earlier who they are, and the time may be unknown.
func TestSignIn_AuthenticatedAt(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.clock.advance(time.Hour)
		for given, when := range map[time.Time]time.Time{
			at(time.Minute):                          at(time.Minute),
			{}:                                       at(time.Hour),
			sessionstore.UnknownTime:                 {},
			at(2 * time.Hour):                        at(time.Hour),
			time.UnixMilli(midday.Unix() * 1000_000): at(time.Hour), // of a provider that sends milliseconds
			time.Unix(math.MinInt32, 0):              {},
			time.Unix(math.MinInt64, 0):              {},
		} {
			ada := s.browser(t)
			ada.change(t, func(session *sessions.Session) {
				if err := sessionstore.SignIn(session, sessionstore.Login{UserID: "ada", AuthenticatedAt: given}); err != nil {
					t.Error(err)
				}
			})
			row := s.row(t, ada.cookie(t))
			if when.IsZero() != (row.AuthenticatedAt == nil) || !when.IsZero() && !row.AuthenticatedAt.Equal(when) {
				t.Errorf("authenticated %v, want %v", row.AuthenticatedAt, when)
			}
			if !row.CreatedAt.Equal(at(time.Hour)) {
				t.Errorf("created %v", row.CreatedAt)
			}
		}
	})
}

func TestStore_SignInWithoutASession(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		if user := ada.user(t); user != "ada" || *s.row(t, ada.cookie(t)).UserID != "ada" {
			t.Errorf("signed in as %v", user)
		}
	})
}

func TestStore_SignInAgain(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "cart", 3)
		old := ada.cookie(t)
		s.clock.advance(time.Minute)
		ada.signIn(t, "ada")
		renewed(t, ada, old)
		row := s.row(t, ada.cookie(t))
		if !row.AuthenticatedAt.Equal(at(time.Minute)) || !row.CreatedAt.Equal(at(0)) {
			t.Errorf("authenticated %v, created %v", row.AuthenticatedAt, row.CreatedAt)
		}
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Errorf("cart = %v", cart)
		}
	})
}

// What one user left behind is not the next one's: not what the store cannot
// decode, nor what another request adds at the same time.
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

// The first of two sign-ins in one request leaves nothing to the second either.
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

// Once the other user's session is saved, it is merged as any other.
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

// Programs that know nothing of SignIn get the same safety.
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

// What a sign-in was told counts for that sign-in alone.
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

// An attacker plants the cookie of a session of his own and waits for his
// victim to sign in.
func TestStore_SessionFixation(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		mallory := s.browser(t)
		planted := mallory.set(t, "cart", 3).cookies[0]
		ada := s.browser(t)
		ada.client.Jar.SetCookies(s.url(t), []*http.Cookie{planted})
		if cart := ada.read(t)["cart"]; cart != 3 {
			t.Fatalf("the attack does not begin: cart = %v", cart)
		}
		ada.signIn(t, "ada")
		if user := mallory.user(t); user != nil {
			t.Errorf("mallory is %v", user)
		}
		if user := ada.user(t); user != "ada" {
			t.Errorf("ada is %v", user)
		}
	})
}

// Of two sign-ins at once both succeed, each with a session of its own.
func TestStore_TwoSignInsAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.set(t, "cart", 3)
		slow := b.while(t, signInAs("ada"), func() { b.signIn(t, "bob") })
		if slow.saveErr != nil {
			t.Errorf("Save: %v", slow.saveErr)
		}
		if got := b.read(t); len(got) != 1 || got["user_id"] != "ada" {
			t.Errorf("the session holds %v", got)
		}
		s.wantRows(t, 2)
	})
}

func TestStore_SignInOfNobody(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.change(t, func(session *sessions.Session) {
			if err := signIn(session, "", "test"); err == nil {
				t.Error("accepted")
			}
		})
		s.wantRows(t, 0)
	})
}

// What others write for a user while the session changes to another user does
// not reach that one, however the program changes it.
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

// What no database takes as a user's id is the program's error, and not the
// database's.
func TestStore_UserIDThatCannotBeStored(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, strings.Repeat("é", 255))
		before := s.row(t, ada.cookie(t))
		for _, id := range []string{strings.Repeat("a", 256), "a\x00b", "a\nb", "\xff"} {
			v := ada.visit(t, signInAs(id))
			if !isValueError(v.saveErr) || len(v.cookies) != 0 {
				t.Errorf("user %.5q: %v, cookies %v", id, v.saveErr, v.cookies)
			}
		}
		s.wantUnchanged(t, before)
	})
}

func TestStore_SignInMethodIsCleaned(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, func(session *sessions.Session) {
			if err := signIn(session, "ada", "a\r\n\x00b\xff"+strings.Repeat("é", 100)); err != nil {
				t.Error(err)
			}
		})
		if got, want := s.row(t, ada.cookie(t)).AuthMethod, "ab"+strings.Repeat("é", 62); got != want {
			t.Errorf("auth_method %q, want %q", got, want)
		}
	})
}

// Whose session ends while he signs in to it keeps what this request set, also beside
// what it deleted.
func TestStore_SignInKeepsWhatTheRequestSet(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "a", 1)
		ada.set(t, "b", 2)
		ada.change(t, func(session *sessions.Session) {
			if _, err := revokeUser(t.Context(), s.store, "ada"); err != nil {
				t.Error(err)
			}
			session.Values["b"] = 3
			delete(session.Values, "a")
			if err := signIn(session, "ada", "password"); err != nil {
				t.Error(err)
			}
		})
		if got := ada.read(t); len(got) != 2 || got["b"] != 3 || got["user_id"] != "ada" {
			t.Errorf("the session holds %v", got)
		}
	})
}
