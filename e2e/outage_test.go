package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// Users stay signed in when the database server is killed under load and restarted.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines()[1:] { // SQLite has no server
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			server := testdb.Start(t, engine)
			app := testapp.Start(t, testapp.Options{DatabaseURL: server.NewURL(t)})
			load := startLoad(t, app, "admin", "contributor", "manager", "user")
			load.await(http.StatusOK)

			server.Kill(t)
			load.await(http.StatusServiceUnavailable)
			testDuringOutage(t, app, load.visitors[0])

			server.Restart(t)
			load.await(http.StatusOK)
			load.stop()
			for _, v := range load.visitors {
				if _, cookie := v.client.SessionCookie(); cookie != v.cookie {
					t.Errorf("%s: session cookie = %q, want it unchanged", v.username, cookie)
				}
				wantSignedIn(t, v.client, v.username)
			}
		})
	}
}

// While the database server does not respond, as in a network failure, requests that
// need it time out with a 503, and users stay signed in.
func TestDatabaseHangs(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines()[1:] {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			server := testdb.Start(t, engine)
			app := testapp.Start(t, testapp.Options{DatabaseURL: server.NewURL(t)})
			client := app.Client(t)
			client.SignIn("admin")
			server.Freeze(t)
			for _, path := range []string{"/session", "/readyz"} {
				wantUnavailable(t, client.JSON(http.MethodGet, path, nil))
			}
			server.Thaw(t)
			testapp.Poll(t, "waiting for /readyz after the thaw", func() bool {
				return app.Client(t).JSON(http.MethodGet, "/readyz", nil).StatusCode == http.StatusOK
			})
			wantSignedIn(t, client, "admin")
		})
	}
}

// testDuringOutage sends the requests that the load does not send.
func testDuringOutage(t *testing.T, app *testapp.App, v *visitor) {
	client := withCookie(t, app, v.name, v.cookie)
	anonymous := app.Client(t)
	for what, r := range map[string]*testapp.Response{
		"page":                client.HTML(http.MethodGet, "/session", nil),
		"home":                client.HTML(http.MethodGet, "/", nil),
		"missing page":        client.HTML(http.MethodGet, "/missing", nil),
		"missing, JSON":       client.JSON(http.MethodGet, "/missing", nil),
		"wrong method":        client.JSON(http.MethodPut, "/session", nil),
		"sign out":            client.JSON(http.MethodDelete, "/session", nil),
		"sign out, page":      client.HTML(http.MethodPost, "/session", url.Values{"_method": {"DELETE"}}),
		"sign in again":       client.JSON(http.MethodPost, "/auth/bypass", map[string]string{"token": "user"}),
		"sign in":             anonymous.JSON(http.MethodGet, "/auth/bypass?token=user", nil),
		"sign in, page":       anonymous.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {"user"}}),
		"ready":               anonymous.JSON(http.MethodGet, "/readyz", nil),
		"ready with a cookie": client.JSON(http.MethodGet, "/readyz", nil),
	} {
		t.Run(what, func(t *testing.T) { wantUnavailable(t, r) })
	}
	if _, cookie := client.SessionCookie(); cookie != v.cookie {
		t.Errorf("session cookie = %q, want it unchanged", cookie)
	}
	for path, want := range map[string]int{"/": 200, "/signin": 200, "/session": 401, "/missing": 404, "/assets/app.css": 200, "/healthz": 200} {
		wantStatus(t, anonymous.JSON(http.MethodGet, path, nil), want)
	}
	wantStatus(t, client.JSON(http.MethodGet, "/healthz", nil), http.StatusOK)
	wantStatus(t, client.JSON(http.MethodGet, "/assets/app.css", nil), http.StatusOK)
	forged := withCookie(t, app, v.name, flip(v.cookie))
	wantStatus(t, forged.JSON(http.MethodGet, "/session", nil), http.StatusUnauthorized) // rejected without a query
}

// wantUnavailable checks that r is a 503 that does not change the cookie.
func wantUnavailable(t *testing.T, r *testapp.Response) {
	t.Helper()
	wantStatus(t, r, http.StatusServiceUnavailable)
	if r.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s: Retry-After is missing", r.Request.Method, r.Request.URL.Path)
	}
	if cookies := r.Header.Values("Set-Cookie"); len(cookies) > 0 {
		t.Errorf("Set-Cookie = %q, want none", cookies)
	}
	wantSecurityHeaders(t, r, false)
	wantNothingInternal(t, r)
	if strings.Contains(r.Request.Header.Get("Accept"), "html") {
		wantPage(t, r)
	} else {
		wantProblem(t, r)
	}
}

// load repeatedly sends GET /session for each visitor.
type load struct {
	t        *testing.T
	visitors []*visitor
	done     chan struct{}
	running  sync.WaitGroup
}

type visitor struct {
	client                 *testapp.Client
	username, name, cookie string // name and cookie are the cookie's name and value

	mu     sync.Mutex
	status int // of the last response
}

const (
	workersPerUser  = 3
	requestInterval = 5 * time.Millisecond // in each worker
)

// startLoad signs the users in and sends requests until stop or the end of the test.
func startLoad(t *testing.T, app *testapp.App, usernames ...string) *load {
	t.Helper()
	l := &load{t: t, done: make(chan struct{})}
	for _, username := range usernames {
		v := &visitor{client: app.Client(t), username: username}
		v.client.SignIn(username)
		v.name, v.cookie = v.client.SessionCookie()
		l.visitors = append(l.visitors, v)
		for range workersPerUser {
			l.running.Go(func() { l.work(v) })
		}
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) stop() {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	l.running.Wait()
}

func (l *load) work(v *visitor) {
	ticker := time.NewTicker(requestInterval)
	defer ticker.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-ticker.C:
		}
		if r, err := v.client.Try(http.MethodGet, "/session", testapp.Header("Accept", "application/json")); err != nil {
			l.t.Errorf("%s: %v", v.username, err)
		} else {
			l.check(v, r)
		}
	}
}

// check checks a response to a signed-in user.
func (l *load) check(v *visitor, r *testapp.Response) {
	switch r.StatusCode {
	case http.StatusServiceUnavailable:
		if r.Header.Get("Retry-After") == "" {
			l.t.Errorf("GET /session as %s = 503 without Retry-After", v.username)
		}
	case http.StatusOK:
		if !strings.Contains(r.Body, `"`+v.username+`"`) {
			l.t.Errorf("GET /session as %s returned another user: %s", v.username, r.Body)
		}
	default:
		l.t.Errorf("GET /session as %s = %d, want 200 or 503: %s", v.username, r.StatusCode, r.Body)
	}
	if len(r.Cookies()) > 0 {
		l.t.Errorf("GET /session as %s = %d with a cookie, want none", v.username, r.StatusCode)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status = r.StatusCode
}

// await waits until the last response to each user has the status.
func (l *load) await(status int) {
	l.t.Helper()
	testapp.Poll(l.t, http.StatusText(status), func() bool {
		return !slices.ContainsFunc(l.visitors, func(v *visitor) bool {
			v.mu.Lock()
			defer v.mu.Unlock()
			return v.status != status
		})
	})
}
