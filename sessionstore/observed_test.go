package sessionstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// Failed operations are reported too, with a count of 0.
func TestStore_ObserveFailedWrites(t *testing.T) {
	onFailures(t, func(t *testing.T, s *site, f failure) {
		s, o := s.observed(t)
		ada := s.browser(t)
		ada.signIn(t, "ada")
		sid := ada.sid(t)
		failed := func(op, sid, user string) sessionstore.Event {
			return sessionstore.Event{Op: op, SID: sid, UserID: user, Err: sessionstore.ErrUnavailable}
		}
		release := s.trap(t, f, 1000)
		defer release()
		loaded := event(opLoad, sid, "ada", 1)
		o.take()
		ada.visit(t, func(session *sessions.Session) { session.Values["cart"] = 1 })
		o.wantFailed(t, "a change", loaded, failed(opSave, sid, "ada"))
		ada.visit(t, signOut)
		o.wantFailed(t, "a sign-out", loaded, failed(opEnd, sid, "ada"))
		s.clock.advance(touchInterval)
		ada.visit(t, nil)
		o.wantFailed(t, "a touch", loaded, failed(opTouch, "", ""))
		s.clock.advance(idle)
		_, _ = s.store.Cleanup(s.queries.context(t.Context()), 10)
		o.wantFailed(t, "Cleanup", failed(opCleanup, "", ""))
	}, failure{testdb.SQLite, "constraint"}, failure{testdb.PostgreSQL, "P0001"}, failure{testdb.MariaDB, "1644"})
}

// Metrics are widely readable, so events must contain neither cookie secrets nor
// signing secrets.
func TestStore_ObserveNoSecret(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t, func(opts *sessionstore.Options) { opts.MaxPerUser = 1 })
		ada, bob := s.browser(t), s.browser(t)
		var cookies []string
		keep := func(b *browser) { cookies = append(cookies, b.cookie(t)) }
		ada.set(t, "cart", 1)
		keep(ada)
		ada.signIn(t, "ada")
		keep(ada)
		ada.while(t, func(session *sessions.Session) { session.Values["a"] = 1 }, func() { ada.set(t, "b", 2) })
		s.clock.advance(touchInterval)
		ada.read(t)
		s.clock.advance(time.Second)
		bob.signIn(t, "ada") // over the limit: the other one ends
		keep(bob)
		ada.read(t)
		if err := revokeOne(s.queries.context(t.Context()), s.store, "ada", bob.sid(t)); err != nil {
			t.Error(err)
		}
		bob.while(t, func(session *sessions.Session) { session.Values["a"] = 1 }, func() { _ = s.conn.Close() })
		bob.visit(t, nil)
		events := o.take()
		if len(events) < 12 {
			t.Fatalf("only %d events", len(events))
		}
		for _, e := range events {
			wantNoSecret(t, fmt.Sprint(e)+fmt.Sprintf("%+v %#v", e, e), cookies)
		}
	})
}

func wantNoSecret(t *testing.T, text string, cookies []string) {
	t.Helper()
	for _, cookie := range cookies {
		for _, part := range strings.Split(cookie, ".")[1:] {
			if strings.Contains(text, part) {
				t.Errorf("%s: of cookie %s", text, cookie)
			}
		}
	}
	if strings.Contains(text, string(secret)) {
		t.Errorf("%s: the secret that signs", text)
	}
}
