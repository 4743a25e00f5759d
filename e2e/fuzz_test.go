package e2e

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapi"
	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// How often an operation is asked as one user: often if there is something that
// could be sent wrong, and somebody who may send it. It is less than what one
// address may do in a minute: see signInLimit in actions.
const (
	seldom = 10
	often  = 50
)

// TestAPI_Fuzz asks for every operation of openapi.yaml what it should be asked
// and much that it should not. No answer may be a 5xx, or one that the document
// does not have; the client looks to the latter. LATCHKEY_SEED repeats a run.
func TestAPI_Fuzz(t *testing.T) {
	seed := seedOf(t)
	operations, err := testapi.Operations()
	if err != nil {
		t.Fatal(err)
	}
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine, Extra: []string{
			"TRUSTED_PROXIES=127.0.0.1/32", "GITHUB_KEY=key", "GITHUB_SECRET=secret",
		}})
		for i, operation := range operations {
			t.Run(operation.String(), func(t *testing.T) {
				f := newFuzzer(app, seed, operation)
				for j, as := range []string{"", "manager", "admin"} {
					f.address = fmt.Sprintf("198.51.%d.%d", i, j)
					f.batch(t, as)
				}
			})
		}
	})
}

func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("LATCHKEY_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("LATCHKEY_SEED: %v", err)
		}
	}
	t.Logf("LATCHKEY_SEED=%d", seed)
	return seed
}

// fuzzer asks for one operation.
type fuzzer struct {
	*rand.Rand
	testapi.Operation
	deck    []string // of nasty, what has not been sent yet
	app     *testapp.App
	client  *testapp.Client
	as      string // nobody when empty
	userID  string
	address string
}

func newFuzzer(app *testapp.App, seed uint64, operation testapi.Operation) *fuzzer {
	name := fnv.New64()
	fmt.Fprint(name, operation) // so that one operation alone is asked the same
	return &fuzzer{Rand: rand.New(rand.NewPCG(seed, name.Sum64())), Operation: operation, app: app}
}

// batch stops at the first answer that is wrong, and says what was asked.
func (f *fuzzer) batch(t *testing.T, as string) {
	t.Helper()
	f.as, f.client, f.userID = as, f.app.Client(t), ""
	if as != "" {
		query(t, f.app, &f.userID, "SELECT id FROM users WHERE email = ?", as+"@example.com")
	}
	requests := seldom
	if as != "" && (f.Body != nil || len(f.Parameters) > 0) {
		requests = often
	}
	signedIn := false
	for range requests {
		if !signedIn && f.as != "" {
			f.signIn(t)
		}
		path, options, told := f.request()
		r := f.client.Do(f.Method, path, options...)
		f.judge(t, r)
		if t.Failed() {
			t.Fatalf("as %q: %s %.500q %.500s\nanswered %d %.500q", f.as, f.Method, path, told, r.StatusCode, r.Body)
		}
		signedIn = f.client.Cookies()["session"] != "" && r.StatusCode != http.StatusUnauthorized
		f.client = f.again(t)
	}
}

// again returns a client with the session's cookie only: each sign-in that begins
// leaves one of its own.
func (f *fuzzer) again(t *testing.T) *testapp.Client {
	t.Helper()
	client := f.app.Client(t)
	if cookie := f.client.Cookies()["session"]; cookie != "" && f.as != "" {
		client.SetCookie("session", cookie)
	}
	return client
}

// signIn signs the user in, whatever the requests before did to him.
func (f *fuzzer) signIn(t *testing.T) {
	t.Helper()
	role := "member"
	if f.as == "admin" {
		role = "admin"
	}
	execute(t, f.app, "UPDATE users SET username = ?, role = ?, disabled_at = NULL WHERE id = ?", "fuzz-"+f.as, role, f.userID)
	f.client.SignIn("fuzz-" + f.as)
}

func (f *fuzzer) judge(t *testing.T, r *testapp.Response) {
	t.Helper()
	if r.StatusCode >= http.StatusInternalServerError {
		t.Errorf("%d", r.StatusCode)
	}
	if r.StatusCode >= http.StatusBadRequest {
		wantNothingInternal(t, r)
	}
	page := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
	redirect := r.StatusCode >= 300 && r.StatusCode < 400
	if page && !redirect && r.Request.Header.Get("Accept") == "application/json" && f.Path != "/docs" {
		t.Error("a page, where JSON was asked for")
	}
}
