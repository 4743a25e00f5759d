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

// workshop is a seeded database with what a task needs, and its output.
type workshop struct {
	tools
	out *bytes.Buffer
	now time.Time
}

func onEveryEngine(t *testing.T, test func(t *testing.T, w *workshop)) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { test(t, newWorkshop(t, engine)) })
	}
}

func newWorkshop(t *testing.T, engine testdb.Engine) *workshop {
	t.Helper()
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	db := appdb.Migrated(t, testdb.NewURL(t, engine))
	w := &workshop{out: &bytes.Buffer{}, now: time.Now()}
	opts := sessions.Options(cfg)
	opts.Now = func() time.Time { return w.now }
	store, err := sessionstore.New(db, opts)
	if err != nil {
		t.Fatal(err)
	}
	w.tools = tools{ctx: t.Context(), cfg: cfg, db: db, store: store, out: w.out}
	return w
}

// run runs a task and returns what it printed.
func (w *workshop) run(t *testing.T, task func(tools) error, args ...string) string {
	t.Helper()
	w.out.Reset()
	w.args = args
	if err := task(w.tools); err != nil {
		t.Fatal(err)
	}
	return w.out.String()
}

// signIn makes a session of the user's and returns its sid.
func (w *workshop) signIn(t *testing.T, username string) (sid string) {
	t.Helper()
	user, err := models.FindUserByUsername(w.db, username)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	session, err := w.store.Get(r, "session")
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
	onEveryEngine(t, func(t *testing.T, w *workshop) {
		if out := w.run(t, seed); out != "4 users created\n" {
			t.Errorf("printed %q", out)
		}
		if out := w.run(t, seed); out != "0 users created\n" {
			t.Errorf("printed %q the second time", out)
		}
		out := w.run(t, listUsers)
		for _, username := range []string{"admin", "contributor", "manager", "user"} {
			if !strings.Contains(out, "\n"+username+" ") {
				t.Errorf("no %s in\n%s", username, out)
			}
		}
	})
}

func TestSeed_RefusedInProduction(t *testing.T) {
	w := newWorkshop(t, testdb.SQLite)
	w.cfg.Env = config.Production
	if err := seed(w.tools); err == nil {
		t.Error("seeded production")
	}
	if users, err := models.ListUsers(w.db); err != nil || len(users) != 0 {
		t.Errorf("%d users, %v", len(users), err)
	}
}
