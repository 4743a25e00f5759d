package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// A browser has the session cookie of a test.
type browser struct {
	t       testing.TB
	store   *sessionstore.Store
	name    string           // of the cookie
	session *buffalo.Session // what the test sees

	mu     sync.Mutex        // of what follows
	cookie *http.Cookie      // nil if there is none
	real   *sessions.Session // the store's, which session is a copy of
	loaded *http.Request     // that real was loaded by
}

// serve has the app answer a request.
func (b *browser) serve(w http.ResponseWriter, r *http.Request, app http.Handler) {
	if b.isOther(r) {
		app.ServeHTTP(w, r)
		return
	}
	app.ServeHTTP(w, b.prepare(r))
	b.receive(w)
}

// isOther reports whether a request has a cookie of its own, as if another browser
// had sent it.
func (b *browser) isOther(r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	own, err := r.Cookie(b.name)
	return err == nil && (b.cookie == nil || own.Value != b.cookie.Value)
}

// prepare saves what the test set in the session, and returns the request with the
// cookie.
func (b *browser) prepare(r *http.Request) *http.Request {
	if err := b.Save(nil, nil, nil); err != nil {
		b.t.Errorf("sessiontest: the session as the test set it: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r = r.Clone(r.Context()) // the test may send r again
	b.addCookie(r)
	return r
}

// addCookie adds the cookie to a request, unless it has it.
func (b *browser) addCookie(r *http.Request) {
	if _, err := r.Cookie(b.name); err != nil && b.cookie != nil {
		r.AddCookie(&http.Cookie{Name: b.name, Value: b.cookie.Value})
	}
}

// receive keeps the cookie of a response, and loads the session again.
func (b *browser) receive(w http.ResponseWriter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(sentHeader(w))
	if err := b.load(); err != nil {
		b.t.Logf("sessiontest: %v", err) // not an error: it may be what is tested
	}
}

// sentHeader returns the header that a response was sent with.
func sentHeader(w http.ResponseWriter) http.Header {
	if response, ok := w.(*buffalo.Response); ok {
		if recorder, ok := response.ResponseWriter.(interface{ Result() *http.Response }); ok {
			return recorder.Result().Header // without what was set too late
		}
	}
	return w.Header()
}

// keep keeps the cookie that a header sets, or forgets the one that it deletes.
func (b *browser) keep(header http.Header) {
	if cookie := cookieIn(header, b.name); cookie != nil {
		b.cookie = cookie
	}
	if b.cookie != nil && b.cookie.MaxAge < 0 {
		b.cookie = nil
	}
}

// load reads the session from the database.
func (b *browser) load() (err error) {
	b.loaded = httptest.NewRequest(http.MethodGet, "/", nil)
	b.addCookie(b.loaded)
	b.real, err = b.store.New(b.loaded, b.name)
	seen := sessions.NewSession(b, b.name)
	seen.ID, seen.IsNew, seen.Values, seen.Options = b.real.ID, b.real.IsNew, b.real.Values, b.real.Options
	b.session.Session = seen
	return err
}

// Save writes what the test changed in the session. It implements sessions.Store for
// the Save of the session that the test sees, which has neither request nor response.
func (b *browser) Save(*http.Request, http.ResponseWriter, *sessions.Session) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.session.Session
	if sessionstore.Err(b.real) != nil && len(seen.Values) == 0 {
		return nil // it could not be loaded, and the test set nothing
	}
	b.real.Values, b.real.Options = seen.Values, seen.Options
	response := httptest.NewRecorder()
	err := b.real.Save(b.loaded, response)
	b.keep(response.Result().Header)
	seen.ID = b.real.ID
	return err
}

// Get implements sessions.Store. Nothing calls it.
func (b *browser) Get(r *http.Request, name string) (*sessions.Session, error) {
	return b.store.Get(r, name)
}

// New implements sessions.Store. Nothing calls it.
func (b *browser) New(r *http.Request, name string) (*sessions.Session, error) {
	return b.store.New(r, name)
}

// cookieIn returns the cookie of that name that the header of a response sets, or nil.
func cookieIn(header http.Header, name string) *http.Cookie {
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		if cookie.Name == name {
			return cookie
		}
	}
	return nil
}
