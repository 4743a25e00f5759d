package sessionstore_test

import (
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// newSerializableSite returns a site on PostgreSQL with serializable
// transactions, including single statements. This approximates CockroachDB, which
// only has this level and reports conflicts with the same SQLSTATE 40001.
// CockroachDB detects conflicts differently, however, and retries single
// statements itself.
func newSerializableSite(t *testing.T, edits ...func(*sessionstore.Options)) *site {
	t.Helper()
	u, err := url.Parse(testdb.NewURL(t, testdb.PostgreSQL))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("default_transaction_isolation", "serializable")
	u.RawQuery = query.Encode()
	s := newSite(t, u.String(), edits...)
	var level string
	if err := s.conn.Store.Get(&level, "SELECT current_setting('transaction_isolation')"); err != nil {
		t.Fatal(err)
	}
	if level != "serializable" {
		t.Fatalf("isolation %q", level)
	}
	return s
}

func TestStore_SerializableDifferentKeys(t *testing.T) {
	t.Parallel()
	s := newSerializableSite(t)
	ada := s.browser(t)
	ada.signIn(t, "ada")
	ada.atOnce(t, crowd, func(session *sessions.Session, i int) { session.Values[i] = i })
	got := ada.read(t)
	for i := range crowd {
		if got[i] != i {
			t.Errorf("%d = %v", i, got[i])
		}
	}
	if row := s.row(t, ada.cookie(t)); len(got) != crowd+1 || row.Version != crowd+1 {
		t.Errorf("%d values, row %+v", len(got), row)
	}
}

// Concurrent sign-ins of many users, each of which exceeds the limit.
func TestStore_SerializableSignIns(t *testing.T) {
	t.Parallel()
	s := newSerializableSite(t, func(o *sessionstore.Options) { o.MaxPerUser = 2 })
	var all group
	for i := range crowd / 2 {
		all.Go(func() {
			user := fmt.Sprintf("user %d", i)
			b := s.browser(t)
			for range 4 {
				b = s.browser(t)
				s.clock.advance(time.Millisecond)
				if v := b.visit(t, signInAs(user)); v.saveErr != nil {
					t.Errorf("%s: %v", user, v.saveErr)
				}
			}
			if got := b.visit(t, nil); got.getErr != nil || got.session.Values["user_id"] != user {
				t.Errorf("%s: %v, %v", user, got.session, got.getErr)
			}
		})
	}
	all.Wait()
	s.wantRows(t, crowd)
}

// Concurrent sign-ins to one session. Some lose the race and get a session of
// their own.
func TestStore_SerializableSignInsToOneSession(t *testing.T) {
	t.Parallel()
	s := newSerializableSite(t)
	ada := s.browser(t)
	ada.set(t, "cart", 3)
	ada.atOnce(t, crowd, func(session *sessions.Session, _ int) { signInAs("ada")(session) })
	if user := ada.user(t); user != "ada" {
		t.Errorf("signed in: %v", user)
	}
}

// One of the concurrent renewals succeeds, and all requests write their changes.
func TestStore_SerializableRenewals(t *testing.T) {
	t.Parallel()
	s := newSerializableSite(t, func(o *sessionstore.Options) { o.RenewAfter = 30 * time.Minute })
	ada := s.browser(t)
	ada.signIn(t, "ada")
	old := ada.cookie(t)
	s.clock.advance(30 * time.Minute)
	ada.atOnce(t, crowd, func(session *sessions.Session, i int) { session.Values[i] = i })
	if ada.cookie(t) == old {
		t.Error("not renewed")
	}
	if got := ada.read(t); len(got) != crowd+1 || got["user_id"] != "ada" {
		t.Errorf("session holds %v", got)
	}
	s.wantRows(t, 2) // the session, and the trace at its old sid
}

// Changes, touches, sign-ins, sign-outs and Cleanup, all at once.
func TestStore_SerializableCleanup(t *testing.T) {
	t.Parallel()
	const dead = 60
	s := newSerializableSite(t)
	for range dead {
		s.browser(t).signIn(t, "bob")
	}
	s.clock.advance(idle)
	ada := s.browser(t)
	ada.signIn(t, "ada")
	var all group
	var deleted atomic.Int64
	for range 4 {
		all.Go(func() {
			for range dead / 5 {
				n, err := s.store.Cleanup(t.Context(), 7)
				if err != nil {
					t.Errorf("Cleanup: %v", err)
				}
				deleted.Add(int64(n))
				s.clock.advance(touchInterval / 10)
			}
		})
	}
	for i := range crowd {
		all.Go(func() {
			for _, handle := range []func(*sessions.Session){
				func(session *sessions.Session) { session.Values[i] = i }, nil,
			} {
				if v := ada.visit(t, handle); v.getErr != nil || v.saveErr != nil {
					t.Errorf("Get: %v, Save: %v", v.getErr, v.saveErr)
				}
			}
			eve := s.browser(t)
			for _, handle := range []func(*sessions.Session){signInAs("eve"), nil, signOut} {
				if v := eve.visit(t, handle); v.getErr != nil || v.saveErr != nil {
					t.Errorf("eve: Get: %v, Save: %v", v.getErr, v.saveErr)
				}
			}
		})
	}
	all.Wait()
	if deleted.Load() != dead {
		t.Errorf("deleted %d, want %d", deleted.Load(), dead)
	}
	if got := ada.read(t); len(got) != crowd+1 {
		t.Errorf("session holds %v", got)
	}
	s.wantRows(t, 1)
}
