package e2e

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// TestSession_BySID checks GET /sessions/{sid} for the current session, another one of
// the user, a revoked one and another user's.
func TestSession_BySID(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		phone := on(t, app, "manager", iphone)
		client := on(t, app, "manager", firefox)
		admin := on(t, app, "admin", firefox)

		current := get[sessionRow](t, client, "/sessions/"+sid(t, client))
		if !current.Current || current.Browser != "Firefox 140" {
			t.Errorf("the current session = %+v, want Firefox 140, current", current)
		}
		other := get[sessionRow](t, client, "/sessions/"+sid(t, phone))
		if other.Current || other.SID != sid(t, phone) || other.Browser != "Safari 18" {
			t.Errorf("the other session = %+v, want %s in Safari 18, not current", other, sid(t, phone))
		}
		page := client.HTML(http.MethodGet, "/sessions/"+sid(t, phone), nil)
		wantStatus(t, page, http.StatusOK)
		wantContains(t, page, other.SID, "iPhone")

		wantStatus(t, admin.JSON(http.MethodGet, "/sessions/"+sid(t, phone), nil), http.StatusNotFound)
		wantStatus(t, app.Client(t).JSON(http.MethodGet, "/sessions/"+sid(t, phone), nil), http.StatusUnauthorized)
		wantStatus(t, client.JSON(http.MethodDelete, "/sessions/"+other.SID, nil), http.StatusNoContent)
		wantStatus(t, client.JSON(http.MethodGet, "/sessions/"+other.SID, nil), http.StatusNotFound)
	})
}
