package sessionstore_test

import (
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

func atMost(n int) func(*sessionstore.Options) {
	return func(o *sessionstore.Options) { o.MaxPerUser = n }
}

// signedInByTheMinute returns browsers in which these users signed in, one minute
// apart.
func (s *site) signedInByTheMinute(t *testing.T, users ...string) (browsers []*browser) {
	t.Helper()
	for _, user := range users {
		browsers = append(browsers, s.signedIn(t, user)...)
		s.clock.advance(time.Minute)
	}
	return browsers
}

// The oldest session is in use, and stays. Other users' and anonymous sessions do
// not count, however old they are.
func TestStore_MaxPerUser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedInByTheMinute(t, "bob", "", "Ada", "bob", "", "", "ada", "ada")
		all[6].read(t)
		all = append(all, s.signedInByTheMinute(t, "ada")...)
		s.wantAlive(t, all, true, true, true, true, true, true, true, false, true)
	}, atMost(2))
}

// A write counts as use, and so does a touch.
func TestStore_MaxPerUserByLastUse(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedInByTheMinute(t, "ada", "ada", "ada")
		for _, used := range []int{2, 0, 1} {
			s.clock.advance(time.Second)
			all[used].set(t, "used", s.clock.Now().String())
		}
		s.clock.advance(time.Second)
		all = append(all, s.signedIn(t, "ada")...)
		s.clock.advance(time.Second)
		all = append(all, s.signedIn(t, "ada")...)
		s.wantAlive(t, all, false, true, false, true, true)
	}, atMost(3))
}

func TestStore_NoMaxPerUserByDefault(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for range 20 {
			s.browser(t).signIn(t, "ada")
		}
		s.wantRows(t, 20)
	})
}

// A new or lower limit revokes all sessions in excess of it.
func TestStore_MaxPerUserLowered(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		all := s.signedInByTheMinute(t, "ada", "ada", "ada", "bob", "ada")
		strict := s.instance(t, atMost(1))
		last := strict.signedIn(t, "ada")
		s.wantAlive(t, append(all, last...), false, false, false, true, false, true)
	})
}

// Every way of signing in counts.
func TestStore_MaxPerUserCountsEverySignIn(t *testing.T) {
	byHand := func(session *sessions.Session) { session.Values["user_id"] = "ada" }
	for name, step := range map[string]struct {
		before []string // who was signed in there before
		handle func(*sessions.Session)
	}{
		"NewSession":       {nil, signInAs("ada")},
		"AnonymousSession": {[]string{""}, signInAs("ada")},
		"OtherUser":        {[]string{"bob"}, signInAs("ada")},
		"NewByHand":        {nil, byHand},
		"OtherByHand":      {[]string{"bob"}, byHand},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				all := s.signedInByTheMinute(t, "ada", "ada")
				b := append(s.signedInByTheMinute(t, step.before...), s.browser(t))[0]
				b.change(t, step.handle)
				if user := b.user(t); user != "ada" {
					t.Errorf("%v is signed in", user)
				}
				s.wantAlive(t, all, false, true)
			}, atMost(2))
		})
	}
}

// A session that gets a new sid is still the same session, and does not push out
// another one.
func TestStore_MaxPerUserAndReplacedSessions(t *testing.T) {
	for name, replace := range replacements {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				all := s.signedInByTheMinute(t, "ada", "ada", "ada")
				for range 3 {
					replace(t, all[0])
					replace(t, all[1])
				}
				s.wantAlive(t, all, true, true, true)
			}, atMost(3), onSchedule, func(o *sessionstore.Options) { o.IdleTimeout = lifetime })
		})
	}
}

// Expired sessions do not count, not even remembered ones, which may have gone
// unused for longer.
func TestStore_MaxPerUserAndExpired(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		remembered := s.browser(t)
		remembered.change(t, rememberAs("ada"))
		remembered.set(t, "cart", 3)
		s.clock.advance(time.Minute)
		all := append(s.signedIn(t, "ada"), remembered)
		s.clock.advance(idle)
		all = append(all, s.signedIn(t, "ada")...)
		s.wantAlive(t, all, false, true, true)
	}, atMost(2))
}

// Concurrent sign-ins leave exactly as many sessions as the limit allows.
func TestStore_MaxPerUserAtOnce(t *testing.T) {
	const limit, signIns = 3, 8
	onEveryEngine(t, func(t *testing.T, s *site) {
		bob := s.signedInByTheMinute(t, "bob")
		servers := []*site{s, s.instance(t, atMost(limit))}
		browsers := make([]*browser, signIns)
		var ready, done group
		ready.Add(signIns)
		for i := range browsers {
			browsers[i] = servers[i%2].browser(t)
			done.Go(func() {
				v := browsers[i].visit(t, func(session *sessions.Session) {
					signInAs("ada")(session)
					ready.Done()
					ready.Wait()
				})
				if v.saveErr != nil {
					t.Errorf("sign-in %d: %v", i, v.saveErr)
				}
			})
		}
		done.Wait()
		if n, err := count(t.Context(), s.store, "ada"); n != limit || err != nil {
			t.Errorf("%d sessions, %v; want %d", n, err, limit)
		}
		left := 0
		for _, b := range browsers {
			if b.user(t) == "ada" {
				left++
			}
		}
		if left != limit {
			t.Errorf("signed in in %d browsers, want %d", left, limit)
		}
		s.wantAlive(t, bob, true)
	}, atMost(limit))
}
