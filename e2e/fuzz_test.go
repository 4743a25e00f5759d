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

// The number of requests for each operation and user. There are many if the request has a
// body or parameters and the user is signed in. Both are below signInLimit in package
// actions, the limit per IP address.
const (
	fewRequests  = 10
	manyRequests = 50
)

// TestAPI_Fuzz sends valid and invalid requests for every operation of openapi.yaml. No
// response may be a 5xx. The client checks that each response is in the document.
// LATCHKEY_SEED repeats a run.
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

// fuzzer sends requests for one operation.
type fuzzer struct {
	*rand.Rand
	testapi.Operation
	unsent  []string // the rest of nasty, shuffled
	app     *testapp.App
	client  *testapp.Client
	as      string // empty means anonymous
	userID  string
	address string
}

func newFuzzer(app *testapp.App, seed uint64, operation testapi.Operation) *fuzzer {
	name := fnv.New64()
	fmt.Fprint(name, operation) // so that an operation gets the same requests if it runs alone
	return &fuzzer{Rand: rand.New(rand.NewPCG(seed, name.Sum64())), Operation: operation, app: app}
}

// batch sends requests as one user. It stops at the first wrong response.
func (f *fuzzer) batch(t *testing.T, as string) {
	t.Helper()
	f.as, f.client, f.userID = as, f.app.Client(t), ""
	if as != "" {
		query(t, f.app, &f.userID, "SELECT id FROM users WHERE email = ?", as+"@example.com")
	}
	requests := fewRequests
	if as != "" && (f.Body != nil || len(f.Parameters) > 0) {
		requests = manyRequests
	}
	signedIn := false
	for range requests {
		if !signedIn && f.as != "" {
			f.signIn(t)
		}
		path, options, details := f.request()
		r := f.client.Do(f.Method, path, options...)
		f.check(t, r)
		if t.Failed() {
			t.Fatalf("as %q: %s %.500q %.500s\nreturned %d %.500q", f.as, f.Method, path, details, r.StatusCode, r.Body)
		}
		signedIn = f.client.Cookies()["session"] != "" && r.StatusCode != http.StatusUnauthorized
		f.client = f.nextClient(t)
	}
}

// nextClient returns a client that has only the session cookie, because each sign-in that
// starts adds a cookie.
func (f *fuzzer) nextClient(t *testing.T) *testapp.Client {
	t.Helper()
	client := f.app.Client(t)
	if cookie := f.client.Cookies()["session"]; cookie != "" && f.as != "" {
		client.SetCookie("session", cookie)
	}
	return client
}

// signIn restores the user's name, role and state, which earlier requests may have changed,
// and signs in.
func (f *fuzzer) signIn(t *testing.T) {
	t.Helper()
	role := "member"
	if f.as == "admin" {
		role = "admin"
	}
	execute(t, f.app, "UPDATE users SET username = ?, role = ?, disabled_at = NULL WHERE id = ?", "fuzz-"+f.as, role, f.userID)
	f.client.SignIn("fuzz-" + f.as)
}

func (f *fuzzer) check(t *testing.T, r *testapp.Response) {
	t.Helper()
	if r.StatusCode >= http.StatusInternalServerError {
		t.Errorf("status %d, want less than 500", r.StatusCode)
	}
	if r.StatusCode >= http.StatusBadRequest {
		wantNothingInternal(t, r)
	}
	page := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
	redirect := r.StatusCode >= 300 && r.StatusCode < 400
	if page && !redirect && r.Request.Header.Get("Accept") == "application/json" && f.Path != "/docs" {
		t.Error("the response is a page, want JSON")
	}
}
