package sessionstore_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// The number of random interleavings per engine, and the number of steps in each.
const (
	interleavingsOnFile   = 3000
	interleavingsOnServer = 300
	stepsOfInterleaving   = 25
	mostOpenRequests      = 4
)

// TestStore_Model runs concurrent requests in a random order, mixed with
// revocations, cleanups and the passage of time, and compares the table with the
// model after every step. Set LATCHKEY_SEED to replay a failure.
func TestStore_Model(t *testing.T) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			seed, runs := seedOf(t), interleavingsOnServer
			if engine == testdb.SQLite {
				runs = interleavingsOnFile
			}
			if os.Getenv("LATCHKEY_SEED") != "" {
				runs = 1
			}
			l := newLab(t, engine)
			for i := range runs {
				l.interleave(t, seed+uint64(i))
			}
		})
	}
}

// seedOf returns LATCHKEY_SEED if it is set, and a random seed otherwise.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("LATCHKEY_SEED")
	if text == "" {
		return uint64(rand.Uint32())
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("LATCHKEY_SEED: %v", err)
	}
	return seed
}

// A modelFixture is a database with one store per renewal interval. All
// interleavings on an engine share it.
type lab struct {
	conn   *pop.Connection
	clock  *clock
	stores map[time.Duration]*sessionstore.Store // by RenewAfter
}

// frequentRenewal is short enough that several renewals fall within one grace
// period.
const oftenRenewal = sessionstore.RenewalGrace / 3

var renewals = []time.Duration{0, oftenRenewal, 10 * time.Minute}

func newLab(t *testing.T, engine testdb.Engine) *lab {
	t.Helper()
	l := &lab{
		conn:   testdb.Migrated(t, testdb.NewURL(t, engine)),
		clock:  &clock{now: midday},
		stores: make(map[time.Duration]*sessionstore.Store),
	}
	for _, renewAfter := range renewals {
		opts := sessionstore.Options{
			Secrets: [][]byte{secret}, Now: l.clock.Now, Logger: slog.New(slog.DiscardHandler),
			IdleTimeout: modelIdle, Lifetime: modelLifetime, RememberLifetime: modelRemember, RenewAfter: renewAfter,
		}
		opts.SetTouchInterval(modelTouch)
		store, err := sessionstore.New(l.conn, opts)
		if err != nil {
			t.Fatal(err)
		}
		l.stores[renewAfter] = store
	}
	return l
}

// An interleaving runs a store and its model side by side.
type interleaving struct {
	*testing.T
	*rand.Rand
	conn     *pop.Connection
	store    *sessionstore.Store
	model    *model
	pace     []time.Duration // between steps
	seed     uint64
	steps    []string
	browsers [3]string              // the cookie that each has
	cookies  []string               // all that were ever handed out
	open     []*openRequest         // loaded and not yet finished
	requests int                    // so far
	written  int                    // values so far, each another one
	found    map[string]map[any]any // content of a row → its values
}

type openRequest struct {
	name    string
	browser int
	r       *http.Request
	w       *httptest.ResponseRecorder
	session *sessions.Session
	model   *modelRequest
}

func (l *lab) interleave(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	renewAfter := renewals[rng.IntN(len(renewals))]
	in := &interleaving{
		T: t, Rand: rng, seed: seed, conn: l.conn, store: l.stores[renewAfter],
		model: newModel(l.clock, renewAfter), found: make(map[string]map[any]any),
	}
	in.pace = pick(in, paces)
	in.step("renewal after %v", renewAfter)
	for range stepsOfInterleaving {
		in.next()
		in.checkRows()
	}
	in.probe()
	in.revokeAll()
	in.checkRows()
	if _, err := in.conn.Store.Exec("DELETE FROM sessions"); err != nil { // the redirect rows are left
		in.failf("%v", err)
	}
}

// step logs the next step, for the failure message.
func (in *interleaving) step(format string, args ...any) {
	in.steps = append(in.steps, fmt.Sprintf(format, args...))
}

func (in *interleaving) failf(format string, args ...any) {
	in.Helper()
	in.Fatalf("%s\nLATCHKEY_SEED=%d\n%s", fmt.Sprintf(format, args...), in.seed, strings.Join(in.steps, "\n"))
}

// next takes a step of a request, or lets something happen outside of the
// requests.
func (in *interleaving) next() {
	switch n := in.IntN(100); {
	case len(in.open) == 0 || n < 20 && len(in.open) < mostOpenRequests:
		in.begin()
	case n < 76:
		in.proceed(pick(in, in.open))
	case n < 91:
		in.wait()
	case n < 94:
		in.cleanUp()
	default:
		in.revoke()
	}
}

func pick[T any](in *interleaving, from []T) T { return from[in.IntN(len(from))] }

// begin opens a request, usually with the browser's current cookie and sometimes
// with any cookie issued so far.
func (in *interleaving) begin() {
	browser := in.IntN(len(in.browsers))
	cookie := in.browsers[browser]
	if len(in.cookies) > 0 && in.IntN(5) == 0 {
		cookie = pick(in, in.cookies)
	}
	in.open = append(in.open, in.load(browser, cookie))
}

// load loads the session of a cookie, in the store and in the model.
func (in *interleaving) load(browser int, cookie string) *openRequest {
	in.requests++
	q := &openRequest{name: fmt.Sprintf("request %d", in.requests), browser: browser, w: httptest.NewRecorder()}
	in.step("%s: browser %d loads with %s", q.name, browser, in.nameOf(cookie))
	var err error
	if q.r, err = http.NewRequest(http.MethodPost, "/", nil); err != nil {
		in.failf("%v", err)
	}
	if cookie != "" {
		q.r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
	}
	if q.session, err = in.store.New(q.r, cookieName); err != nil {
		in.failf("load: %v", err)
	}
	q.model = in.model.load(sidIn(cookie))
	if q.session.IsNew != (q.model.at.sid == "") {
		in.failf("the session is new: %v", q.session.IsNew)
	}
	in.checkRequest(q)
	return q
}

func sidIn(cookie string) string {
	sid, _, _ := strings.Cut(cookie, ".")
	return sid
}

// nameOf names a cookie by the order in which it was issued, because a replay
// issues different cookies.
func (in *interleaving) nameOf(cookie string) string {
	if cookie == "" {
		return "no cookie"
	}
	return fmt.Sprintf("cookie %d", slices.Index(in.cookies, cookie))
}

// probe loads every cookie that was ever issued.
func (in *interleaving) probe() {
	for _, cookie := range in.cookies {
		in.load(0, cookie)
	}
	n, err := countAll(in.Context(), in.store)
	if want := in.model.live(); n != want || err != nil {
		in.failf("%d live sessions, want %d; %v", n, want, err)
	}
}
