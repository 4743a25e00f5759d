package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gofrs/uuid"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// BenchmarkPages measures every page over HTTP, while the database holds as many
// sessions as LATCHKEY_SESSIONS says, a thousandth of them the administrator's, who
// also has a hundredth as many events.
func BenchmarkPages(b *testing.B) {
	sessions, err := strconv.Atoi(os.Getenv("LATCHKEY_SESSIONS"))
	if err != nil {
		sessions = 10_000
	}
	for _, engine := range testdb.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			app := testapp.Start(b, testapp.Options{Engine: engine, Env: "staging"})
			adminID := fill(b, app, sessions)
			admin := app.Client(b)
			admin.UserAgent = firefox
			admin.SignIn("admin")
			for _, path := range []string{
				"/", "/signin", "/session", "/docs", "/sessions", "/events", "/account", "/admin", "/admin/sessions", "/admin/sessions?user=admin", "/admin/sessions?ip=10.0.7.7",
				"/admin/sessions?method=github&state=signed-in", "/admin/sessions?method=nothing", "/admin/sessions?state=anonymous", "/admin/users", "/admin/users?q=ad",
				"/admin/users/" + adminID.String(), "/admin/sessions/end?all=true", "/admin/sessions/end?user=" + adminID.String(),
			} {
				admin.HTML(http.MethodGet, path, nil) // the figures are counted once a minute
				b.Run(path, func(b *testing.B) {
					for b.Loop() {
						if r := admin.HTML(http.MethodGet, path, nil); r.StatusCode != http.StatusOK {
							b.Fatalf("%d", r.StatusCode)
						}
					}
				})
			}
		})
	}
}

// fill makes sessions of a thousand users, and events of one, whose id it returns.
func fill(b *testing.B, app *testapp.App, sessions int) (admin uuid.UUID) {
	b.Helper()
	if err := app.DB.RawQuery("SELECT id FROM users WHERE username = 'admin'").First(&admin); err != nil {
		b.Fatal(err)
	}
	now, later := time.Now().UTC(), time.Now().UTC().Add(24*time.Hour)
	insert(b, app.DB, "sessions (sid, secret_hash, data, version, user_id, auth_method, authenticated_at, ip, user_agent, created_at, last_seen_at, deadline_at, expires_at, family, renewed_to)", sessions,
		func(n int) []any {
			user, method := "user-"+strconv.Itoa(n%1000), []string{"google", "google", "github"}[n%3]
			if n%1000 == 0 {
				user = admin.String()
			}
			sid, at := rand.Text()[:24], now.Add(-time.Duration(n)*time.Millisecond)
			return []any{sid, "", []byte{0}, 1, user, method, at, fmt.Sprintf("10.0.%d.%d", n%250, n%199), firefox, at, at, later, later, sid, ""}
		})
	insert(b, app.DB, "events (id, created_at, kind, user_id, method, ip, user_agent, device, sid, detail, sessions, notable)", sessions/100,
		func(n int) []any {
			id, err := uuid.NewV7()
			if err != nil {
				b.Fatal(err)
			}
			return []any{id, now, "signin.success", admin, "github", "10.0.0.1", firefox, "Firefox / Linux / computer", "", "", 0, false}
		})
	analyze := "ANALYZE"
	if app.DB.Dialect.Name() == "mysql" {
		analyze += " TABLE sessions, events"
	}
	if err := app.DB.RawQuery(analyze).Exec(); err != nil {
		b.Fatal(err)
	}
	return admin
}

// insert inserts n rows, many at a time.
func insert(b *testing.B, db *pop.Connection, into string, n int, row func(int) []any) {
	b.Helper()
	const batch = 1000
	values := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(row(0))), ", ") + ")"
	for done := 0; done < n; done += batch {
		rows := min(batch, n-done)
		var args []any
		for i := range rows {
			args = append(args, row(done+i)...)
		}
		err := db.RawQuery("INSERT INTO "+into+" VALUES "+strings.TrimSuffix(strings.Repeat(values+", ", rows), ", "), args...).Exec()
		if err != nil {
			b.Fatal(err)
		}
	}
}
