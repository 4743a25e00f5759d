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

func TestInTransaction_NotOne(t *testing.T) {
	s := newSite(t, testdb.NewURL(t, testdb.SQLite))
	for _, conn := range []*pop.Connection{nil, s.conn} {
		if err := sessionstore.InTransaction(newRequest(t), conn); err == nil {
			t.Error("accepted")
		}
	}
}

// The sessions may be in a different database from the transaction.
func TestInTransaction_OtherDatabase(t *testing.T) {
	onOneConnection(t, func(t *testing.T, s *site) {
		other := newSite(t, testdb.NewURL(t, testdb.SQLite))
		for _, end := range []error{nil, errRollBack} {
			ada := s.browser(t)
			ada.request(t, func(w http.ResponseWriter, r *http.Request) {
				session, err := s.store.Get(r, cookieName)
				if err != nil {
					t.Error(err)
				}
				if err := other.transaction(r, end, func() {
					signInAs("ada")(session)
					if err := session.Save(r, w); err != nil {
						t.Error(err)
					}
				}); !errors.Is(err, end) {
					t.Error(err)
				}
				if err := sessionstore.Settle(r, session, end == nil); err != nil {
					t.Errorf("Settle: %v", err)
				}
			})
			if user := ada.user(t); user != "ada" {
				t.Errorf("%v: signed in: %v", end, user)
			}
		}
		other.wantRows(t, 0)
	})
}

// MariaDB rolls the transaction back after a deadlock but still accepts COMMIT,
// so a handler may not notice that its own writes are lost.
func TestInTransaction_LostToADeadlock(t *testing.T) {
	for name, handle := range map[string]func(*sessionstore.Store, http.ResponseWriter, *http.Request, *sessions.Session) error{
		"Renewal": func(_ *sessionstore.Store, w http.ResponseWriter, r *http.Request, session *sessions.Session) error {
			return session.Save(r, w) // the store itself decides to write
		},
		"ErrorDropped": func(store *sessionstore.Store, _ http.ResponseWriter, r *http.Request, _ *sessions.Session) error {
			_, _ = store.Revoke(r.Context(), sessionstore.Filter{UserID: "ada"})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			onConnections(t, 4, []testdb.Engine{testdb.MariaDB}, func(t *testing.T, plain *site) {
				s := plain.instance(t, onSchedule)
				ada := s.browser(t)
				ada.signIn(t, "ada")
				s.clock.advance(renewAfter)
				deadlock := s.lockForDeadlock(t)
				ada.request(t, func(w http.ResponseWriter, r *http.Request) {
					session, err := s.store.Get(r, cookieName)
					if err != nil {
						t.Error(err)
					}
					wait := func() {}
					err = s.conn.Transaction(func(tx *pop.Connection) error {
						if err := sessionstore.InTransaction(r, tx); err != nil {
							return err
						}
						wait = deadlock(tx)
						return handle(s.store, w, r, session)
					})
					wait()
					err = errors.Join(err, sessionstore.Settle(r, session, err == nil))
					if !errors.Is(err, sessionstore.ErrConflict) {
						t.Errorf("got %v, want ErrConflict", err)
					}
				})
				if user := ada.user(t); user != "ada" {
					t.Errorf("signed in: %v", user)
				}
			})
		})
	}
}
