package e2e

import (
	"net/http"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// Anonymous visitors get no session row and no cookie.
func TestAnonymous(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine, Extra: []string{"LOG_LEVEL=warn"}})
		visits := map[string]int{"/": 200, "/signin": 200, "/signin?notice=signed-out": 200, "/missing": 404, "/assets/app.css": 200}
		const workers, rounds = 4, 50 // 1000 visits
		var running sync.WaitGroup
		for range workers {
			client := app.Client(t)
			running.Go(func() {
				for range rounds {
					visit(t, client, visits)
				}
			})
		}
		running.Wait()
		if n := countSessions(t, app); n != 0 {
			t.Errorf("%d sessions, want 0", n)
		}
	})
}

// visit opens every page once. It does not call t.Fatal, so that any goroutine can
// call it.
func visit(t *testing.T, client *testapp.Client, visits map[string]int) {
	for path, status := range visits {
		r, err := client.Try(http.MethodGet, path, testapp.Header("Accept", "text/html"))
		if err != nil {
			t.Error(err)
			return
		}
		if r.StatusCode != status || len(r.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("GET %s = %d, Set-Cookie %q; want %d without cookies", path, r.StatusCode, r.Header.Values("Set-Cookie"), status)
		}
	}
}
