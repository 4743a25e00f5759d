package grifts

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// fixture is a migrated database, and what a task needs to work on it.
type fixture struct {
	tools
	out *bytes.Buffer
	now time.Time
}

func onEveryEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { test(t, newFixture(t, engine)) })
	}
}

func newFixture(t *testing.T, engine testdb.Engine) *fixture {
	t.Helper()
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	db := appdb.Migrated(t, testdb.NewURL(t, engine))
	f := &fixture{out: &bytes.Buffer{}, now: time.Now()}
	opts := sessions.Options(cfg)
	opts.Now = func() time.Time { return f.now }
	store, err := sessionstore.New(db, opts)
	if err != nil {
		t.Fatal(err)
	}
	f.tools = tools{ctx: t.Context(), cfg: cfg, db: db, store: store, out: f.out}
	return f
}

// run runs a task and returns what it printed.
func (f *fixture) run(t *testing.T, task func(tools) error, args ...string) string {
	t.Helper()
	f.out.Reset()
	f.args = args
	if err := task(f.tools); err != nil {
		t.Fatal(err)
	}
	return f.out.String()
}

// signIn creates a session of the user and returns its sid.
func (f *fixture) signIn(t *testing.T, username string) (sid string) {
	t.Helper()
	user, err := models.EnabledUserByUsername(f.db, username)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	session, err := f.store.Get(r, "session")
	if err != nil {
		t.Fatal(err)
	}
	if err := sessionstore.SignIn(session, sessionstore.Login{UserID: user.ID.String(), Method: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := session.Save(r, httptest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
	return session.ID
}

func TestSeedAndListUsers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		if out := f.run(t, seed); out != "4 users created\n" {
			t.Errorf("printed %q", out)
		}
		if out := f.run(t, seed); out != "0 users created\n" {
			t.Errorf("printed %q the second time", out)
		}
		out := f.run(t, listUsers)
		for _, username := range []string{"admin", "contributor", "manager", "user"} {
			if !strings.Contains(out, "\n"+username+" ") {
				t.Errorf("no %s in\n%s", username, out)
			}
		}
	})
}

func TestSeed_RefusedInProduction(t *testing.T) {
	f := newFixture(t, testdb.SQLite)
	f.cfg.Env = config.Production
	if err := seed(f.tools); err == nil {
		t.Error("seeded production")
	}
	if users, err := models.ListUsers(f.db); err != nil || len(users) != 0 {
		t.Errorf("%d users, %v", len(users), err)
	}
}
