package sessionstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// signedIn returns browsers in which these users signed in. The user "" is
// anonymous. Each session has a cart.
func (s *site) signedIn(t *testing.T, users ...string) (browsers []*browser) {
	t.Helper()
	for _, user := range users {
		b := s.browser(t)
		b.set(t, "cart", 3)
		if user != "" {
			b.signIn(t, user)
		}
		browsers = append(browsers, b)
	}
	return browsers
}

// wantAlive checks which of the browsers still have their sessions. Call it last,
// because browsers without a session get a new one.
func (s *site) wantAlive(t *testing.T, browsers []*browser, alive ...bool) {
	t.Helper()
	for i, b := range browsers {
		if cart := b.read(t)["cart"]; (cart == 3) != alive[i] {
			t.Errorf("browser %d: cart = %v, want it alive: %t", i, cart, alive[i])
		}
		if !alive[i] {
			s.wantDead(t, b.cookie(t))
		}
	}
}

func (s *site) wantNotFound(t *testing.T, doing string, err error) {
	t.Helper()
	if !errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrUnavailable) {
		t.Errorf("%s: %v, want ErrNotFound", doing, err)
	}
}

func TestStore_Revoke(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "ada", "bob", "")
		sid := s.row(t, all[0].cookie(t)).SID
		anonymous := s.row(t, all[3].cookie(t)).SID
		for _, user := range []string{"bob", "Ada", "%", "ada' OR '1'='1", "nobody"} {
			s.wantNotFound(t, user, revokeOne(t.Context(), s.store, user, sid))
		}
		s.wantNotFound(t, "nobody's session", revokeOne(t.Context(), s.store, "ada", anonymous))
		s.wantRows(t, 4)
		if err := revokeOne(t.Context(), s.store, "ada", sid); err != nil {
			t.Error(err)
		}
		s.wantNotFound(t, "once more", revokeOne(t.Context(), s.store, "ada", sid))
		s.wantAlive(t, all, false, true, true, true)
	})
}

func TestStore_RevokeSID(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "bob", "", "")
		for _, i := range []int{0, 2} {
			sid := s.row(t, all[i].cookie(t)).SID
			if err := revokeSID(t.Context(), s.store, sid); err != nil {
				t.Error(err)
			}
			s.wantNotFound(t, "once more", revokeSID(t.Context(), s.store, sid))
		}
		s.wantAlive(t, all, false, true, false, true)
	})
}

// Text that is not a sid of a session revokes nothing and causes no database
// error.
func TestStore_RevokeOddSIDs(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "bob")
		cookie := all[0].cookie(t)
		sid := s.row(t, cookie).SID
		for _, odd := range []string{
			".", "%", strings.Repeat("%", 24), strings.Repeat("_", 24), strings.Repeat("x", 9000),
			"'", "' OR '1'='1", `"`, `\`, sid + "'", sid + " ", " " + sid, sid[1:], swapCase(sid), cookie,
			"\x00", sid + "\x00", strings.Repeat("\x00", 24), strings.Repeat("\xff", 24), strings.Repeat("é", 12),
		} {
			s.wantNotFound(t, "Revoke", revokeOne(t.Context(), s.store, "ada", odd))
			s.wantNotFound(t, "RevokeSID", revokeSID(t.Context(), s.store, odd))
		}
		s.wantAlive(t, all, true, true)
	})
}

func TestStore_RevokeOthers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "ada", "ada", "bob", "")
		var n int64
		var err error
		v := all[1].change(t, func(session *sessions.Session) { n, err = revokeOthers(t.Context(), s.store, session) })
		if n != 2 || err != nil || len(v.cookies) != 0 {
			t.Errorf("revoked %d, %v, cookies %v; want 2", n, err, v.cookies)
		}
		all[1].change(t, func(session *sessions.Session) { n, err = revokeOthers(t.Context(), s.store, session) })
		if n != 0 || err != nil {
			t.Errorf("once more: %d, %v; want 0", n, err)
		}
		s.wantAlive(t, all, false, true, false, true, true)
	})
}

// Without a user, "all others" would match every user's sessions.
func TestStore_RevokeOthersOfNobody(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "", "")
		for name, b := range map[string]*browser{"Anonymous": all[1], "New": s.browser(t)} {
			b.change(t, func(session *sessions.Session) {
				if n, err := revokeOthers(t.Context(), s.store, session); n != 0 || err == nil {
					t.Errorf("%s: %d, %v; want an error", name, n, err)
				}
			})
		}
		foreign := sessions.NewSession(sessions.NewCookieStore(secret), cookieName)
		foreign.Values["user_id"] = "ada"
		if n, err := revokeOthers(t.Context(), s.store, foreign); n != 0 || !errors.Is(err, sessionstore.ErrForeign) {
			t.Errorf("foreign: %d, %v; want ErrForeign", n, err)
		}
		s.wantAlive(t, all, true, true, true)
	})
}

// The caller's session stays, even if it has just been given a new sid.
func TestStore_RevokeOthersOfAReplacedSession(t *testing.T) {
	for name, replace := range replacements {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				all := s.signedIn(t, "ada", "ada")
				old := all[0].cookie(t)
				all[0].change(t, func(session *sessions.Session) {
					replace(t, all[0])
					if n, err := revokeOthers(t.Context(), s.store, session); n != 1 || err != nil {
						t.Errorf("revoked %d, %v; want 1", n, err)
					}
				})
				if all[0].cookie(t) == old {
					t.Error("the session was not replaced")
				}
				s.wantAlive(t, all, true, false)
			}, onSchedule)
		})
	}
}

func TestStore_RevokeUser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "ada", "Ada", "bob", "")
		for _, step := range []struct {
			user string
			want int64
		}{{"nobody", 0}, {"%", 0}, {"' OR '1'='1", 0}, {"ada", 2}, {"ada", 0}} {
			if n, err := revokeUser(t.Context(), s.store, step.user); n != step.want || err != nil {
				t.Errorf("RevokeUser(%q) = %d, %v; want %d", step.user, n, err, step.want)
			}
		}
		s.wantAlive(t, all, false, false, true, true, true)
	})
}

func TestStore_RevokeAll(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "bob", "")
		s.queries.take()
		if n, err := s.store.RevokeAll(s.queries.context(t.Context())); n != 3 || err != nil {
			t.Errorf("revoked %d, %v; want 3", n, err)
		}
		s.queries.want(t, "RevokeAll", "DELETE")
		s.wantRows(t, 0)
		s.wantAlive(t, all, false, false, false)
	})
}

// An empty user ID matches no sessions.
func TestStore_RevokeOfNobody(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedIn(t, "ada", "")
		for _, b := range all {
			err := revokeOne(t.Context(), s.store, "", s.row(t, b.cookie(t)).SID)
			if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrUnavailable) {
				t.Errorf("Revoke: %v", err)
			}
		}
		if n, err := revokeUser(t.Context(), s.store, ""); n != 0 || err == nil {
			t.Errorf("RevokeUser: %d, %v; want an error", n, err)
		}
		if n, err := count(t.Context(), s.store, ""); n != 0 || err == nil {
			t.Errorf("Count: %d, %v; want an error", n, err)
		}
		s.wantAlive(t, all, true, true)
	})
}

func TestStore_Count(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		count := func(doing string, all int64, users map[string]int64) {
			if n, err := countAll(t.Context(), s.store); n != all || err != nil {
				t.Errorf("%s: %d, %v; want %d in all", doing, n, err, all)
			}
			for user, want := range users {
				if n, err := count(t.Context(), s.store, user); n != want || err != nil {
					t.Errorf("%s: %d, %v; want %d of %q", doing, n, err, want, user)
				}
			}
		}
		count("at first", 0, map[string]int64{"ada": 0})
		s.signedIn(t, "ada", "bob")
		s.clock.advance(time.Minute)
		s.signedIn(t, "ada", "Ada", "")
		count("all alive", 5, map[string]int64{"ada": 2, "Ada": 1, "bob": 1, "nobody": 0, "%": 0})
		s.clock.advance(idle - time.Minute) // the first two expire right now
		count("two expired", 3, map[string]int64{"ada": 1, "Ada": 1, "bob": 0})
	})
}
