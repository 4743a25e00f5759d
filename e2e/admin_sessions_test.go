package e2e

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// adminSite is an app where an administrator and two users are signed in.
type adminSite struct {
	app                        *testapp.App
	admin, phone, laptop, user *testapp.Client // manager has the sessions phone and laptop
	managerID                  string
}

func newAdminSite(t *testing.T, engine testdb.Engine) *adminSite {
	t.Helper()
	app := testapp.Start(t, testapp.Options{Engine: engine})
	s := &adminSite{app: app, admin: on(t, app, "admin", firefox)}
	s.phone, s.laptop, s.user = on(t, app, "manager", iphone), on(t, app, "manager", firefox), on(t, app, "user", firefox)
	s.managerID = findUser(t, s.admin, "manager").ID
	return s
}

func TestAdmin_Sessions(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		s := newAdminSite(t, engine)
		s.testSearch(t)
		s.testPaging(t)
		phoneSID := sid(t, s.phone)
		s.testRevokeOne(t)
		s.testRevokeUser(t)
		s.testRevokeAll(t)
		s.testEvents(t, phoneSID)
		s.testRevokeUnreadable(t)
	})
}

func (s *adminSite) testSearch(t *testing.T) {
	for query, want := range map[string]int{
		"": 4, "user=manager": 2, "user=MANAGER": 2, "user=" + s.managerID: 2, "user=unknown": 0, "user=%00": 0, "ip=127.0.0.1": 4, "ip=192.0.2.1": 0, "ip=%ff%00": 0,
		"ip=%20127.0.0.1%20": 4, "ip=::ffff:127.0.0.1": 4, "user=%20manager%20": 2, "method=%20bypass%20": 4, // pasted with spaces
		"method=bypass": 4, "method=github": 0, "state=signed-in": 4, "state=anonymous": 0, "user=manager&method=bypass&state=signed-in&ip=127.0.0.1": 2,
	} {
		if list := listSessions(t, s.admin, "/admin/sessions?"+query); len(list.Sessions) != want {
			t.Errorf("GET /admin/sessions?%s: %d sessions, want %d", query, len(list.Sessions), want)
		}
	}
	for _, query := range []string{"state=dead", "limit=0", "after=x"} {
		wantStatus(t, s.admin.JSON(http.MethodGet, "/admin/sessions?"+query, nil), http.StatusBadRequest)
	}
	page := s.admin.HTML(http.MethodGet, "/admin/sessions?user=manager", nil)
	if !strings.Contains(page.Body, "Safari 18 on iOS") || !strings.Contains(page.Body, "user="+s.managerID) {
		t.Errorf("the page lacks the device, or a link to the user's sessions:\n%s", page.Body)
	}
	if page := s.admin.HTML(http.MethodGet, "/admin/sessions?user=unknown", nil); strings.Contains(page.Body, "/admin/sessions/end") {
		t.Errorf("a search without results offers to revoke sessions:\n%s", page.Body)
	}
}

func (s *adminSite) testPaging(t *testing.T) {
	first := listSessions(t, s.admin, "/admin/sessions?limit=3&user=")
	if len(first.Sessions) != 3 || first.Next == nil || *first.Sessions[0].Username != "user" {
		t.Fatalf("first page = %+v, want 3 sessions, the first of user, and a next page", first)
	}
	if rest := listSessions(t, s.admin, "/admin/sessions?limit=3&after="+*first.Next); len(rest.Sessions) != 1 || rest.Next != nil || !rest.Sessions[0].Current {
		t.Errorf("second page = %+v, want only the current session", rest)
	}
	page := s.admin.HTML(http.MethodGet, "/admin/sessions?user=manager&limit=1", nil)
	more := nextPage.FindStringSubmatch(page.Body)
	if more == nil || !strings.Contains(more[1], "user=manager") {
		t.Fatalf("link to the next page = %q, want one with user=manager:\n%s", more, page.Body)
	}
	if rest := listSessions(t, s.admin, html.UnescapeString(more[1])); len(rest.Sessions) != 1 || *rest.Sessions[0].Username != "manager" {
		t.Errorf("next page = %+v, want one session of manager", rest)
	}
}

func (s *adminSite) testRevokeOne(t *testing.T) {
	wantStatus(t, s.admin.JSON(http.MethodDelete, "/admin/sessions/"+sid(t, s.phone), nil), http.StatusNoContent)
	wantAnonymous(t, s.phone)
	wantStatus(t, s.admin.JSON(http.MethodDelete, "/admin/sessions/"+s.phone.Cookies()["none"]+"x", nil), http.StatusNotFound)
}

func (s *adminSite) testRevokeUser(t *testing.T) {
	page := s.admin.HTML(http.MethodGet, "/admin/sessions/end?user="+s.managerID, nil)
	wantContains(t, page, "manager has 1 live session")
	wantForm(t, page, "/admin/sessions", url.Values{"_method": {"DELETE"}, "user": {s.managerID}})
	if n := get[struct{ Count int }](t, s.admin, "/admin/sessions/end?user="+s.managerID).Count; n != 1 {
		t.Errorf("%d sessions would be revoked, want 1", n)
	}
	wantRevoked(t, s.admin, "user="+s.managerID, 1)
	wantAnonymous(t, s.laptop)
	wantSignedIn(t, s.user, "user")
	for _, query := range []string{"", "user=" + s.managerID + "&all=true", "all=yes"} {
		wantStatus(t, s.admin.JSON(http.MethodDelete, "/admin/sessions?"+query, nil), http.StatusBadRequest)
	}
	wantStatus(t, s.admin.JSON(http.MethodDelete, "/admin/sessions?user=unknown", nil), http.StatusNotFound)
}

func (s *adminSite) testRevokeAll(t *testing.T) {
	page := s.admin.HTML(http.MethodGet, "/admin/sessions/end?all=true", nil)
	wantContains(t, page, "There are 2 live sessions")
	wantForm(t, page, "/admin/sessions", url.Values{"_method": {"DELETE"}, "all": {"true"}})
	wantRevoked(t, s.admin, "all=true", 2)
	wantAnonymous(t, s.user)
	wantAnonymous(t, s.admin)
}

// testEvents checks that the steps before recorded events for the user.
func (s *adminSite) testEvents(t *testing.T, phoneSID string) {
	s.laptop = on(t, s.app, "manager", firefox)
	kinds, sids := map[string]int{}, ""
	for _, e := range listEvents(t, s.laptop, "/events").Events {
		if e.Detail == "by_admin" && e.ByAdmin && e.Notable {
			kinds[e.Kind] += e.Sessions
			sids += e.SID
		}
	}
	if kinds["session.ended"] != 2 || sids != phoneSID {
		t.Errorf("sessions by kind = %v with sids %q, want 2 in session.ended with sid %s", kinds, sids, phoneSID)
	}
	var all int
	query(t, s.app, &all, "SELECT sessions FROM events WHERE user_id IS NULL AND actor_id IS NOT NULL")
	if all != 2 {
		t.Errorf("event about all sessions: sessions = %d, want 2", all)
	}
}

// testRevokeUnreadable revokes a session whose values cannot be decoded, and then all
// sessions of its user with the form on the page.
func (s *adminSite) testRevokeUnreadable(t *testing.T) {
	s.admin = on(t, s.app, "admin", firefox)
	execute(t, s.app, "UPDATE sessions SET data = 'x' WHERE sid = ?", sid(t, s.laptop))
	wantStatus(t, s.admin.JSON(http.MethodDelete, "/admin/sessions/"+sid(t, s.laptop), nil), http.StatusNoContent)
	r := s.admin.HTML(http.MethodPost, "/admin/sessions", url.Values{"_method": {http.MethodDelete}, "user": {s.managerID}})
	wantLocation(t, r, "/admin/sessions?notice=revoked_all")
}

func wantRevoked(t *testing.T, admin *testapp.Client, query string, want int) {
	t.Helper()
	var response struct{ Ended int }
	r := admin.JSON(http.MethodDelete, "/admin/sessions?"+query, nil)
	wantStatus(t, r, http.StatusOK)
	if r.Decode(t, &response); response.Ended != want {
		t.Errorf("DELETE /admin/sessions?%s: ended = %d, want %d", query, response.Ended, want)
	}
}

// The form shows the sign-in methods by name. After a search there is no button for
// all sessions, because it would seem to mean only the sessions found.
func TestAdmin_SearchForm(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"GITHUB_KEY=k", "GITHUB_SECRET=s"}})
	admin := on(t, app, "admin", firefox)
	const allSessions = `href="/admin/sessions/end?all=true"`
	page := admin.HTML(http.MethodGet, "/admin/sessions?user=&ip=&method=&state=", nil)
	for _, part := range []string{allSessions, `<option value="bypass">Development sign-in</option>`, `<option value="token">Access token</option>`, `<option value="github">GitHub</option>`} {
		if !strings.Contains(page.Body, part) {
			t.Errorf("the form lacks %s:\n%s", part, page.Body)
		}
	}
	for query, selected := range map[string]string{
		"method=%20github%20": `<option value="github" selected>GitHub</option>`,
		"method=google":       `<option value="google" selected>Google</option>`, // not configured
		"method=%22%3E":       `<option value="&#34;&gt;" selected>`,
		"state=signed-in":     `<option value="signed-in" selected>`,
		"ip=127.0.0.1":        `value="127.0.0.1"`,
	} {
		page := admin.HTML(http.MethodGet, "/admin/sessions?"+query, nil)
		if !strings.Contains(page.Body, selected) || strings.Contains(page.Body, allSessions) {
			t.Errorf("?%s: the form does not keep %s, or offers to revoke all sessions:\n%s", query, selected, page.Body)
		}
	}
}

// After an administrator revokes one of the sessions found, the page still shows the
// others.
func TestAdmin_RevokeAfterSearch(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	admin := on(t, app, "admin", firefox)
	for page, want := range map[string]string{
		"/admin/sessions":                                 "/admin/sessions?notice=revoked_one",
		"/admin/sessions?notice=revoked_one":              "/admin/sessions?notice=revoked_one",
		"/admin/sessions?user=a%26b&state=":               "/admin/sessions?state=&user=a%26b&notice=revoked_one",
		"/admin/sessions?ip=192.0.2.1&notice=revoked_one": "/admin/sessions?ip=192.0.2.1&notice=revoked_one",
		"/admin/users?q=m":                                "/admin/sessions?notice=revoked_one",
		"/admin/sessions/end?all=true":                    "/admin/sessions?notice=revoked_one",
		"/sessions?after=x":                               "/admin/sessions?notice=revoked_one",
		"/signin?return_to=/admin/sessions?user=manager":  "/admin/sessions?notice=revoked_one",
	} {
		r := postFrom(admin, app, page, "/admin/sessions/"+sid(t, on(t, app, "manager", iphone)), deletion)
		if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || to != want {
			t.Errorf("revoke from %s = %d, Location %q; want %d, %q", page, r.StatusCode, to, http.StatusSeeOther, want)
		}
	}
	r := postFrom(admin, app, "/sessions?limit=2", "/sessions/"+sid(t, on(t, app, "admin", iphone)), deletion)
	const want = "/sessions?limit=2&notice=revoked_one"
	if to := r.Header.Get("Location"); to != want {
		t.Errorf("revoke from /sessions?limit=2 = %d, Location %q; want %q", r.StatusCode, to, want)
	}
}

// Searching for a user ID finds that user, even if another user has it as username.
func TestAdmin_UsernameLikeID(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
	id := findUser(t, admin, "admin").ID
	wantStatus(t, member.JSON(http.MethodPatch, "/account", map[string]string{"username": id}), http.StatusOK)
	list := listSessions(t, admin, "/admin/sessions?user="+id)
	if len(list.Sessions) != 1 || *list.Sessions[0].Username != "admin" {
		t.Errorf("GET /admin/sessions?user=%s = %+v, want one session of admin", id, list)
	}
}

// Users see that an administrator revoked a session, but not the administrator's address.
// Administrators see their own.
func TestAdmin_HidesAdministratorIP(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	admin := on(t, app, "admin", firefox)
	on(t, app, "manager", iphone)
	wantRevoked(t, admin, "user="+findUser(t, admin, "manager").ID, 1)
	if e := listEvents(t, on(t, app, "manager", iphone), "/events").Events[1]; !e.ByAdmin || e.IP != "" || e.Browser != "" {
		t.Errorf("event for the user = %+v, want by_admin without IP and browser", e)
	}
	wantStatus(t, admin.JSON(http.MethodDelete, "/admin/sessions/"+sid(t, on(t, app, "admin", iphone)), nil), http.StatusNoContent)
	if e := listEvents(t, admin, "/events").Events[0]; !e.ByAdmin || e.IP != "127.0.0.1" || !strings.HasPrefix(e.Browser, "Firefox") {
		t.Errorf("event for the administrator = %+v, want by_admin with IP and browser", e)
	}
}
