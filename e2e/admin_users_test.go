package e2e

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestAdmin_Users(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
		u := userAdmin{app, admin, findUser(t, admin, "manager"), findUser(t, admin, "admin")}
		u.testRefused(t)
		wantSignedIn(t, member, "manager")
		on(t, app, "manager", iphone)
		u.testList(t)
		u.testDisable(t, member)
		member = u.testRole(t)
		u.testEvents(t, member)
	})
}

// userAdmin is an administrator who changes the user manager.
type userAdmin struct {
	app           *testapp.App
	admin         *testapp.Client
	manager, self managedUser
}

func (u userAdmin) change(t *testing.T, id string, body any, status int) {
	t.Helper()
	wantStatus(t, u.admin.JSON(http.MethodPatch, "/admin/users/"+id, body), status)
}

// testRefused checks that invalid changes are refused, and so are changes that would
// leave no administrator.
func (u userAdmin) testRefused(t *testing.T) {
	u.change(t, u.self.ID, map[string]string{"role": "member"}, http.StatusConflict)
	u.change(t, u.self.ID, map[string]bool{"disabled": true}, http.StatusConflict)
	for _, bad := range []any{map[string]string{"role": "owner"}, map[string]string{"disabled": "perhaps"}, map[string]string{}, "x"} {
		u.change(t, u.manager.ID, bad, http.StatusBadRequest)
	}
	u.change(t, "unknown", map[string]bool{"disabled": true}, http.StatusNotFound)
}

func (u userAdmin) testList(t *testing.T) {
	u.wantNextPage(t, "/admin/users?q=&limit=1", 3)
	execute(t, u.app, "UPDATE users SET username = 'manfred' WHERE username = 'contributor'")
	u.wantNextPage(t, "/admin/users?q=man&limit=1", 1)
	page := u.admin.HTML(http.MethodGet, "/admin/users/"+u.manager.ID, nil)
	wantForm(t, page, "/admin/users/"+u.manager.ID, url.Values{"_method": {"PATCH"}, "role": {"admin"}})
	wantForm(t, page, "/admin/users/"+u.manager.ID, url.Values{"_method": {"PATCH"}, "disabled": {"true"}})
}

// wantNextPage follows the link to the next page and counts its users.
func (u userAdmin) wantNextPage(t *testing.T, path string, want int) {
	t.Helper()
	page := u.admin.HTML(http.MethodGet, path, nil)
	more := nextPage.FindStringSubmatch(page.Body)
	if more == nil {
		t.Fatalf("%s has no link to the next page:\n%s", path, page.Body)
	}
	if n := len(get[struct{ Users []managedUser }](t, u.admin, html.UnescapeString(more[1])).Users); n != want {
		t.Errorf("%s links to %q with %d users, want %d", path, more[1], n, want)
	}
}

// testDisable checks that disabling a user revokes their sessions and refuses their
// sign-ins.
func (u userAdmin) testDisable(t *testing.T, member *testapp.Client) {
	path := "/admin/users/" + u.manager.ID
	r := u.admin.HTML(http.MethodPost, path, url.Values{"_method": {"PATCH"}, "disabled": {"true"}})
	wantLocation(t, r, path+"?notice=user_changed")
	if list := listSessions(t, u.admin, "/admin/sessions?user=manager"); len(list.Sessions) != 0 {
		t.Errorf("GET /admin/sessions?user=manager = %+v, want no sessions", list)
	}
	wantAnonymous(t, member)
	wantStatus(t, u.app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=manager", nil), http.StatusUnauthorized)
	execute(t, u.app, "UPDATE users SET created_at = ?", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	if at := findUser(t, u.admin, "manager").DisabledAt; at == nil || *at < time.Now().UTC().Add(-time.Hour).Format(time.RFC3339) {
		t.Errorf("disabled_at = %v, want the current time", at)
	}
	wantForm(t, u.admin.HTML(http.MethodGet, path, nil), path, url.Values{"_method": {"PATCH"}, "disabled": {"false"}})
	u.change(t, u.manager.ID, map[string]bool{"disabled": false}, http.StatusOK)
}

// testRole checks that a change of role revokes the user's sessions. It makes manager
// the only administrator and returns manager's new session.
func (u userAdmin) testRole(t *testing.T) *testapp.Client {
	member := on(t, u.app, "manager", firefox)
	u.change(t, u.manager.ID, map[string]string{"role": "admin"}, http.StatusOK)
	wantAnonymous(t, member)
	member = on(t, u.app, "manager", firefox)
	wantStatus(t, member.JSON(http.MethodGet, "/admin", nil), http.StatusOK)
	u.change(t, u.self.ID, map[string]string{"role": "member"}, http.StatusOK)
	wantAnonymous(t, u.admin)
	return member
}

func (u userAdmin) testEvents(t *testing.T, member *testapp.Client) {
	const want = "session.ended:role_changed:1 user.role:admin:0 user.enabled::0 session.ended:user_gone:2 user.disabled::0"
	if got := byAdmins(listEvents(t, member, "/events").Events); got != want {
		t.Errorf("GET /events = %s, want %s", got, want)
	}
	if got := byAdmins(listEvents(t, member, "/admin/users/"+u.manager.ID+"/events").Events); got != want {
		t.Errorf("GET /admin/users/{id}/events = %s, want %s", got, want)
	}
	page := member.HTML(http.MethodGet, "/admin/users/"+u.manager.ID, nil)
	wantContains(t, page, "Maya Manager", "An administrator changed the role to Administrator", "Make member")
	page = member.HTML(http.MethodGet, "/admin/users/"+u.self.ID, nil)
	wantContains(t, page, "Ada Admin", "An administrator changed the role to Member", "Make administrator", `user=admin">0<`)
}

// byAdmins summarizes the events that administrators caused.
func byAdmins(events []eventRow) string {
	var kinds []string
	for _, e := range events {
		if e.ByAdmin {
			kinds = append(kinds, fmt.Sprintf("%s:%s:%d", e.Kind, e.Detail, e.Sessions))
		}
	}
	return strings.Join(kinds, " ")
}

// Enabling a user revokes any sessions that are left from before.
func TestAdmin_EnableRevokes(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
		id := findUser(t, admin, "manager").ID
		execute(t, app, "UPDATE users SET disabled_at = ? WHERE id = ?", time.Now().UTC(), id)
		wantStatus(t, admin.JSON(http.MethodPatch, "/admin/users/"+id, map[string]bool{"disabled": false}), http.StatusOK)
		wantAnonymous(t, member)
	})
}

// The events on a user's page are paginated.
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
		t.Fatalf("the page does not have 2 sign-ins and a link to the next page:\n%s", page.Body)
	}
	page = admin.HTML(http.MethodGet, html.UnescapeString(more[1]), nil)
	if back := nextPage.FindStringSubmatch(page.Body); back == nil || back[1] != path || strings.Count(page.Body, "Signed in with") != 1 {
		t.Errorf("the next page does not have 1 sign-in and a link to the first page:\n%s", page.Body)
	}
	wantStatus(t, admin.HTML(http.MethodGet, path+"?after=x", nil), http.StatusBadRequest)
}
