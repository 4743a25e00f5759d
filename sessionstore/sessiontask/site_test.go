package sessiontask_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessiontask"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// A site is a store on an empty database, and its tasks.
type site struct {
	sessiontask.Tasks
	conn *pop.Connection
	out  *bytes.Buffer
	now  time.Time
}

func onEveryEngine(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { test(t, newSite(t, engine)) })
	}
}

func newSite(t *testing.T, engine testdb.Engine) *site {
	t.Helper()
	s := &site{
		conn: testdb.Migrated(t, testdb.NewURL(t, engine)),
		out:  &bytes.Buffer{},
		now:  time.Now(),
	}
	store, err := sessionstore.New(s.conn, sessionstore.Options{
		Secrets: [][]byte{[]byte(strings.Repeat("s", 32))},
		Now:     func() time.Time { return s.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Tasks = sessiontask.Tasks{Store: store, Out: s.out}
	return s
}

// A task is one of the methods of Tasks.
type task func(sessiontask.Tasks, context.Context, []string) error

// run runs a task and returns its output.
func (s *site) run(t *testing.T, task task, args ...string) string {
	t.Helper()
	s.out.Reset()
	if err := task(s.Tasks, t.Context(), args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return s.out.String()
}

// wantRefused runs a task that must print nothing and return an error with this
// text.
func (s *site) wantRefused(t *testing.T, says string, task task, args ...string) {
	t.Helper()
	s.out.Reset()
	err := task(s.Tasks, t.Context(), args)
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%q: error %v, want one with %q", args, err, says)
		return
	}
	if s.out.Len() > 0 {
		t.Errorf("%q: printed %q beside the error", args, s.out)
	}
}

// A cookie is the value of a session's cookie.
type cookie string

func (c cookie) sid() string { return strings.Split(string(c), ".")[0] }

// wantHidden checks that the text contains neither the secret nor the signature.
func (c cookie) wantUnsaid(t *testing.T, text string) {
	t.Helper()
	for _, secret := range strings.Split(string(c), ".")[1:] {
		if strings.Contains(text, secret) {
			t.Errorf("it has part of the cookie:\n%s", text)
		}
	}
}

// signIn creates a session. values alternate between keys and values. If the user
// is empty, the session is anonymous.
func (s *site) signIn(t *testing.T, login sessionstore.Login, values ...any) cookie {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", "test browser")
	session, err := s.Store.Get(r, "session")
	if err != nil {
		t.Fatal(err)
	}
	if login.UserID != "" {
		if err := sessionstore.SignIn(session, login); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(values); i += 2 {
		session.Values[values[i]] = values[i+1]
	}
	response := httptest.NewRecorder()
	if err := session.Save(r, response); err != nil {
		t.Fatal(err)
	}
	return cookie(response.Result().Cookies()[0].Value)
}

// signInAs is signIn with the method "password".
func (s *site) signInAs(t *testing.T, userID string) cookie {
	t.Helper()
	return s.signIn(t, sessionstore.Login{UserID: userID, Method: "password"})
}

func (s *site) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if err := s.conn.RawQuery(sql, args...).Exec(); err != nil {
		t.Fatal(err)
	}
}
