package sessionstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// onEveryServer runs a test on a site whose database server can be killed.
func onEveryServer(t *testing.T, test func(t *testing.T, server *testdb.Server, s *site)) {
	for _, engine := range []testdb.Engine{testdb.PostgreSQL, testdb.MariaDB} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			server := testdb.Start(t, engine)
			test(t, server, newSite(t, server.NewURL(t)))
		})
	}
}

// wantUnavailable checks a visit whose session could not be loaded. The response
// must not change the cookie.
func wantUnavailable(t *testing.T, doing string, v visit) {
	t.Helper()
	if !errors.Is(v.getErr, sessionstore.ErrUnavailable) || !errors.Is(v.saveErr, sessionstore.ErrUnavailable) {
		t.Errorf("%s: Get: %v, Save: %v; want ErrUnavailable", doing, v.getErr, v.saveErr)
	}
	if v.session == nil || !errors.Is(sessionstore.Err(v.session), sessionstore.ErrUnavailable) {
		t.Errorf("%s: session %v, Err: %v", doing, v.session, sessionstore.Err(v.session))
	}
	if len(v.cookies) != 0 {
		t.Errorf("%s: set %v", doing, v.cookies)
	}
}

func TestStore_DatabaseAway(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server *testdb.Server, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "cart", 3)
		cookie := ada.cookie(t)
		server.Kill(t)
		for doing, handle := range map[string]func(*sessions.Session){
			"Read":    nil,
			"Write":   func(session *sessions.Session) { session.Values["cart"] = 4 },
			"SignIn":  signInAs("bob"),
			"SignOut": signOut,
		} {
			wantUnavailable(t, doing, ada.visit(t, handle))
		}
		if v := s.browser(t).visit(t, signInAs("bob")); v.getErr != nil || !errors.Is(v.saveErr, sessionstore.ErrUnavailable) || len(v.cookies) != 0 {
			t.Errorf("somebody new: Get: %v, Save: %v, cookies %v", v.getErr, v.saveErr, v.cookies)
		}
		server.Restart(t)
		if got := ada.read(t); got["user_id"] != "ada" || got["cart"] != 3 {
			t.Errorf("when the database is back the session holds %v", got)
		}
		ada.set(t, "cart", 5)
		if ada.cookie(t) != cookie {
			t.Error("the cookie was touched")
		}
		s.wantRows(t, 1)
	})
}

// The database fails between loading and saving the session.
func TestStore_DatabaseAwayMeanwhile(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server *testdb.Server, s *site) {
		changes := map[string]func(*sessions.Session){
			"Write":   func(session *sessions.Session) { session.Values["cart"] = 4 },
			"SignIn":  signInAs("ada"),
			"SignOut": signOut,
		}
		for doing, handle := range changes {
			ada := s.browser(t)
			ada.signIn(t, "ada")
			v := ada.while(t, handle, func() { server.Kill(t) })
			if v.getErr != nil || !errors.Is(v.saveErr, sessionstore.ErrUnavailable) || len(v.cookies) != 0 {
				t.Errorf("%s: Get: %v, Save: %v, cookies %v", doing, v.getErr, v.saveErr, v.cookies)
			}
			server.Restart(t)
			if got := ada.read(t); got["user_id"] != "ada" || len(got) != 1 {
				t.Errorf("%s: when the database is back the session holds %v", doing, got)
			}
		}
	})
}

// The cause of an error is visible to the caller. Here, the client canceled the
// request.
func TestStore_RequestCancelled(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := newRequest(t).WithContext(ctx)
		r.Header.Set("Cookie", cookieName+"="+ada.cookie(t))
		_, err := s.store.Get(r, cookieName)
		if !errors.Is(err, sessionstore.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("Get: %v", err)
		}
	})
}

// After a failed load, the same request keeps returning the error.
func TestStore_UnavailableForAllOfTheRequest(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		header := cookieName + "=" + ada.cookie(t)
		if err := s.conn.Close(); err != nil {
			t.Fatal(err)
		}
		r := newRequest(t)
		r.Header.Set("Cookie", header)
		for range 2 {
			session, err := s.store.Get(r, cookieName)
			if !errors.Is(err, sessionstore.ErrUnavailable) || !errors.Is(sessionstore.Err(session), sessionstore.ErrUnavailable) || len(session.Values) != 0 {
				t.Errorf("Get: %v, %v", session, err)
			}
		}
		ctx := t.Context()
		cookie := header[len(cookieName)+1:]
		_, listErr := list(ctx, s.store, "ada", 1)
		_, listAllErr := listAll(ctx, s.store, 1)
		sid := strings.Split(cookie, ".")[0]
		_, _, findErr := s.store.Inspect(ctx, sid)
		_, countErr := countAll(ctx, s.store)
		_, cleanupErr := s.store.Cleanup(ctx, 1)
		revokeErr := revokeSID(ctx, s.store, sid)
		_, revokeAllErr := s.store.RevokeAll(ctx)
		for _, err := range []error{listErr, listAllErr, findErr, countErr, cleanupErr, revokeErr, revokeAllErr} {
			if !errors.Is(err, sessionstore.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
		}
	})
}
