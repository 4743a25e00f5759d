package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
)

// logEntries returns the lines of a JSON log that belong to a request. It waits for the
// request's own line, which is the last one.
func logEntries(t *testing.T, app *testapp.App, r *testapp.Response) (entries []map[string]any) {
	t.Helper()
	id := r.Header.Get("X-Request-Id")
	testapp.Poll(t, "log the request", func() bool {
		entries = nil
		for line := range strings.Lines(app.Log()) {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err == nil && entry["request_id"] == id {
				entries = append(entries, entry)
			}
		}
		return len(entries) > 0 && entries[len(entries)-1]["msg"] == "request"
	})
	return entries
}

// TestLog_ASVS_16_3_2_Refusals checks that each refused request leaves one event with
// who, what and where.
func TestLog_ASVS_16_3_2_Refusals(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"LOG_FORMAT=json"}})
	member, admin := on(t, app, "manager", firefox), on(t, app, "admin", firefox)
	memberID, memberSID := findUser(t, admin, "manager").ID, sid(t, member)
	otherSID := sid(t, admin)
	for _, c := range []struct {
		reason, method, path string
		user                 string
		options              []testapp.RequestOption
		client               *testapp.Client
		status               int
	}{
		{"not_an_administrator", "GET", "/admin/users", memberID, nil, member, http.StatusNotFound},
		{"not_own_or_unknown", "DELETE", "/sessions/" + otherSID, memberID, nil, member, http.StatusNotFound},
		{"not_own_or_unknown", "GET", "/sessions/" + otherSID, memberID, nil, member, http.StatusNotFound},
		{"not_own_or_unknown", "DELETE", "/identities/1", memberID, nil, member, http.StatusNotFound},
		{"cross_origin", "DELETE", "/session", memberID, crossSite, member, http.StatusForbidden},
		{"invalid_token", "GET", "/session", "", []testapp.RequestOption{testapp.Header("Authorization", "Bearer x.y.z")}, app.Client(t), http.StatusUnauthorized},
		{"token_not_allowed", "GET", "/auth/bypass", "", []testapp.RequestOption{testapp.Header("Authorization", "Bearer x.y.z")}, app.Client(t), http.StatusBadRequest},
	} {
		r := c.client.Do(c.method, c.path, c.options...)
		wantStatus(t, r, c.status)
		want := map[string]any{"event": "access.refused", "reason": c.reason, "method": c.method, "path": c.path, "ip": "127.0.0.1", "user": c.user, "sid": memberSID}
		if c.user == "" {
			want["user"], want["sid"] = nil, nil
		}
		wantOneEvent(t, app, r, want)
	}
}

// wantOneEvent checks the only audit event of a request.
func wantOneEvent(t *testing.T, app *testapp.App, r *testapp.Response, want map[string]any) {
	t.Helper()
	var events []map[string]any
	for _, entry := range logEntries(t, app, r) {
		if entry["msg"] == "audit" {
			events = append(events, entry)
		}
	}
	if len(events) != 1 {
		t.Errorf("%s %s: %d events, want one: %v", r.Request.Method, r.Request.URL.Path, len(events), events)
		return
	}
	for name, value := range want {
		if got := events[0][name]; got != value && !(value == nil && got == nil) {
			t.Errorf("%s %s: %s = %v, want %v", r.Request.Method, r.Request.URL.Path, name, got, value)
		}
	}
}

// TestLog_ASVS_16_3_2_Stale checks the event of a request that needs a recent sign-in,
// for programs and in a browser.
func TestLog_ASVS_16_3_2_Stale(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"LOG_FORMAT=json"}})
	client := on(t, app, "manager", firefox)
	staleSignIns(t, app)
	for _, r := range []*testapp.Response{client.JSON(http.MethodDelete, "/sessions", nil), client.HTML(http.MethodPost, "/sessions", deletion)} {
		wantOneEvent(t, app, r, map[string]any{"event": "access.refused", "reason": "sign_in_not_recent", "sid": sid(t, client)})
	}
}

// TestLog_ASVS_16_3_3_Bypass checks that attempts at the development sign-in are logged
// where it is off.
func TestLog_ASVS_16_3_3_Bypass(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Env: config.Production})
	for _, r := range []*testapp.Response{
		app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=admin", nil),
		app.Client(t).HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {"admin"}}),
	} {
		wantStatus(t, r, http.StatusNotFound)
		wantOneEvent(t, app, r, map[string]any{"event": "access.refused", "reason": "development_sign_in_off", "path": "/auth/bypass", "ip": "127.0.0.1"})
	}
}

// TestLog_Caller checks that the line of each request names the user and the session,
// also of the requests that sign in and out.
func TestLog_Caller(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"LOG_FORMAT=json"}})
	client := app.Client(t)
	signIn := client.SignIn("admin")
	var admin user
	signIn.Decode(t, &admin)
	sid := sid(t, client)
	for _, r := range []*testapp.Response{signIn, client.JSON(http.MethodGet, "/session", nil), client.JSON(http.MethodDelete, "/session", nil)} {
		for _, entry := range logEntries(t, app, r) {
			if entry["msg"] == "request" && (entry["user"] != admin.ID || entry["sid"] != sid) {
				t.Errorf("%s %s: the line names %v, %v, want %s, %s", r.Request.Method, r.Request.URL.Path, entry["user"], entry["sid"], admin.ID, sid)
			}
		}
	}
	anonymous := app.Client(t).JSON(http.MethodGet, "/session", nil)
	for _, entry := range logEntries(t, app, anonymous) {
		if entry["user"] != nil {
			t.Errorf("an anonymous request is logged with the user %v", entry["user"])
		}
	}
}

// TestLog_TokenInPath checks that a token which someone put into a path is not logged
// and not stored (ASVS 5.0 16.2.5).
func TestLog_TokenInPath(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"LOG_FORMAT=json"}})
	client := on(t, app, "admin", firefox)
	_, cookie := client.SessionCookie()
	secret := strings.Split(cookie, ".")[1]
	for _, path := range []string{"/" + cookie, "/sessions/" + cookie, "/auth/" + cookie + "/callback", "/auth/bypass?token=" + cookie} {
		client.JSON(http.MethodGet, path, nil)
	}
	client.UserAgent = "curl " + cookie
	client.SignIn("admin")
	if strings.Contains(app.Log(), secret) {
		t.Error("the log contains the secret of a session")
	}
	if !strings.Contains(app.Log(), sidOf(cookie)+".…") {
		t.Error("the log does not contain the session's sid")
	}
	var rows int
	query(t, app, &rows, "SELECT COUNT(*) FROM events WHERE user_agent LIKE ? OR detail LIKE ?", "%"+secret+"%", "%"+secret+"%")
	if rows != 0 {
		t.Errorf("%d events contain the secret of a session", rows)
	}
}
