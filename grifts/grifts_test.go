package grifts

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/appdb"
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
	opts := cfg.SessionOptions()
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

// signIn makes a session of the user's and returns its cookie's value.
func (w *workshop) signIn(t *testing.T, username string) string {
	t.Helper()
	return w.signInAs(t, username, sessionstore.Login{})
}

// signInAs is signIn with more about the sign-in.
func (w *workshop) signInAs(t *testing.T, username string, login sessionstore.Login) string {
	t.Helper()
	user, err := models.FindUserByUsername(w.db, username)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	response := httptest.NewRecorder()
	session, err := w.store.Get(r, "session")
	if err != nil {
		t.Fatal(err)
	}
	login.UserID, login.Method = user.ID.String(), "test"
	if err := sessionstore.SignIn(session, login); err != nil {
		t.Fatal(err)
	}
	session.Values["cart"] = "two apples"
	if err := session.Save(r, response); err != nil {
		t.Fatal(err)
	}
	return response.Result().Cookies()[0].Value
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

func TestListSessions(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, w *workshop) {
		w.run(t, seed)
		admin, _, _ := strings.Cut(w.signIn(t, "admin"), ".")
		user, _, _ := strings.Cut(w.signIn(t, "user"), ".")
		if out := w.run(t, listSessions); !strings.Contains(out, admin) || !strings.Contains(out, user) {
			t.Errorf("a session is missing in\n%s", out)
		}
		if out := w.run(t, listSessions, "user"); strings.Contains(out, admin) || !strings.Contains(out, user) {
			t.Errorf("not the user's sessions:\n%s", out)
		}
		w.args = []string{"nobody"}
		if err := listSessions(w.tools); err == nil {
			t.Error("listed an unknown user's sessions")
		}
	})
}

func TestSessions_Remembered(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, w *workshop) {
		w.run(t, seed)
		for shown, cookie := range map[string]string{
			"-":   w.signIn(t, "user"),
			"yes": w.signInAs(t, "user", sessionstore.Login{Remember: true}),
		} {
			sid, _, _ := strings.Cut(cookie, ".")
			line := regexp.MustCompile("(?m)^" + sid + ` +\S+ +test +` + shown + ` +20`)
			if out := w.run(t, listSessions); !line.MatchString(out) {
				t.Errorf("no %s in\n%s", line, out)
			}
			line = regexp.MustCompile(`(?m)^remembered +` + shown + `$`)
			if out := w.run(t, showSession, sid); !line.MatchString(out) {
				t.Errorf("no %s in\n%s", line, out)
			}
		}
	})
}

func TestShowSession(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, w *workshop) {
		w.run(t, seed)
		cookie := w.signIn(t, "manager")
		parts := strings.Split(cookie, ".")
		for _, given := range []string{cookie, parts[0], "session=" + cookie} {
			out := w.run(t, showSession, given)
			if !strings.Contains(out, parts[0]) || !strings.Contains(out, `"two apples"`) {
				t.Errorf("%s: not all of it:\n%s", given, out)
			}
			if strings.Contains(out, parts[1]) {
				t.Errorf("%s: printed the secret:\n%s", given, out)
			}
		}
		if out := w.run(t, showSession, parts[0]+"."+parts[1]+".forged"); !strings.Contains(out, "NOT valid") {
			t.Errorf("a forged cookie passes:\n%s", out)
		}
	})
}

func TestShowSession_Refused(t *testing.T) {
	w := newWorkshop(t, testdb.SQLite)
	for _, args := range [][]string{{}, {"a", "b"}, {"nosuchsid"}, {""}, {"\x00"}} {
		w.args = args
		if err := showSession(w.tools); err == nil {
			t.Errorf("%q accepted", args)
		}
	}
}

func TestCleanupSessions(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, w *workshop) {
		w.run(t, seed)
		w.signIn(t, "admin")
		w.signIn(t, "user")
		w.now = w.now.Add(2 * time.Hour)
		alive, _, _ := strings.Cut(w.signIn(t, "manager"), ".")
		if out := w.run(t, cleanupSessions); out != "2 expired sessions deleted\n" {
			t.Errorf("printed %q", out)
		}
		if out := w.run(t, cleanupSessions); out != "0 expired sessions deleted\n" {
			t.Errorf("printed %q the second time", out)
		}
		if _, _, err := w.store.Inspect(t.Context(), alive); err != nil {
			t.Errorf("the live session: %v", err)
		}
	})
}
