//go:build go1.25

package sessionstore_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// Run writes every few seconds, not only when it stops. Run uses synctest's clock
// here, so the test must not use the network.
func TestStore_RunWritesFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{clock: &clock{now: midday}, conn: testdb.Migrated(t, testdb.NewURL(t, testdb.SQLite))}
		store, err := sessionstore.New(s.conn, sessionstore.Options{Secrets: [][]byte{secret}, Now: s.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go store.Run(ctx)
		r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		session, _ := store.Get(r, cookieName)
		session.Values["cart"] = 1
		if err := session.Save(r, w); err != nil {
			t.Fatal(err)
		}
		s.clock.advance(touchInterval)
		synctest.Wait() // until Run waits
		r = httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(w.Result().Cookies()[0])
		if _, err := store.Get(r, cookieName); err != nil {
			t.Fatal(err)
		}
		if row := s.row(t, session.ID); !row.LastSeenAt.Equal(at(0)) {
			t.Errorf("last seen %v: written on the request's path", row.LastSeenAt)
		}
		time.Sleep(10 * time.Second) // of the bubble, which pass at once
		synctest.Wait()
		if row := s.row(t, session.ID); !row.LastSeenAt.Equal(at(touchInterval)) {
			t.Errorf("last seen %v: Run has not written", row.LastSeenAt)
		}
	})
}
