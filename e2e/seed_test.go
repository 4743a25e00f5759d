package e2e

import (
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/gofrs/uuid"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

const (
	edge    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"
	android = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36"
	ipad    = "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
	curl    = "curl/8.14.1"
)

// seededSession is a session that seedAccount creates.
type seededSession struct {
	username, agent, ip, method string
	age                         time.Duration
}

var seededSessions = []seededSession{
	{"manager", iphone, "203.0.113.24", "google", 26 * time.Hour},
	{"manager", firefox, "198.51.100.7", "github", 5 * time.Hour},
	{"manager", "", "2001:db8:4006:80e:ffff:ffff:ffff:200e", "bypass", 50 * time.Minute},
	{"admin", edge, "198.51.100.19", "google", 3 * time.Hour},
	{"admin", ipad, "203.0.113.77", "google", 20 * time.Hour},
	{"admin", android, "192.0.2.44", "github", 2 * time.Hour},
	{"user", android, "203.0.113.145", "github", 9 * time.Hour},
	{"contributor", curl, "192.0.2.9", "bypass", 6 * time.Hour},
	{"contributor", edge, "198.51.100.33", "microsoftonline", 7 * time.Hour},
}

// seedAccount fills an app on SQLite with a day of sessions and events.
func seedAccount(t *testing.T, app *testapp.App) {
	t.Helper()
	now := time.Now().UTC()
	for _, s := range seededSessions {
		client := on(t, app, s.username, s.agent)
		at := now.Add(-s.age)
		execute(t, app, "UPDATE sessions SET ip = ?, auth_method = ?, created_at = ?, last_seen_at = ? WHERE sid = ?",
			s.ip, s.method, at, at.Add(s.age*4/5), sid(t, client))
		execute(t, app, "UPDATE events SET ip = ?, method = ?, created_at = ? WHERE sid = ?", s.ip, s.method, at, sid(t, client))
	}
	seedStatistics(t, app, now)
	seedUserEvents(t, app, now)
}

// seedStatistics adds the events that the overview plots for the last 24 hours. The random
// numbers are the same in each run.
func seedStatistics(t *testing.T, app *testapp.App, now time.Time) {
	t.Helper()
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for hour := range 24 {
		at := now.Add(-time.Duration(hour) * time.Hour)
		busy := 2 + 9*max(0, 8-abs(at.Hour()-13))/8 // highest at 13:00
		for i, method := range []string{"bypass", "microsoftonline", "github", "google"} {
			insertEvents(t, app, random.IntN(busy*(i+1)/3+1), at, "signin.success", method, "", 0)
		}
		insertEvents(t, app, random.IntN(busy/4+1), at, "signin.failure", "google", "refused", 0)
		insertEvents(t, app, random.IntN(busy), at, "signout", "", "", 0)
		for _, why := range []string{"by_user", "by_admin", "by_provider", "expired"} {
			insertEvents(t, app, random.IntN(2), at, "session.ended", "", why, 1+random.IntN(busy))
		}
	}
}

// seedUserEvents adds older events for each user.
func seedUserEvents(t *testing.T, app *testapp.App, now time.Time) {
	t.Helper()
	var users []string
	if err := app.DB.RawQuery("SELECT id FROM users").All(&users); err != nil {
		t.Fatal(err)
	}
	for i, e := range []struct{ kind, method, detail string }{
		{"identity.linked", "github", ""}, {"user.renamed", "", ""}, {"signin.failure", "google", "somebody_else"},
		{"session.ended", "", "by_admin"}, {"session.ended", "", "by_user"}, {"signout", "", ""},
	} {
		for _, user := range users {
			at := now.Add(-time.Duration(40-i) * time.Hour)
			execute(t, app, "INSERT INTO events (id, created_at, kind, user_id, method, ip, user_agent, device, sid, detail, sessions, notable)"+
				" VALUES (?, ?, ?, ?, ?, '203.0.113.24', ?, '', '', ?, 2, ?)",
				uuidAt(at), at, e.kind, user, e.method, firefox, e.detail, e.kind == "signin.failure")
		}
	}
}

// insertEvents adds n events without a user.
func insertEvents(t *testing.T, app *testapp.App, n int, at time.Time, kind, method, detail string, sessions int) {
	t.Helper()
	for range n {
		execute(t, app, "INSERT INTO events (id, created_at, kind, method, ip, user_agent, device, sid, detail, sessions, notable) VALUES (?, ?, ?, ?, '', '', '', '', ?, ?, FALSE)",
			uuidAt(at), at, kind, method, detail, sessions)
	}
}

// uuidAt returns a version 7 UUID for a time.
func uuidAt(at time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails
	id.SetVersion(uuid.V7)
	id.SetVariant(uuid.VariantRFC4122)
	return id
}

func abs(n int) int { return max(n, -n) }
