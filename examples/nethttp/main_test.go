package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// onBothEngines runs the test on each database whose URL Pop accepts unchanged.
func onBothEngines(t *testing.T, test func(t *testing.T, h http.Handler, conn *pop.Connection)) {
	for _, engine := range []testdb.Engine{testdb.SQLite, testdb.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			conn, err := open(testdb.NewURL(t, engine))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{make([]byte, 32)}})
			if err != nil {
				t.Fatal(err)
			}
			test(t, routes(store), conn)
		})
	}
}

// get returns the status, the body, and the cookie for the next request.
func get(t *testing.T, h http.Handler, path, cookie string) (status int, answer map[string]any, next string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Errorf("%s: %v in %s", path, err, w.Body)
	}
	next = cookie
	if set := w.Header().Get("Set-Cookie"); set != "" {
		next, _, _ = strings.Cut(set, ";")
	}
	return w.Code, answer, next
}

func TestSignInAndOut(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h http.Handler, _ *pop.Connection) {
		if status, _, cookie := get(t, h, "/me", ""); status != http.StatusUnauthorized || cookie != "" {
			t.Errorf("a stranger: %d, cookie %q", status, cookie)
		}
		if status, _, cookie := get(t, h, "/auth/bypass?token=eve", ""); status != http.StatusUnauthorized || cookie != "" {
			t.Errorf("eve: %d, cookie %q", status, cookie)
		}
		_, _, cookie := get(t, h, "/auth/bypass?token=admin", "")
		status, me, same := get(t, h, "/me", cookie)
		if status != http.StatusOK || me["username"] != "admin" || me["id"] != "1" || same != cookie {
			t.Errorf("/me: %d %v", status, me)
		}
		if _, _, left := get(t, h, "/logout", cookie); left != "session=" {
			t.Errorf("after signing out the cookie is %q", left)
		}
		if status, _, _ := get(t, h, "/me", cookie); status != http.StatusUnauthorized {
			t.Errorf("the old cookie: %d", status)
		}
	})
}

// Sixteen concurrent requests that each set a key of the same session.
func TestSet_LosesNothing(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h http.Handler, _ *pop.Connection) {
		_, _, cookie := get(t, h, "/auth/bypass?token=admin", "")
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				if status, _, _ := get(t, h, fmt.Sprintf("/set?k=key%d", i), cookie); status != http.StatusOK {
					t.Errorf("/set: %d", status)
				}
			})
		}
		all.Wait()
		if _, keys, _ := get(t, h, "/set", cookie); len(keys) != 2+16 {
			t.Errorf("%d keys of 18 are there: %v", len(keys), keys)
		}
	})
}

func TestExpired(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h http.Handler, conn *pop.Connection) {
		_, _, cookie := get(t, h, "/auth/bypass?token=admin", "")
		if err := conn.RawQuery("UPDATE sessions SET expires_at = '2020-01-01 00:00:00'").Exec(); err != nil {
			t.Fatal(err)
		}
		if status, _, _ := get(t, h, "/me", cookie); status != http.StatusUnauthorized {
			t.Errorf("expired, not yet deleted: %d", status)
		}
		if status, _, _ := get(t, h, "/admin/cleanup", ""); status != http.StatusOK {
			t.Errorf("cleanup: %d", status)
		}
		if n, err := conn.Count("sessions"); n != 0 || err != nil {
			t.Errorf("%d rows left, %v", n, err)
		}
	})
}

func TestAway(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h http.Handler, conn *pop.Connection) {
		_, _, cookie := get(t, h, "/auth/bypass?token=admin", "")
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		if status, _, same := get(t, h, "/me", cookie); status != http.StatusServiceUnavailable || same != cookie {
			t.Errorf("the database away: %d, cookie %q", status, same)
		}
	})
}
