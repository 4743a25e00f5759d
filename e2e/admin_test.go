package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// managedUser is a user as administrators see them.
type managedUser struct {
	ID, Username, Role string
	DisabledAt         *string `json:"disabled_at"`
}

func findUser(t *testing.T, admin *testapp.Client, username string) managedUser {
	t.Helper()
	list := get[struct{ Users []managedUser }](t, admin, "/admin/users?q="+username)
	if len(list.Users) != 1 {
		t.Fatalf("GET /admin/users?q=%s = %+v, want one user", username, list.Users)
	}
	return list.Users[0]
}

// nextPage matches the link to the next page of a list.
var nextPage = regexp.MustCompile(`<p class="more"><a href="([^"]+)"`)

// For everyone except administrators, these paths do not exist.
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
		t.Errorf("GET /admin/users = %d, Location %q; want %d to the sign-in page", r.StatusCode, to, http.StatusSeeOther)
	}
	wantStatus(t, app.Client(t).HTML(http.MethodPost, "/admin/sessions?all=true", deletion), http.StatusUnauthorized)
	if page := member.HTML(http.MethodGet, "/", nil); strings.Contains(page.Body, "/admin") {
		t.Error("a member's menu links to /admin")
	}
}

// Administrators need a recent sign-in to make changes, but not to read.
func TestAdmin_ASVS_7_5_1_RecentSignIn(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	admin, member := on(t, app, "admin", firefox), on(t, app, "manager", firefox)
	id := findUser(t, admin, "manager").ID
	staleSignIns(t, app)
	for _, request := range [][2]string{{"DELETE", "/admin/sessions?all=true"}, {"DELETE", "/admin/sessions?user=" + id}, {"DELETE", "/admin/sessions/" + sid(t, member)}, {"PATCH", "/admin/users/" + id}} {
		r := admin.JSON(request[0], request[1], map[string]bool{"disabled": true})
		wantStatus(t, r, http.StatusForbidden)
		if !strings.Contains(r.Body, "urn:latchkey:problem:sign-in-not-recent") {
			t.Errorf("%v: problem type is not sign-in-not-recent: %s", request, r.Body)
		}
	}
	wantSignedIn(t, member, "manager")
	wantStatus(t, admin.JSON(http.MethodGet, "/admin/sessions", nil), http.StatusOK)
}

func TestAdmin_Overview(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		phone, admin := on(t, app, "manager", iphone), on(t, app, "admin", firefox)
		wantStatus(t, app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=unknown", nil), http.StatusUnauthorized)
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
			t.Errorf("GET /admin = %+v with %d sign-ins, %d failures and %d sign-outs; want 1 session, 4 users, 24 hours, 2 sign-ins, 1 failure and 1 sign-out", got, signIns, failures, ends)
		}
		page := admin.HTML(http.MethodGet, "/admin", nil)
		if strings.Count(page.Body, "<svg viewBox=\"0 0 720") != 3 || strings.Count(page.Body, "<table>") != 3 {
			t.Errorf("the page does not have 3 plots and 3 tables:\n%s", page.Body)
		}
	})
}
