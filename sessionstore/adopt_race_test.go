package sessionstore_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// An attacker plants their own old cookie before a user signs in. If the sign-in
// is the request that adopts it, the old cookie must not work afterwards.
func TestStore_AdoptSessionFixation(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, handle := range signInsInAnyWay {
			planted := oldCookie(t, old, map[any]any{"cart": name})
			ada := s.with(t, planted)
			ada.change(t, handle)
			delete(ada.header, "Cookie")
			if got := ada.read(t); len(got) != 2 || got["cart"] != name {
				t.Errorf("%s: the session holds %v", name, got)
			}
			s.wantNotAdopted(t, planted)
			row := s.row(t, ada.cookie(t))
			if row.AuthMethod == "adopted" || row.AuthenticatedAt == nil {
				t.Errorf("%s: the sign-in is recorded as %q at %v", name, row.AuthMethod, row.AuthenticatedAt)
			}
		}
	}, adopting(old))
}

// The first page after the switch to this store may send several requests at
// once.
func TestInTransaction_AdoptAtOnce(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	const requests = 6
	servers := []testdb.Engine{testdb.PostgreSQL, testdb.MariaDB} // SQLite lets nobody else write meanwhile
	onConnections(t, 2*requests, servers, func(t *testing.T, plain *site) {
		s := plain.instance(t, adopting(old))
		cookie := oldCookie(t, old, adasCart)
		loaded := new(sync.WaitGroup)
		loaded.Add(requests)
		var all group
		for i := range requests {
			all.Go(func() {
				s.with(t, cookie).request(t, func(w http.ResponseWriter, r *http.Request) {
					session, err := s.store.Get(r, cookieName)
					if err != nil {
						t.Error(err)
					}
					err = s.transaction(r, nil, func() {
						loaded.Done()
						loaded.Wait()
						session.Values[i] = true
						if err := session.Save(r, w); err != nil {
							t.Errorf("Save: %v", err)
						}
					})
					if err := errors.Join(err, sessionstore.Settle(r, session, err == nil)); err != nil {
						t.Error(err)
					}
				})
			})
		}
		all.Wait()
		if got := s.with(t, cookie).read(t); len(got) != len(adasCart)+requests {
			t.Errorf("the session holds %v", got)
		}
	})
}

// Another user's values do not survive a sign-in, even if they were not adopted
// before.
func TestStore_AdoptOtherUser(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onEveryEngine(t, func(t *testing.T, s *site) {
		v := s.with(t, oldCookie(t, old, adasCart)).signIn(t, "bob")
		if got := v.session.Values; len(got) != 1 || got["user_id"] != "bob" {
			t.Errorf("the session holds %v", got)
		}
		if n, err := count(t.Context(), s.store, "ada"); n != 0 || err != nil {
			t.Errorf("sessions of ada: %d, %v", n, err)
		}
	}, adopting(old))
}

// A message from the old cookie is shown only once.
func TestStore_AdoptEmptied(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onEveryEngine(t, func(t *testing.T, s *site) {
		cookie := oldCookie(t, old, map[any]any{"message": "Saved."})
		v := s.with(t, cookie).change(t, func(session *sessions.Session) {
			if session.Values["message"] != "Saved." {
				t.Errorf("the session holds %v", session.Values)
			}
			delete(session.Values, "message")
		})
		if len(v.cookies) != 1 || v.cookies[0].MaxAge >= 0 {
			t.Errorf("cookies %v", v.cookies)
		}
		s.wantNotAdopted(t, cookie)
	}, adopting(old))
}

// meanwhile opens two requests with the old cookie, and saves other while open is
// still in progress.
func (s *site) meanwhile(t *testing.T, cookie string, open, other func(*sessions.Session)) (first, second visit) {
	t.Helper()
	first = s.with(t, cookie).while(t, open, func() { second = s.with(t, cookie).change(t, other) })
	return first, second
}

// A user signs in while another request of the same browser adopts the session.
func TestStore_AdoptWhileSigningIn(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	read := func(*sessions.Session) {}
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, handle := range signInsInAnyWay {
			cookie := oldCookie(t, old, map[any]any{"cart": name})
			signIn, reader := s.meanwhile(t, cookie, handle, read)
			if signIn.saveErr != nil || len(signIn.cookies) != 1 || len(reader.cookies) != 1 {
				t.Fatalf("%s: %v, cookies %v and %v", name, signIn.saveErr, signIn.cookies, reader.cookies)
			}
			if row := s.row(t, signIn.cookies[0].Value); row.UserID == nil || *row.UserID != "ada" {
				t.Errorf("%s: the row is of %v", name, row.UserID)
			}
			s.wantDead(t, reader.cookies[0].Value)
			s.wantNotAdopted(t, cookie)

			// The other way round, the reader must not fail.
			cookie = oldCookie(t, old, map[any]any{"cart": name + ", again"})
			reader, signIn = s.meanwhile(t, cookie, read, handle)
			if reader.saveErr != nil || len(reader.cookies) != 0 || len(signIn.cookies) != 1 {
				t.Errorf("%s: %v, cookies %v and %v", name, reader.saveErr, reader.cookies, signIn.cookies)
			}
			s.wantNotAdopted(t, cookie)
		}
	}, adopting(old))
}

// A sign-out is final, whichever request is saved first.
func TestStore_AdoptWhileSigningOut(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	read := func(*sessions.Session) {}
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, test := range map[string]struct{ open, other func(*sessions.Session) }{
			"SignOutLast": {signOut, read}, "SignOutFirst": {read, signOut},
		} {
			cookie := oldCookie(t, old, map[any]any{"user_id": "ada", "for": name})
			first, second := s.meanwhile(t, cookie, test.open, test.other)
			if first.saveErr != nil {
				t.Errorf("%s: %v", name, first.saveErr)
			}
			if n, err := count(t.Context(), s.store, "ada"); n != 0 || err != nil {
				t.Errorf("%s: sessions of ada: %d, %v", name, n, err)
			}
			for _, c := range append(first.cookies, second.cookies...) {
				if c.MaxAge >= 0 {
					s.wantDead(t, c.Value)
				}
			}
			s.wantNotAdopted(t, cookie)
		}
	}, adopting(old))
}

// A forged old cookie causes no query.
func TestStore_AdoptForgedCostsNothing(t *testing.T) {
	forged := oldCookie(t, sessions.NewCookieStore([]byte("a secret that somebody guessed")), adasCart)
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		s.with(t, forged).change(t, nil)
		s.queries.want(t, "a forged old cookie", "")
	}, adopting(sessions.NewCookieStore(foreignSecret)))
}

// The filesystem store returns an error for a deleted session. That is not a
// failure.
func TestStore_AdoptFiles(t *testing.T) {
	dir := t.TempDir()
	old := sessions.NewFilesystemStore(dir, foreignSecret)
	onEveryEngine(t, func(t *testing.T, s *site) {
		if user := s.with(t, oldCookie(t, old, adasCart)).user(t); user != "ada" {
			t.Errorf("signed in: %v", user)
		}
		gone := oldCookie(t, old, adasCart)
		r := newRequest(t)
		r.Header.Set("Cookie", gone)
		session, err := old.New(r, cookieName)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "session_"+session.ID)); err != nil {
			t.Fatal(err)
		}
		s.wantNotAdopted(t, gone)
	}, adopting(old))
}

// An access token cannot be issued for a session that has no row yet.
func TestStore_IssueTokenBeforeAdoption(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.with(t, oldCookie(t, old, adasCart)).request(t, func(_ http.ResponseWriter, r *http.Request) {
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			if _, _, err := s.store.IssueToken(r, session, "ci", adoption); err == nil || errors.Is(err, sessionstore.ErrEnded) {
				t.Errorf("IssueToken: %v", err)
			}
			if _, err := sessionstore.Describe(r.Context(), session); err == nil {
				t.Error("described")
			}
		})
		s.wantRows(t, 0)
	}, adopting(old))
}
