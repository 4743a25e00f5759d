package sessionstore_test

import (
	"encoding/gob"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) {
	gob.Register(order{})
	gob.Register(map[string]int{})
	testdb.Main(m)
}

const cookieName = "session"

var (
	secret = []byte("correct horse battery staple, 32")

	// midday has more digits than the microseconds that the databases store.
	midday = time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC)
)

// onEveryEngine runs the test on each database.
func onEveryEngine(t *testing.T, test func(t *testing.T, s *site), edits ...func(*sessionstore.Options)) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, testdb.NewURL(t, engine), edits...))
		})
	}
}

// A site is a web server with sessions in a database. Each test supplies its own
// pages.
type site struct {
	conn    *pop.Connection
	clock   *clock
	queries *tally
	store   *sessionstore.Store
	server  *httptest.Server
	pages   sync.Map // path → http.HandlerFunc
	page    atomic.Int64
}

func newSite(t testing.TB, databaseURL string, edits ...func(*sessionstore.Options)) *site {
	t.Helper()
	return newSiteOn(t, testdb.Migrated(t, databaseURL), edits...)
}

func newSiteOn(t testing.TB, conn *pop.Connection, edits ...func(*sessionstore.Options)) *site {
	t.Helper()
	s := &site{conn: conn, clock: &clock{now: midday}}
	return s.instance(t, edits...)
}

// instance starts another server of the site, with its own store, on the same
// database and clock.
func (s *site) instance(t testing.TB, edits ...func(*sessionstore.Options)) *site {
	t.Helper()
	opts := sessionstore.Options{Secrets: [][]byte{secret}, Cookie: sessionstore.Cookie{Insecure: true}, Now: s.clock.Now, Logger: slog.New(slog.DiscardHandler)}
	for _, edit := range edits {
		edit(&opts)
	}
	store, err := sessionstore.New(s.conn, opts)
	if err != nil {
		t.Fatal(err)
	}
	other := &site{conn: s.conn, clock: s.clock, queries: new(tally), store: store}
	other.server = httptest.NewUnstartedServer(other)
	other.server.Config.BaseContext = other.queries.baseContext
	other.server.Start()
	t.Cleanup(other.server.Close)
	return other
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, _ := s.pages.Load(r.URL.Path)
	page.(http.HandlerFunc)(w, r)
}

func (s *site) url(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A clock only moves when advance is called.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// at returns the time d after the start of the test, in the precision of the
// databases.
func at(d time.Duration) time.Time { return midday.Truncate(time.Microsecond).Add(d) }

// A browser keeps the site's cookies and does not follow redirects.
type browser struct {
	site   *site
	client *http.Client
	header http.Header // sent with every request
}

func (s *site) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Jar:           jar,
		Transport:     s.server.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &browser{site: s, client: client, header: http.Header{}}
}

// with returns a browser that sends exactly these Cookie headers until it
// receives a cookie.
func (s *site) with(t testing.TB, cookies ...string) *browser {
	t.Helper()
	b := s.browser(t)
	b.header["Cookie"] = cookies
	return b
}

// on returns the same browser, talking to another server of the site. Cookies are
// shared across ports.
func (b *browser) on(other *site) *browser {
	return &browser{site: other, client: b.client, header: b.header}
}

// request handles a request of the browser with page. If there is no response,
// the test fails and request returns nil.
func (b *browser) request(t testing.TB, page http.HandlerFunc) *http.Response {
	t.Helper()
	path := fmt.Sprintf("/%d", b.site.page.Add(1))
	b.site.pages.Store(path, page)
	r, err := http.NewRequest(http.MethodPost, b.site.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = b.header.Clone()
	response, err := b.client.Do(r)
	if err != nil {
		t.Error(err)
		return nil
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	return response
}

// A visit is the result of one request.
type visit struct {
	session *sessions.Session // as Save left it
	getErr  error
	saveErr error
	cookies []*http.Cookie // that the response set
}

// visit calls handle, if it is not nil, with the session of a request and saves
// the session.
func (b *browser) visit(t testing.TB, handle func(*sessions.Session)) visit {
	t.Helper()
	visits := make(chan visit, 1)
	response := b.request(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(visits) // even after a panic
		session, err := b.site.store.Get(r, cookieName)
		if handle != nil {
			handle(session)
		}
		visits <- visit{session: session, getErr: err, saveErr: session.Save(r, w)}
	})
	if response == nil {
		return visit{}
	}
	v := <-visits
	v.cookies = response.Cookies()
	return v
}

// change is a visit that must succeed.
func (b *browser) change(t testing.TB, handle func(*sessions.Session)) visit {
	t.Helper()
	v := b.visit(t, handle)
	if v.getErr != nil || v.saveErr != nil || v.session == nil {
		t.Fatalf("Get: %v, Save: %v", v.getErr, v.saveErr)
	}
	return v
}

func (b *browser) set(t testing.TB, key, value any) visit {
	t.Helper()
	return b.change(t, func(session *sessions.Session) { session.Values[key] = value })
}

// read returns the values of the session without changing it.
func (b *browser) read(t testing.TB) map[any]any {
	t.Helper()
	return b.change(t, nil).session.Values
}

func (b *browser) signIn(t testing.TB, userID string) visit {
	t.Helper()
	return b.change(t, signInAs(userID))
}

func signInAs(userID string) func(*sessions.Session) {
	return func(session *sessions.Session) {
		if err := signIn(session, userID, "password"); err != nil {
			panic(err)
		}
	}
}

// user returns the current user, or nil if anonymous.
func (b *browser) user(t testing.TB) any {
	t.Helper()
	return b.read(t)["user_id"]
}

// cookie returns the value of the browser's cookie, or "".
func (b *browser) cookie(t testing.TB) string {
	t.Helper()
	for _, c := range b.client.Jar.Cookies(b.site.url(t)) {
		if c.Name == cookieName {
			return c.Value
		}
	}
	return ""
}

// while calls meanwhile after handle, but before the session is saved.
func (b *browser) while(t testing.TB, handle func(*sessions.Session), meanwhile func()) visit {
	t.Helper()
	handled, resume := make(chan struct{}), make(chan struct{})
	visits := make(chan visit, 1)
	go func() {
		visits <- b.visit(t, func(session *sessions.Session) {
			handle(session)
			close(handled)
			<-resume
		})
	}()
	<-handled
	meanwhile()
	close(resume)
	return <-visits
}
