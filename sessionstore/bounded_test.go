package sessionstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// begin begins a transaction on a connection of its own.
func (s *site) begin(t *testing.T, statement string) *pop.Tx {
	t.Helper()
	tx, err := s.conn.Store.(interface {
		TransactionContext(context.Context) (*pop.Tx, error)
	}).TransactionContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(statement); err != nil {
		t.Fatal(err)
	}
	return tx
}

// While another program holds SQLite's write lock, all waiting requests give up
// when their time is over, and get ErrUnavailable.
func TestStore_SQLiteLockedByAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.NewURL(t, testdb.SQLite))
	ada := s.browser(t)
	ada.signIn(t, "ada") // prepares the insert
	other := s.begin(t, "UPDATE sessions SET ip = ip")
	var wg group
	for range 8 {
		wg.Go(func() {
			v := s.browser(t).visit(t, signInAs("bob"))
			if !errors.Is(v.saveErr, sessionstore.ErrUnavailable) || errors.Is(v.saveErr, sessionstore.ErrConflict) {
				t.Errorf("Save: %v", v.saveErr)
			}
		})
	}
	given := make(chan struct{})
	go func() { wg.Wait(); close(given) }()
	select {
	case <-given:
	case <-time.After(30 * time.Second): // six times what each of them has
		t.Error("somebody still waits")
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	<-given
	s.browser(t).signIn(t, "carl")
	s.wantRows(t, 2)
}

// A read stops waiting for a connection when its request is canceled.
func TestStore_ReadWaitsForConnection(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			one := func(d *pop.ConnectionDetails) { d.Pool, d.IdlePool = 1, 1 }
			s := newSiteOn(t, testdb.Migrated(t, testdb.NewURL(t, engine), one))
			ada := s.browser(t)
			ada.signIn(t, "ada")
			ada.read(t)
			tx := s.begin(t, "SELECT 1")
			r := newRequest(t)
			r.Header.Set("Cookie", cookieName+"="+ada.cookie(t))
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			answered := make(chan error, 1)
			go func() {
				_, err := s.store.Get(r.WithContext(ctx), cookieName)
				answered <- err
			}()
			select {
			case err := <-answered:
				if !errors.Is(err, sessionstore.ErrUnavailable) {
					t.Error(err)
				}
			case <-time.After(30 * time.Second):
				t.Error("Get still waits")
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Describe takes no locks, even in a transaction.
func TestDescribe_LocksNothing(t *testing.T) {
	onServers(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		err := s.conn.Transaction(func(tx *pop.Connection) error {
			r := newRequest(t)
			r.Header.Set("Cookie", cookieName+"="+ada.cookie(t))
			if err := sessionstore.InTransaction(r, tx); err != nil {
				return err
			}
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				return err
			}
			if _, err := sessionstore.Describe(r.Context(), session); err != nil {
				return err
			}
			if _, _, err := s.store.Inspect(r.Context(), session.ID); err != nil {
				return err
			}
			return ada.visit(t, func(other *sessions.Session) { other.Values["seen"] = true }).saveErr // in another request, meanwhile
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// onServers runs a test on the databases that lock rows.
func onServers(t *testing.T, test func(*testing.T, *site)) {
	t.Parallel()
	for _, engine := range testdb.Engines() {
		if engine == testdb.SQLite {
			continue
		}
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, testdb.NewURL(t, engine)))
		})
	}
}
