package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)

// sessionRow is a session of GET /sessions.
type sessionRow struct {
	SID, Browser, System, Device, IP string
	Current                          bool
	Username                         *string
	UserID                           *string `json:"user_id"`
}

type sessionList struct {
	Sessions []sessionRow
	Next     *string
}

func listSessions(t *testing.T, client *testapp.Client, path string) sessionList {
	t.Helper()
	return get[sessionList](t, client, path)
}

// on signs a user in with a browser of that name.
func on(t *testing.T, app *testapp.App, username, agent string) *testapp.Client {
	t.Helper()
	client := app.Client(t)
	client.UserAgent = agent
	client.SignIn(username)
	return client
}

func sid(t *testing.T, client *testapp.Client) string {
	t.Helper()
	_, cookie := client.SessionCookie()
	return sidOf(cookie)
}

func TestSessions(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		first := on(t, app, "manager", iphone)
		here := on(t, app, "manager", firefox)
		last := on(t, app, "manager", "")
		admin := on(t, app, "admin", firefox)

		list := listSessions(t, here, "/sessions")
		if len(list.Sessions) != 3 || list.Next != nil || !list.Sessions[0].Current || list.Sessions[1].Current {
			t.Fatalf("%+v", list)
		}
		mine := list.Sessions[0]
		if mine.SID != sid(t, here) || mine.Browser != "Firefox 140" || mine.System != "Linux" || mine.Device != "computer" || mine.IP != "127.0.0.1" {
			t.Errorf("this one: %+v", mine)
		}
		if phone := list.Sessions[2]; phone.SID != sid(t, first) || phone.Browser != "Safari 18" || phone.System != "iOS" || phone.Device != "phone" {
			t.Errorf("the phone: %+v", phone)
		}
		page := here.HTML(http.MethodGet, "/sessions", nil)
		if !strings.Contains(page.Body, "This device") || !strings.Contains(page.Body, `aria-label="Sign out Safari 18 on iOS"`) {
			t.Errorf("the page:\n%s", page.Body)
		}

		// Somebody else's is not to be found, and stays.
		wantStatus(t, here.JSON(http.MethodDelete, "/sessions/"+sid(t, admin), nil), http.StatusNotFound)
		wantStatus(t, here.JSON(http.MethodDelete, "/sessions/nonsense", nil), http.StatusNotFound)
		wantSignedIn(t, admin, "admin")

		wantStatus(t, here.JSON(http.MethodDelete, "/sessions/"+sid(t, first), nil), http.StatusNoContent)
		wantAnonymous(t, first)
		wantStatus(t, here.JSON(http.MethodDelete, "/sessions/"+list.Sessions[2].SID, nil), http.StatusNotFound)
		r := here.HTML(http.MethodPost, "/sessions/"+sid(t, last), url.Values{"_method": {"DELETE"}})
		if to := r.Header.Get("Location"); to != "/sessions?notice=revoked_one" {
			t.Errorf("%d, sent to %q", r.StatusCode, to)
		}
		wantAnonymous(t, last)

		// The present one: that is to sign out.
		wantStatus(t, here.JSON(http.MethodDelete, "/sessions/"+mine.SID, nil), http.StatusNoContent)
		wantAnonymous(t, here)
		wantStatus(t, here.JSON(http.MethodGet, "/sessions", nil), http.StatusUnauthorized)
		wantStatus(t, here.JSON(http.MethodDelete, "/sessions/"+mine.SID, nil), http.StatusUnauthorized)
		if r := here.HTML(http.MethodGet, "/sessions", nil); r.Header.Get("Location") != "/signin?return_to=%2Fsessions" {
			t.Errorf("%d, sent to %q", r.StatusCode, r.Header.Get("Location"))
		}
	})
}

func TestSessions_Pages(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	for range 6 {
		app.Client(t).SignIn("manager")
	}
	client := on(t, app, "manager", firefox)
	seen := map[string]bool{}
	path := "/sessions?limit=3"
	for pages := 1; ; pages++ {
		list := listSessions(t, client, path)
		for _, s := range list.Sessions {
			if seen[s.SID] {
				t.Errorf("%s twice", s.SID)
			}
			seen[s.SID] = true
		}
		if list.Next == nil {
			break
		}
		if pages > 4 {
			t.Fatal("no end")
		}
		path = "/sessions?limit=3&after=" + *list.Next
	}
	if len(seen) != 7 {
		t.Errorf("%d sessions", len(seen))
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "after=x", "after=1.x", "after=%00"} {
		wantStatus(t, client.JSON(http.MethodGet, "/sessions?"+query, nil), http.StatusBadRequest)
	}
}

// An open page asks whether its session is alive, which is no use of it.
func TestSessions_Alive(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite, Extra: []string{"SESSION_IDLE_TIMEOUT=1m"}})
	client, other := on(t, app, "manager", firefox), on(t, app, "manager", iphone)
	execute(t, app, "UPDATE sessions SET last_seen_at = '2026-01-01 00:00:00+00:00'")
	r := client.Do(http.MethodGet, "/session/alive")
	wantStatus(t, r, http.StatusNoContent)
	wantNoNewCookie(t, r)
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", r.Header.Get("Cache-Control"))
	}
	var touched int
	query(t, app, &touched, "SELECT COUNT(*) FROM sessions WHERE last_seen_at > '2026-01-02'")
	if touched != 0 {
		t.Errorf("%d sessions were touched", touched)
	}
	wantStatus(t, other.JSON(http.MethodDelete, "/sessions", nil), http.StatusOK)
	wantStatus(t, client.Do(http.MethodGet, "/session/alive"), http.StatusUnauthorized)
	wantStatus(t, app.Client(t).Do(http.MethodGet, "/session/alive"), http.StatusUnauthorized)
	if log := app.Log(); strings.Contains(log, "path=/session/alive status=204") || !strings.Contains(log, "path=/session/alive status=401") {
		t.Errorf("want lines of what a page learns, and none of each time it asks:\n%s", log)
	}
}
