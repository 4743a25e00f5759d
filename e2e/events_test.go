package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// eventRow is an event of GET /events.
type eventRow struct {
	ID, Kind, Method, SID, Detail, Browser, IP string
	Sessions                                   int
	Notable                                    bool
	ByAdmin                                    bool `json:"by_admin"`
}

type eventList struct {
	Events []eventRow
	Next   *string
}

func listEvents(t *testing.T, client *testapp.Client, path string) eventList {
	t.Helper()
	return get[eventList](t, client, path)
}

func TestEvents(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := testSessionEvents(t, app)
		testRevokedTogether(t, app, client)
		testRevokeCurrent(t, app, client)
		wantStatus(t, app.Client(t).JSON(http.MethodGet, "/events", nil), http.StatusUnauthorized)
	})
}

// testSessionEvents signs in with four browsers, signs out of one and revokes one. It
// returns manager's remaining session.
func testSessionEvents(t *testing.T, app *testapp.App) *testapp.Client {
	phone := on(t, app, "manager", iphone)
	on(t, app, "admin", firefox)
	client := on(t, app, "manager", firefox) // a new device
	again := on(t, app, "manager", strings.Replace(firefox, "140", "141", 2))
	wantStatus(t, phone.JSON(http.MethodDelete, "/session", nil), http.StatusNoContent)
	wantStatus(t, client.JSON(http.MethodDelete, "/sessions/"+sid(t, again), nil), http.StatusNoContent)

	list := listEvents(t, client, "/events")
	if e := list.Events[0]; e.SID != sid(t, again) || e.Sessions != 1 {
		t.Errorf("newest event = %+v, want 1 session, %s", e, sid(t, again))
	}
	want := []string{"session.ended by_userFirefox 140", "signout Safari 18", "signin.success Firefox 141", "signin.success Firefox 140!", "signin.success Safari 18"}
	if got := summarize(list.Events); strings.Join(got, "\n") != strings.Join(want, "\n") || list.Next != nil {
		t.Errorf("GET /events =\n%s\nwant\n%s\nand no next page", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	first := listEvents(t, client, "/events?limit=2")
	if len(first.Events) != 2 || first.Next == nil {
		t.Fatalf("GET /events?limit=2 = %+v, want 2 events and a next page", first)
	}
	if rest := listEvents(t, client, "/events?after="+*first.Next); len(rest.Events) != 3 || rest.Next != nil || rest.Events[0].ID != list.Events[2].ID {
		t.Errorf("next page = %+v, want the last 3 events", rest)
	}
	page := client.HTML(http.MethodGet, "/events", nil)
	if strings.Count(page.Body, "on a new device") != 1 || strings.Count(page.Body, "Check this") != 1 || !strings.Contains(page.Body, "Signed out another device") {
		t.Errorf("the page does not show one new device, one warning and the revoked session:\n%s", page.Body)
	}
	wantStatus(t, client.JSON(http.MethodGet, "/events?after=x", nil), http.StatusBadRequest)
	return client
}

// summarize returns a line for each event, with ! for notable ones.
func summarize(events []eventRow) (lines []string) {
	for _, e := range events {
		line := e.Kind + " " + e.Detail + e.Browser
		if e.Notable {
			line += "!"
		}
		lines = append(lines, line)
	}
	return lines
}

// testRevokedTogether checks that revoking all other sessions records one event.
func testRevokedTogether(t *testing.T, app *testapp.App, client *testapp.Client) {
	on(t, app, "manager", iphone)
	on(t, app, "manager", iphone)
	wantStatus(t, client.JSON(http.MethodDelete, "/sessions", nil), http.StatusOK)
	if e := listEvents(t, client, "/events").Events[0]; e.Kind != "session.ended" || e.Detail != "by_user" || e.Sessions != 2 {
		t.Errorf("newest event = %+v, want session.ended by_user with 2 sessions", e)
	}
}

// testRevokeCurrent checks that revoking the current session counts as a sign-out, which
// needs no recent sign-in.
func testRevokeCurrent(t *testing.T, app *testapp.App, client *testapp.Client) {
	staleSignIns(t, app)
	wantStatus(t, client.JSON(http.MethodDelete, "/sessions/"+sid(t, client), nil), http.StatusNoContent)
	wantAnonymous(t, client)
	if e := listEvents(t, on(t, app, "manager", firefox), "/events").Events[1]; e.Kind != "signout" {
		t.Errorf("event before the last sign-in = %+v, want signout", e)
	}
}
