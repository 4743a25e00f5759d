package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/internal/test/testoidc"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

var aboutSessions = regexp.MustCompile(`(INTO|FROM|UPDATE|JOIN) sessions\b`)

// A whole sign-in with a provider costs three statements besides those about who
// the user is: one row of spent, and one of sessions.
func TestOpenID_Statements(t *testing.T) {
	server := testdb.Start(t, testdb.MariaDB)
	evil := testoidc.StartFake(t)
	app := testapp.Start(t, testapp.Options{DatabaseURL: server.NewURL(t), Extra: []string{
		"OPENID_CONNECT_EVIL_KEY=app", "OPENID_CONNECT_EVIL_SECRET=s", "OPENID_CONNECT_EVIL_DISCOVERY_URL=" + evil.URL,
	}})
	wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusSeeOther) // the first makes a user
	execute(t, app, "SET GLOBAL log_output = 'TABLE'")
	execute(t, app, "SET GLOBAL general_log = ON")
	client := app.Client(t)
	back := answer(t, app, leave(t, client, "/auth/evil", url.Values{"remember": {"on"}}))
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	execute(t, app, "SET GLOBAL general_log = OFF")

	var log []struct {
		Statement string `db:"statement"`
	}
	if err := app.DB.RawQuery("SELECT CONVERT(argument USING utf8mb4) AS statement FROM mysql.general_log WHERE command_type IN ('Query', 'Execute') AND argument NOT LIKE '%general_log%' ORDER BY event_time").All(&log); err != nil {
		t.Fatal(err)
	}
	var sessions, bookkeeping, all []string
	for _, entry := range log {
		all = append(all, entry.Statement)
		switch {
		case aboutSessions.MatchString(entry.Statement):
			sessions = append(sessions, entry.Statement)
			bookkeeping = append(bookkeeping, entry.Statement)
		case strings.Contains(entry.Statement, "spent"):
			bookkeeping = append(bookkeeping, entry.Statement)
		}
	}
	if len(sessions) != 1 || len(bookkeeping) > 3 || len(bookkeeping) < 2 {
		t.Errorf("%d statements about sessions and %d of bookkeeping; all:\n%s", len(sessions), len(bookkeeping), strings.Join(all, "\n"))
	}
	var rows int
	if query(t, app, &rows, "SELECT COUNT(*) FROM sessions"); rows != 2 {
		t.Errorf("%d session rows after two sign-ins", rows)
	}
}
