package sessionstore_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// onOneConnection is onEveryEngine with a single connection. A store that asked
// for a second one would block forever.
func onOneConnection(t *testing.T, test func(t *testing.T, s *site)) {
	onConnections(t, 1, testdb.Engines(), test)
}

func onConnections(t *testing.T, n int, engines []testdb.Engine, test func(t *testing.T, s *site)) {
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			conn := testdb.Migrated(t, testdb.NewURL(t, engine), func(details *pop.ConnectionDetails) {
				details.Pool, details.IdlePool = n, n
			})
			test(t, newSiteOn(t, conn))
		})
	}
}

var errRollBack = errors.New("roll back")

// visitIn is visit inside a transaction around the request. end decides whether
// it is committed.
func (b *browser) visitIn(t testing.TB, end error, handle func(*sessions.Session)) visit {
	t.Helper()
	visits := make(chan visit, 1)
	response := b.request(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(visits)
		session, err := b.site.store.Get(r, cookieName)
		v := visit{session: session, getErr: err}
		err = b.site.transaction(r, end, func() {
			handle(session)
			v.saveErr = session.Save(r, w)
		})
		if !errors.Is(err, end) {
			t.Errorf("the transaction ended with %v, not %v", err, end)
		}
		if err := sessionstore.Settle(r, session, err == nil); err != nil {
			t.Errorf("Settle: %v", err)
		}
		visits <- v
	})
	if response == nil {
		return visit{}
	}
	v := <-visits
	v.cookies = response.Cookies()
	if v.getErr != nil || v.saveErr != nil {
		t.Fatalf("Get: %v, Save: %v", v.getErr, v.saveErr)
	}
	return v
}

// transaction runs do in a transaction that has already read something, as a
// handler's would. end decides whether it is committed.
func (s *site) transaction(r *http.Request, end error, do func()) error {
	return s.conn.Transaction(func(tx *pop.Connection) error {
		if err := sessionstore.InTransaction(r, tx); err != nil {
			return err
		}
		if _, err := tx.Count("sessions"); err != nil {
			return err
		}
		do()
		return end
	})
}

func setTo(key, value any) func(*sessions.Session) {
	return func(session *sessions.Session) { session.Values[key] = value }
}

func TestInTransaction_Committed(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.visitIn(t, nil, setTo("cart", 1))
		first := ada.cookie(t)
		ada.visitIn(t, nil, signInAs("ada"))
		ada.visitIn(t, nil, func(session *sessions.Session) {
			delete(session.Values, "cart")
			session.Values["cart 2"] = 2
		})
		if got := ada.read(t); len(got) != 2 || got["user_id"] != "ada" || got["cart 2"] != 2 {
			t.Errorf("session holds %v", got)
		}
		last := ada.cookie(t)
		ada.visitIn(t, nil, signOut)
		s.wantRows(t, 0)
		s.wantDead(t, first)
		s.wantDead(t, last)
	})
}

// The response with the cookie has been sent when the transaction is rolled back.
func TestInTransaction_RolledBack(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.visitIn(t, errRollBack, setTo("cart", 1))
		if got := ada.read(t); got["cart"] != 1 {
			t.Errorf("a new session holds %v", got)
		}
		ada.visitIn(t, errRollBack, setTo("cart", 2))
		if got := ada.read(t); got["cart"] != 2 {
			t.Errorf("a changed session holds %v", got)
		}
		old := ada.cookie(t)
		ada.visitIn(t, errRollBack, renewSession)
		if got := ada.read(t); got["cart"] != 2 {
			t.Errorf("a renewed session holds %v", got)
		}
		ada.visitIn(t, errRollBack, signOut)
		s.wantRows(t, 0)
		s.wantDead(t, old)
	})
}

// The user may have been created in the same transaction, and another one may get
// the same ID. The browser has the new cookie, which now leads to the session
// from before the sign-in.
func TestInTransaction_SignInIsRolledBack(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 1)
		old := ada.cookie(t)
		v := ada.visitIn(t, errRollBack, signInAs("ada"))
		if got := ada.read(t); len(v.cookies) != 1 || got["cart"] != 1 || got["user_id"] != nil {
			t.Errorf("cookies %v, the session holds %v", v.cookies, got)
		}
		s.wantRows(t, 1)
		s.wantDead(t, old)
	})
}

// Pop runs a handler again, in a new transaction, if SQLite was locked.
func TestInTransaction_HandlerRunsAgain(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		for name, handle := range map[string]func(*sessions.Session){
			"New":     setTo("cart", 1),
			"SignsIn": signInAs("ada"),
		} {
			b := s.browser(t)
			b.request(t, func(w http.ResponseWriter, r *http.Request) {
				session, _ := s.store.Get(r, cookieName)
				for _, end := range []error{errRollBack, nil} {
					err := s.transaction(r, end, func() {
						handle(session)
						if err := session.Save(r, w); err != nil {
							t.Errorf("%s: %v", name, err)
						}
					})
					if !errors.Is(err, end) {
						t.Error(err)
					}
				}
				if err := sessionstore.Settle(r, session, true); err != nil {
					t.Error(err)
				}
			})
			if got := b.read(t); len(got) != 1 {
				t.Errorf("%s: session holds %v", name, got)
			}
		}
		s.wantRows(t, 2)
	})
}

// A request that saves twice sets one cookie.
func TestInTransaction_SavedTwice(t *testing.T) {
	for name, end := range map[string]error{"Committed": nil, "RolledBack": errRollBack} {
		t.Run(name, func(t *testing.T) {
			onOneConnection(t, func(t *testing.T, s *site) { savedTwice(t, s, end) })
		})
	}
}

func savedTwice(t *testing.T, s *site, end error) {
	ada := s.browser(t)
	response := ada.request(t, func(w http.ResponseWriter, r *http.Request) {
		session, _ := s.store.Get(r, cookieName)
		err := s.transaction(r, end, func() {
			for i, key := range []string{"a", "b"} {
				session.Values[key] = i
				if err := session.Save(r, w); err != nil {
					t.Error(err)
				}
			}
		})
		if err := sessionstore.Settle(r, session, err == nil); err != nil {
			t.Error(err)
		}
	})
	if got := ada.read(t); len(got) != 2 || len(response.Cookies()) != 1 {
		t.Errorf("session holds %v, cookies %v", got, response.Cookies())
	}
	s.wantRows(t, 1)
}

// Concurrent changes are merged even if the transaction cannot see them.
func TestInTransaction_Merges(t *testing.T) {
	servers := []testdb.Engine{testdb.PostgreSQL, testdb.MariaDB} // SQLite lets nobody else write meanwhile
	onConnections(t, 4, servers, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "first", 0)
		ada.visitIn(t, nil, func(session *sessions.Session) {
			ada.set(t, "other", 1)
			session.Values["own"] = 2
		})
		if got := ada.read(t); len(got) != 3 {
			t.Errorf("session holds %v", got)
		}
	})
}

// lockForDeadlock locks all sessions. The function it returns makes a transaction
// deadlock and lose when it waits for one of them; wait releases the lock.
func (s *site) lockForDeadlock(t *testing.T) func(tx *pop.Connection) (wait func()) {
	t.Helper()
	exec := func(tx *pop.Connection, query string) {
		if err := tx.RawQuery(query).Exec(); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	exec(s.conn, "CREATE TABLE notes (id INT PRIMARY KEY)")
	other, err := s.conn.NewTransaction()
	if err != nil {
		t.Fatal(err)
	}
	exec(other, "INSERT INTO notes SELECT seq FROM seq_1000_to_2000") // the one with less to roll back loses
	exec(other, "UPDATE sessions SET label = 'locked'")
	return func(tx *pop.Connection) func() {
		exec(tx, "INSERT INTO notes VALUES (1)")
		done := make(chan struct{})
		go func() {
			defer close(done)
			exec(other, "INSERT INTO notes VALUES (1)")
		}()
		return func() {
			<-done
			if err := other.TX.Rollback(); err != nil {
				t.Error(err)
			}
		}
	}
}
