package e2e

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// managedUser is a user as administrators see one.
type managedUser struct {
	ID, Username, Role string
	DisabledAt         *string `json:"disabled_at"`
}

func findUser(t *testing.T, admin *testapp.Client, username string) managedUser {
	t.Helper()
	list := get[struct{ Users []managedUser }](t, admin, "/admin/users?q="+username)
	if len(list.Users) != 1 {
		t.Fatalf("%q finds %+v", username, list.Users)
	}
	return list.Users[0]
}

// There is nothing at these addresses but for administrators.
func TestAdmin_ForAdminsOnly(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
	id := findUser(t, admin, "contributor").ID
	for _, request := range [][2]string{
		{"GET", "/admin"}, {"GET", "/admin/sessions"}, {"GET", "/admin/sessions/end?all=true"}, {"GET", "/admin/users"}, {"GET", "/admin/users/" + id},
		{"DELETE", "/admin/sessions?all=true"}, {"DELETE", "/admin/sessions?user=" + id}, {"DELETE", "/admin/sessions/" + sid(t, admin)},
		{"PATCH", "/admin/users/" + id},
	} {
		wantStatus(t, app.Client(t).JSON(request[0], request[1], map[string]bool{"disabled": true}), http.StatusUnauthorized)
		wantStatus(t, member.JSON(request[0], request[1], map[string]bool{"disabled": true}), http.StatusNotFound)
	}
	wantSignedIn(t, admin, "admin")
	r := app.Client(t).HTML(http.MethodGet, "/admin/users", nil)
	if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || to != "/signin?return_to=%2Fadmin%2Fusers" {
		t.Errorf("%d, sent to %q", r.StatusCode, to)
	}
	wantStatus(t, app.Client(t).HTML(http.MethodPost, "/admin/sessions?all=true", deletion), http.StatusUnauthorized)
	if page := member.HTML(http.MethodGet, "/", nil); strings.Contains(page.Body, "/admin") {
		t.Error("a member's menu leads to the administration")
	}
}

// What administrators do, and not what they see, needs a recent sign-in.
func TestAdmin_ASVS_7_5_1_RecentSignIn(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
	id := findUser(t, admin, "manager").ID
	longAgo(t, app)
	for _, request := range [][2]string{{"DELETE", "/admin/sessions?all=true"}, {"DELETE", "/admin/sessions?user=" + id}, {"DELETE", "/admin/sessions/" + sid(t, member)}, {"PATCH", "/admin/users/" + id}} {
		r := admin.JSON(request[0], request[1], map[string]bool{"disabled": true})
		wantStatus(t, r, http.StatusForbidden)
		if !strings.Contains(r.Body, "urn:latchkey:problem:sign-in-not-recent") {
			t.Errorf("%v: %s", request, r.Body)
		}
	}
	wantSignedIn(t, member, "manager")
	wantStatus(t, admin.JSON(http.MethodGet, "/admin/sessions", nil), http.StatusOK)
}

func TestAdmin_Sessions(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		admin := on(t, app, "admin", firefox)
		phone, laptop, user := on(t, app, "manager", iphone), on(t, app, "manager", firefox), on(t, app, "user", firefox)
		managerID := findUser(t, admin, "manager").ID
		for query, want := range map[string]int{
			"": 4, "user=manager": 2, "user=MANAGER": 2, "user=" + managerID: 2, "user=nobody": 0, "user=%00": 0, "ip=127.0.0.1": 4, "ip=192.0.2.1": 0, "ip=%ff%00": 0,
			"ip=%20127.0.0.1%20": 4, "ip=::ffff:127.0.0.1": 4, "user=%20manager%20": 2, "method=%20bypass%20": 4, // as people paste them
			"method=bypass": 4, "method=github": 0, "state=signed-in": 4, "state=anonymous": 0, "user=manager&method=bypass&state=signed-in&ip=127.0.0.1": 2,
		} {
			if list := listSessions(t, admin, "/admin/sessions?"+query); len(list.Sessions) != want {
				t.Errorf("%s: %d sessions, want %d", query, len(list.Sessions), want)
			}
		}
		for _, query := range []string{"state=dead", "limit=0", "after=x"} {
			wantStatus(t, admin.JSON(http.MethodGet, "/admin/sessions?"+query, nil), http.StatusBadRequest)
		}
		first := listSessions(t, admin, "/admin/sessions?limit=3&user=")
		if len(first.Sessions) != 3 || first.Next == nil || *first.Sessions[0].Username != "user" {
			t.Fatalf("%+v", first)
		}
		if rest := listSessions(t, admin, "/admin/sessions?limit=3&after="+*first.Next); len(rest.Sessions) != 1 || rest.Next != nil || !rest.Sessions[0].Current {
			t.Errorf("%+v", rest)
		}
		page := admin.HTML(http.MethodGet, "/admin/sessions?user=manager", nil)
		if !strings.Contains(page.Body, "Safari 18 on iOS") || !strings.Contains(page.Body, "user="+managerID) {
			t.Errorf("the page:\n%s", page.Body)
		}
		page = admin.HTML(http.MethodGet, "/admin/sessions?user=manager&limit=1", nil)
		more := nextPage.FindStringSubmatch(page.Body)
		if more == nil || !strings.Contains(more[1], "user=manager") {
			t.Fatalf("the page leads to %q:\n%s", more, page.Body)
		}
		if rest := listSessions(t, admin, html.UnescapeString(more[1])); len(rest.Sessions) != 1 || *rest.Sessions[0].Username != "manager" {
			t.Errorf("the next page has %+v", rest)
		}
		if page := admin.HTML(http.MethodGet, "/admin/sessions?user=nobody", nil); strings.Contains(page.Body, "/admin/sessions/end") {
			t.Errorf("who finds nobody is offered to end sessions:\n%s", page.Body)
		}

		// One, one user's, everybody's: each with its count before.
		phoneSID := sid(t, phone)
		wantStatus(t, admin.JSON(http.MethodDelete, "/admin/sessions/"+phoneSID, nil), http.StatusNoContent)
		wantNobody(t, phone)
		wantStatus(t, admin.JSON(http.MethodDelete, "/admin/sessions/"+phone.Cookies()["none"]+"x", nil), http.StatusNotFound)
		if page := admin.HTML(http.MethodGet, "/admin/sessions/end?user="+managerID, nil); !strings.Contains(page.Body, "manager has 1 live session") {
			t.Errorf("the question:\n%s", page.Body)
		} else {
			wantForm(t, page, "/admin/sessions", url.Values{"_method": {"DELETE"}, "user": {managerID}})
		}
		if n := get[struct{ Count int }](t, admin, "/admin/sessions/end?user="+managerID).Count; n != 1 {
			t.Errorf("%d sessions would end, want 1", n)
		}
		wantEnded(t, admin, "user="+managerID, 1)
		wantNobody(t, laptop)
		wantSignedIn(t, user, "user")
		for _, query := range []string{"", "user=" + managerID + "&all=true", "all=yes"} {
			wantStatus(t, admin.JSON(http.MethodDelete, "/admin/sessions?"+query, nil), http.StatusBadRequest)
		}
		wantStatus(t, admin.JSON(http.MethodDelete, "/admin/sessions?user=nobody", nil), http.StatusNotFound)
		if page := admin.HTML(http.MethodGet, "/admin/sessions/end?all=true", nil); !strings.Contains(page.Body, "There are 2 live sessions") {
			t.Errorf("the question:\n%s", page.Body)
		} else {
			wantForm(t, page, "/admin/sessions", url.Values{"_method": {"DELETE"}, "all": {"true"}})
		}
		wantEnded(t, admin, "all=true", 2)
		wantNobody(t, user)
		wantNobody(t, admin)

		// Each act is an event of whom it was about.
		laptop = on(t, app, "manager", firefox)
		kinds, sids := map[string]int{}, ""
		for _, e := range listEvents(t, laptop, "/events").Events {
			if e.Detail == "by_admin" && e.ByAdmin && e.Notable {
				kinds[e.Kind] += e.Sessions
				sids += e.SID
			}
		}
		if kinds["session.ended"] != 2 || sids != phoneSID {
			t.Errorf("%v of %q, want 2, one of them %s", kinds, sids, phoneSID)
		}
		var everybodys int
		query(t, app, &everybodys, "SELECT sessions FROM events WHERE user_id IS NULL AND actor_id IS NOT NULL")
		if everybodys != 2 {
			t.Errorf("the end of everybody's sessions is an event of %d", everybodys)
		}

		// One whose values nobody can read, and all of a user's from the page.
		admin = on(t, app, "admin", firefox)
		execute(t, app, "UPDATE sessions SET data = 'x' WHERE sid = ?", sid(t, laptop))
		wantStatus(t, admin.JSON(http.MethodDelete, "/admin/sessions/"+sid(t, laptop), nil), http.StatusNoContent)
		r := admin.HTML(http.MethodPost, "/admin/sessions", url.Values{"_method": {http.MethodDelete}, "user": {managerID}})
		if to := r.Header.Get("Location"); to != "/admin/sessions?notice=revoked_all" {
			t.Errorf("%d, sent to %q", r.StatusCode, to)
		}
	})
}

// A search offers the ways in by the names that the sessions below bear, and does not
// end everybody's sessions as if those were the ones that were found.
func TestAdmin_SearchForm(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Extra: []string{"GITHUB_KEY=k", "GITHUB_SECRET=s"}})
	admin := on(t, app, "admin", firefox)
	const everybodys = `href="/admin/sessions/end?all=true"`
	page := admin.HTML(http.MethodGet, "/admin/sessions?user=&ip=&method=&state=", nil)
	for _, part := range []string{everybodys, `<option value="bypass">the test sign-in</option>`, `<option value="token">a token</option>`, `<option value="github">GitHub</option>`} {
		if !strings.Contains(page.Body, part) {
			t.Errorf("the form lacks %s:\n%s", part, page.Body)
		}
	}
	for query, selected := range map[string]string{
		"method=%20github%20": `<option value="github" selected>GitHub</option>`,
		"method=google":       `<option value="google" selected>Google</option>`, // which is off
		"method=%22%3E":       `<option value="&#34;&gt;" selected>`,
		"state=signed-in":     `<option value="signed-in" selected>`,
		"ip=127.0.0.1":        `value="127.0.0.1"`,
	} {
		page := admin.HTML(http.MethodGet, "/admin/sessions?"+query, nil)
		if !strings.Contains(page.Body, selected) || strings.Contains(page.Body, everybodys) {
			t.Errorf("%s:\n%s", query, page.Body)
		}
	}
}

// Who ends one session of those that he searched for is still among the others.
func TestAdmin_EndOneOfASearch(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	admin := on(t, app, "admin", firefox)
	for page, want := range map[string]string{
		"/admin/sessions":                                "/admin/sessions?notice=revoked_one",
		"/admin/sessions?notice=revoked_one":               "/admin/sessions?notice=revoked_one",
		"/admin/sessions?user=a%26b&state=":              "/admin/sessions?state=&user=a%26b&notice=revoked_one",
		"/admin/sessions?ip=192.0.2.1&notice=revoked_one":  "/admin/sessions?ip=192.0.2.1&notice=revoked_one",
		"/admin/users?q=m":                               "/admin/sessions?notice=revoked_one",
		"/admin/sessions/end?all=true":                   "/admin/sessions?notice=revoked_one",
		"/sessions?after=x":                              "/admin/sessions?notice=revoked_one",
		"/signin?return_to=/admin/sessions?user=manager": "/admin/sessions?notice=revoked_one",
	} {
		r := postFrom(admin, app, page, "/admin/sessions/"+sid(t, on(t, app, "manager", iphone)), deletion)
		if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || to != want {
			t.Errorf("from %s: %d, sent to %q, want %q", page, r.StatusCode, to, want)
		}
	}
	r := postFrom(admin, app, "/sessions?limit=2", "/sessions/"+sid(t, on(t, app, "admin", iphone)), deletion)
	if to := r.Header.Get("Location"); to != "/sessions?limit=2&notice=revoked_one" {
		t.Errorf("%d, sent to %q", r.StatusCode, to)
	}
}

// A member who calls himself by somebody's id is not who an administrator finds by it,
// and then ends the sessions of.
func TestAdmin_NameLikeAnID(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
	id := findUser(t, admin, "admin").ID
	wantStatus(t, member.JSON(http.MethodPatch, "/account", map[string]string{"username": id}), http.StatusOK)
	list := listSessions(t, admin, "/admin/sessions?user="+id)
	if len(list.Sessions) != 1 || *list.Sessions[0].Username != "admin" {
		t.Errorf("%+v", list)
	}
}

// What a disabled user still has of sessions does not come alive with him.
func TestAdmin_EnableEndsSessions(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
		id := findUser(t, admin, "manager").ID
		execute(t, app, "UPDATE users SET disabled_at = ? WHERE id = ?", time.Now().UTC(), id)
		wantStatus(t, admin.JSON(http.MethodPatch, "/admin/users/"+id, map[string]bool{"disabled": false}), http.StatusOK)
		wantNobody(t, member)
	})
}

// nextPage is the link to the next page of a list.
var nextPage = regexp.MustCompile(`<p class="more"><a href="([^"]+)"`)

func wantEnded(t *testing.T, admin *testapp.Client, query string, want int) {
	t.Helper()
	var answer struct{ Ended int }
	r := admin.JSON(http.MethodDelete, "/admin/sessions?"+query, nil)
	wantStatus(t, r, http.StatusOK)
	if r.Decode(t, &answer); answer.Ended != want {
		t.Errorf("%s: %d ended, want %d", query, answer.Ended, want)
	}
}

func TestAdmin_Users(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
		manager, self := findUser(t, admin, "manager"), findUser(t, admin, "admin")
		change := func(id string, body any, status int) {
			t.Helper()
			wantStatus(t, admin.JSON(http.MethodPatch, "/admin/users/"+id, body), status)
		}
		// Nobody locks the last administrator out.
		change(self.ID, map[string]string{"role": "member"}, http.StatusConflict)
		change(self.ID, map[string]bool{"disabled": true}, http.StatusConflict)
		for _, bad := range []any{map[string]string{"role": "owner"}, map[string]string{"disabled": "perhaps"}, map[string]string{}, "x"} {
			change(manager.ID, bad, http.StatusBadRequest)
		}
		change("nobody", map[string]bool{"disabled": true}, http.StatusNotFound)
		wantSignedIn(t, member, "manager")
		on(t, app, "manager", iphone)

		page := admin.HTML(http.MethodGet, "/admin/users?q=&limit=1", nil)
		if more := nextPage.FindStringSubmatch(page.Body); more == nil || len(get[struct{ Users []managedUser }](t, admin, html.UnescapeString(more[1])).Users) != 3 {
			t.Errorf("the page leads to %q:\n%s", more, page.Body)
		}
		execute(t, app, "UPDATE users SET username = 'manfred' WHERE username = 'contributor'")
		page = admin.HTML(http.MethodGet, "/admin/users?q=man&limit=1", nil)
		if more := nextPage.FindStringSubmatch(page.Body); more == nil || len(get[struct{ Users []managedUser }](t, admin, html.UnescapeString(more[1])).Users) != 1 {
			t.Errorf("the page of who begins with man leads to %q:\n%s", more, page.Body)
		}

		page = admin.HTML(http.MethodGet, "/admin/users/"+manager.ID, nil)
		wantForm(t, page, "/admin/users/"+manager.ID, url.Values{"_method": {"PATCH"}, "role": {"admin"}})
		wantForm(t, page, "/admin/users/"+manager.ID, url.Values{"_method": {"PATCH"}, "disabled": {"true"}})

		// To be disabled ends the sessions at once, and lets nobody in.
		r := admin.HTML(http.MethodPost, "/admin/users/"+manager.ID, url.Values{"_method": {"PATCH"}, "disabled": {"true"}})
		if to := r.Header.Get("Location"); to != "/admin/users/"+manager.ID+"?notice=user_changed" {
			t.Errorf("%d, sent to %q\n%s", r.StatusCode, to, r.Body)
		}
		if list := listSessions(t, admin, "/admin/sessions?user=manager"); len(list.Sessions) != 0 {
			t.Errorf("%+v", list)
		}
		wantNobody(t, member)
		wantStatus(t, app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=manager", nil), http.StatusUnauthorized)
		execute(t, app, "UPDATE users SET created_at = ?", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
		if at := findUser(t, admin, "manager").DisabledAt; at == nil || *at < time.Now().UTC().Add(-time.Hour).Format(time.RFC3339) {
			t.Errorf("disabled at %v", at)
		}
		wantForm(t, admin.HTML(http.MethodGet, "/admin/users/"+manager.ID, nil), "/admin/users/"+manager.ID, url.Values{"_method": {"PATCH"}, "disabled": {"false"}})
		change(manager.ID, map[string]bool{"disabled": false}, http.StatusOK)

		// So does another role.
		member = on(t, app, "manager", firefox)
		change(manager.ID, map[string]string{"role": "admin"}, http.StatusOK)
		wantNobody(t, member)
		member = on(t, app, "manager", firefox)
		wantStatus(t, member.JSON(http.MethodGet, "/admin", nil), http.StatusOK)
		change(self.ID, map[string]string{"role": "member"}, http.StatusOK)
		wantNobody(t, admin)

		var kinds []string
		for _, e := range listEvents(t, member, "/events").Events {
			if e.ByAdmin {
				kinds = append(kinds, fmt.Sprintf("%s:%s:%d", e.Kind, e.Detail, e.Sessions))
			}
		}
		if got := strings.Join(kinds, " "); got != "session.ended:role_changed:1 user.role:admin:0 user.enabled::0 session.ended:user_gone:2 user.disabled::0" {
			t.Errorf("the events are %s", got)
		}
		page = member.HTML(http.MethodGet, "/admin/users/"+manager.ID, nil)
		for _, text := range []string{"Maya Manager", "An administrator changed the role: Administrator", "Make a member"} {
			if !strings.Contains(page.Body, text) {
				t.Errorf("the page does not say %q:\n%s", text, page.Body)
			}
		}
		page = member.HTML(http.MethodGet, "/admin/users/"+self.ID, nil)
		for _, text := range []string{"Ada Admin", "An administrator changed the role: Member", "Make an administrator", `user=admin">0<`} {
			if !strings.Contains(page.Body, text) {
				t.Errorf("the page does not say %q:\n%s", text, page.Body)
			}
		}
	})
}

// A user learns that an administrator ended a session, and not where that one was; what
// somebody does to himself is his own.
func TestAdmin_WhereAdministratorsAre(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	admin := on(t, app, "admin", firefox)
	on(t, app, "manager", iphone)
	wantEnded(t, admin, "user="+findUser(t, admin, "manager").ID, 1)
	if e := listEvents(t, on(t, app, "manager", iphone), "/events").Events[1]; !e.ByAdmin || e.IP != "" || e.Browser != "" {
		t.Errorf("%+v", e)
	}
	wantStatus(t, admin.JSON(http.MethodDelete, "/admin/sessions/"+sid(t, on(t, app, "admin", iphone)), nil), http.StatusNoContent)
	if e := listEvents(t, admin, "/events").Events[0]; !e.ByAdmin || e.IP != "127.0.0.1" || !strings.HasPrefix(e.Browser, "Firefox") {
		t.Errorf("%+v", e)
	}
}

// What happened to an account goes on for as many pages as there are.
func TestAdmin_UserEvents(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	admin := on(t, app, "admin", firefox)
	for range 3 {
		on(t, app, "manager", iphone)
	}
	path := "/admin/users/" + findUser(t, admin, "manager").ID
	page := admin.HTML(http.MethodGet, path+"?limit=2", nil)
	more := nextPage.FindStringSubmatch(page.Body)
	if more == nil || strings.Count(page.Body, "Signed in with") != 2 {
		t.Fatalf("the page:\n%s", page.Body)
	}
	page = admin.HTML(http.MethodGet, html.UnescapeString(more[1]), nil)
	if back := nextPage.FindStringSubmatch(page.Body); back == nil || back[1] != path || strings.Count(page.Body, "Signed in with") != 1 {
		t.Errorf("the next page:\n%s", page.Body)
	}
	wantStatus(t, admin.HTML(http.MethodGet, path+"?after=x", nil), http.StatusBadRequest)
}

func TestAdmin_Overview(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		phone, admin := on(t, app, "manager", iphone), on(t, app, "admin", firefox)
		wantStatus(t, app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=nobody", nil), http.StatusUnauthorized)
		wantStatus(t, phone.JSON(http.MethodDelete, "/session", nil), http.StatusNoContent)
		r := admin.JSON(http.MethodGet, "/admin", nil)
		wantStatus(t, r, http.StatusOK)
		var got struct {
			Sessions, Users int
			Hours           []struct {
				SignIns, Ends map[string]int
				Failures      int
			}
		}
		r.Decode(t, &got)
		signIns, failures, ends := 0, 0, 0
		for _, h := range got.Hours {
			signIns, failures, ends = signIns+h.SignIns["bypass"], failures+h.Failures, ends+h.Ends["signout"]
		}
		if got.Sessions != 1 || got.Users != 4 || len(got.Hours) != 24 || signIns != 2 || failures != 1 || ends != 1 {
			t.Errorf("%d sign-ins, %d failures, %d ends of %+v", signIns, failures, ends, got)
		}
		page := admin.HTML(http.MethodGet, "/admin", nil)
		if strings.Count(page.Body, "<svg viewBox=\"0 0 720") != 3 || strings.Count(page.Body, "<table>") != 3 {
			t.Errorf("the page:\n%s", page.Body)
		}
	})
}
