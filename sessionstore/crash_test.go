package sessionstore_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

const (
	// crashURL names the environment variable with the database URL. If it is
	// set, this process is the one that will be killed.
	crashURL = "LATCHKEY_CRASH_URL"

	crashUsers     = 4  // who sign in and save at the same time
	crashSaves     = 10 // of one session, before its user signs in anew
	crashMostLines = 40 // acknowledged before the kill
)

// TestStore_Crash kills a process with SIGKILL while it writes sessions, several
// times on one database. Everything that Save has acknowledged must still be
// there.
func TestStore_Crash(t *testing.T) {
	if databaseURL := os.Getenv(crashURL); databaseURL != "" {
		writeUntilKilled(crashStore(t, testdb.Open(t, databaseURL)))
	}
	kills := 100
	if testing.Short() {
		kills = 10
	}
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			databaseURL := testdb.NewURL(t, engine)
			closeNow(t, testdb.Migrated(t, databaseURL))
			all := make(map[string]acknowledged)
			for range kills {
				round := runAndKill(t, databaseURL, 1+mathrand.IntN(crashMostLines))
				checkAfterKill(t, databaseURL, round)
				if t.Failed() {
					return
				}
				maps.Copy(all, round)
			}
			checkAtEnd(t, databaseURL, all)
		})
	}
}

// closeNow closes the database, so that the next process to open the SQLite file
// has to recover it.
func closeNow(t *testing.T, conn *pop.Connection) {
	t.Helper()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// crashStore renews often, so that many saves consist of two statements. A crash
// must not separate them.
func crashStore(t *testing.T, conn *pop.Connection) *sessionstore.Store {
	t.Helper()
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{secret}, RenewAfter: 2 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// writeUntilKilled has users sign in and save as fast as they can. It never
// returns.
func writeUntilKilled(store *sessionstore.Store) {
	var users group
	for range crashUsers {
		users.Go(func() {
			for {
				writeSession(store, rand.Text())
			}
		})
	}
	users.Wait()
}

// writeSession signs a user in, saves increasing numbers, and prints a line after
// each Save.
func writeSession(store *sessionstore.Store, user string) {
	cookie := ""
	for number := range crashSaves {
		r := requestWith(cookie)
		w := httptest.NewRecorder()
		session, err := store.New(r, cookieName)
		if err == nil && number == 0 {
			err = signIn(session, user, "password")
		}
		session.Values["number"], session.Values["checksum"] = number, checksum(user, number)
		if err == nil {
			err = store.Save(r, w, session)
		}
		if err != nil {
			panic(err)
		}
		if set := w.Result().Cookies(); len(set) > 0 {
			cookie = set[0].Value
		}
		fmt.Println(user, number, cookie)
	}
}

func requestWith(cookie string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
	}
	return r
}

func checksum(user string, number int) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, user, number)))
}

// acknowledged is the state that a successful Save promised.
type acknowledged struct {
	number int
	cookie string
}

// runAndKill runs the process until it has acknowledged that many saves, kills
// it, and returns the last acknowledged state of each user.
func runAndKill(t *testing.T, databaseURL string, lines int) map[string]acknowledged {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stdout := &lineCounter{left: lines, enough: make(chan struct{})}
	var stderr bytes.Buffer
	cmd := exec.Command(path, "-test.run=^TestStore_Crash$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), crashURL+"="+databaseURL)
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	p, err := testproc.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-stdout.enough:
	case <-p.Done:
	case <-time.After(testproc.Patience):
	}
	if err := p.Kill(); stdout.left > 0 || stderr.Len() > 0 {
		t.Fatalf("the program failed, or did not get so far: %v\n%s%s", err, stdout.text.String(), stderr.String())
	}
	return lastOfEach(t, stdout.text.String())
}

// A lineCounter records output and signals when it has seen enough lines. Read
// text only after the process has exited.
type lineCounter struct {
	text   bytes.Buffer
	left   int
	enough chan struct{}
}

func (c *lineCounter) Write(b []byte) (int, error) {
	before := c.left
	if c.left -= bytes.Count(b, []byte("\n")); before > 0 && c.left <= 0 {
		close(c.enough)
	}
	return c.text.Write(b)
}

// lastOfEach returns the last complete line of each user.
func lastOfEach(t *testing.T, text string) map[string]acknowledged {
	t.Helper()
	last := make(map[string]acknowledged)
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break // the kill cut it off
		}
		var user string
		var a acknowledged
		if _, err := fmt.Sscanln(line, &user, &a.number, &a.cookie); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		last[user] = a
	}
	return last
}

// checkAfterKill loads the sessions of the acknowledged cookies.
func checkAfterKill(t *testing.T, databaseURL string, round map[string]acknowledged) {
	t.Helper()
	conn := testdb.Open(t, databaseURL)
	defer closeNow(t, conn)
	store := crashStore(t, conn)
	for user, a := range round {
		session, err := store.New(requestWith(a.cookie), cookieName)
		if err != nil {
			t.Fatal(err)
		}
		a.check(t, user, session.Values)
	}
}

// check compares a session with its acknowledged state. One more save may have
// been written without being acknowledged.
func (a acknowledged) check(t *testing.T, user string, values map[any]any) {
	t.Helper()
	number, _ := values["number"].(int)
	if values["user_id"] != user || number < a.number || number > a.number+1 {
		t.Errorf("user %s, number %d was acknowledged: the session holds %v", user, a.number, values)
	}
	checkWhole(t, user, values)
}

// checkWhole checks that values that were saved together are still consistent.
func checkWhole(t *testing.T, user string, values map[any]any) {
	t.Helper()
	number, ok := values["number"].(int)
	if !ok || values["checksum"] != checksum(user, number) || len(values) != 3 {
		t.Errorf("user %s: the session is torn: %v", user, values)
	}
}

// checkAtEnd reads all sessions, whether they were acknowledged or not.
func checkAtEnd(t *testing.T, databaseURL string, all map[string]acknowledged) {
	t.Helper()
	store := crashStore(t, testdb.Open(t, databaseURL))
	const more = 1_000_000
	records, err := listAll(t.Context(), store, more)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		_, values, err := store.Inspect(t.Context(), record.SID)
		if err != nil {
			t.Fatal(err)
		}
		checkWhole(t, record.UserID, values)
		if a, ok := all[record.UserID]; ok {
			a.check(t, record.UserID, values)
			delete(all, record.UserID)
		}
	}
	for user := range all {
		t.Errorf("user %s: the session was acknowledged and is lost", user)
	}
}
