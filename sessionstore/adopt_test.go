package sessionstore_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

const adoption = 24 * time.Hour

var foreignSecret = []byte("the secret of the store that the program had before")

// adopting makes a store adopt the sessions of another one for a day.
func adopting(old sessions.Store) func(*sessionstore.Options) {
	return func(o *sessionstore.Options) {
		o.Adopt, o.AdoptUntil = old, at(adoption)
	}
}

// oldCookie returns a cookie of another store, for a session with these values.
func oldCookie(t *testing.T, old sessions.Store, values map[any]any, cookies ...string) string {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	for _, cookie := range cookies {
		r.Header.Set("Cookie", cookie)
	}
	session, err := old.Get(r, cookieName)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range values {
		session.Values[key] = value
	}
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return cookie
}

var adasCart = map[any]any{"user_id": "ada", "cart": 3}

// An idStore keeps sessions on the server, as database-backed stores do. The
// cookie holds the signed ID, and differs each time.
type idStore struct {
	codec securecookie.Codec
	err   error // of New

	mu       sync.Mutex
	sessions map[string]map[any]any
}

func newIDStore() *idStore {
	return &idStore{codec: securecookie.New(foreignSecret, foreignSecret[:32]), sessions: map[string]map[any]any{}}
}

func (s *idStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

func (s *idStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	session.Options, session.IsNew = &sessions.Options{}, true
	cookie, err := r.Cookie(name)
	if err != nil || s.err != nil {
		return session, s.err
	}
	if err := s.codec.Decode(name, cookie.Value, &session.ID); err != nil {
		return session, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range s.sessions[session.ID] {
		session.Values[key], session.IsNew = value, false
	}
	return session, nil
}

func (s *idStore) Save(_ *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session.ID == "" {
		session.ID = string(securecookie.GenerateRandomKey(8))
	}
	s.sessions[session.ID] = session.Values
	value, err := s.codec.Encode(session.Name(), session.ID)
	http.SetCookie(w, sessions.NewCookie(session.Name(), value, session.Options))
	return err
}

func TestStore_Adopt(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	cookie := oldCookie(t, old, adasCart)
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.with(t, cookie)
		v := ada.change(t, nil)
		if v.session.IsNew || v.session.Values["user_id"] != "ada" || v.session.Values["cart"] != 3 || len(v.cookies) != 1 {
			t.Fatalf("new: %t, values %v, cookies %v", v.session.IsNew, v.session.Values, v.cookies)
		}
		row := s.row(t, v.cookies[0].Value)
		if row.UserID == nil || *row.UserID != "ada" || row.AuthMethod != "adopted" || row.AuthenticatedAt != nil {
			t.Errorf("user %v, method %q, authenticated at %v", row.UserID, row.AuthMethod, row.AuthenticatedAt)
		}
		delete(ada.header, "Cookie")
		if got := ada.read(t); got["user_id"] != "ada" || got["cart"] != 3 {
			t.Errorf("with the new cookie the session holds %v", got)
		}
		if n, err := count(t.Context(), s.store, "ada"); n != 1 || err != nil {
			t.Errorf("sessions of ada: %d, %v", n, err)
		}
	}, adopting(old))
}

// The browser may not receive the new cookie.
func TestStore_AdoptAgain(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	cookie := oldCookie(t, old, adasCart)
	onEveryEngine(t, func(t *testing.T, s *site) {
		first := s.with(t, cookie).change(t, nil)
		again := s.with(t, cookie).set(t, "cart", 4)
		if again.session.ID != first.session.ID || again.session.IsNew {
			t.Errorf("sessions %s and %s", first.session.ID, again.session.ID)
		}
		if n, err := count(t.Context(), s.store, "ada"); n != 1 || err != nil {
			t.Errorf("sessions of ada: %d, %v", n, err)
		}
	}, adopting(old))
}

func TestStore_AdoptAtOnce(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	cookie := oldCookie(t, old, adasCart)
	onEveryEngine(t, func(t *testing.T, s *site) {
		loaded, ids := new(sync.WaitGroup), make([]string, 8)
		loaded.Add(len(ids))
		var requests group
		for i := range ids {
			requests.Go(func() {
				v := s.with(t, cookie).visit(t, func(session *sessions.Session) {
					session.Values[i] = true
					loaded.Done()
					loaded.Wait() // nobody has saved yet
				})
				if v.saveErr != nil {
					t.Errorf("Save: %v", v.saveErr)
				}
				ids[i] = v.session.ID
			})
		}
		requests.Wait()
		for _, id := range ids[1:] {
			if id != ids[0] {
				t.Fatalf("one old session became %v", ids)
			}
		}
		_, values, err := s.store.Inspect(t.Context(), ids[0])
		if err != nil || len(values) != len(ids)+len(adasCart) {
			t.Errorf("of all requests, the session holds %v, %v", values, err)
		}
	}, adopting(old))
}

// The row of an adopted session stays until AdoptUntil, so that the old cookie
// does not work again after a cleanup.
func TestStore_AdoptCleanedUp(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	cookie := oldCookie(t, old, adasCart)
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.with(t, cookie).change(t, nil)
		s.clock.advance(adoption - time.Second)
		if _, err := cleanUp(t.Context(), s.store); err != nil {
			t.Fatal(err)
		}
		if v := s.with(t, cookie).change(t, nil); !v.session.IsNew {
			t.Errorf("the old cookie works again, with %v", v.session.Values)
		}
		s.clock.advance(time.Second)
		if _, err := cleanUp(t.Context(), s.store); err != nil {
			t.Fatal(err)
		}
		s.wantRows(t, 0)
	}, adopting(old))
}

// Database-backed stores set a different cookie for the same session each time.
func TestStore_AdoptByID(t *testing.T) {
	old := newIDStore()
	onEveryEngine(t, func(t *testing.T, s *site) {
		first := oldCookie(t, old, map[any]any{"user_id": "ada", "for": t.Name()})
		second := oldCookie(t, old, nil, first)
		if first == second {
			t.Fatal("the old store set the same cookie twice")
		}
		adopted := s.with(t, first).change(t, nil)
		ada := s.with(t, second)
		v := ada.change(t, nil)
		if v.session.ID != adopted.session.ID || v.session.Values["user_id"] != "ada" {
			t.Errorf("sessions %s and %s, values %v", adopted.session.ID, v.session.ID, v.session.Values)
		}
		ada.change(t, signOut)
		for _, cookie := range []string{first, second} {
			if v := s.with(t, cookie).change(t, nil); !v.session.IsNew {
				t.Errorf("after the sign-out an old cookie holds %v", v.session.Values)
			}
		}
	}, adopting(old))
}

func TestStore_AdoptValues(t *testing.T) {
	type local struct{ A int } // not registered with gob
	old := newIDStore()
	var log lockedBuffer
	ignoring := func(o *sessionstore.Options) {
		o.Ignore = func(key, _ any) bool { return key == "requestor" }
	}
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, test := range map[string]struct {
			values map[any]any
			want   int
		}{
			"OneIsUnknown": {map[any]any{"user_id": "ada", "cart": 3, "local": local{1}}, 2},
			"OneIsIgnored": {map[any]any{"user_id": "ada", "requestor": "x"}, 1},
			"TooLarge":     {map[any]any{"user_id": "ada", "page": strings.Repeat("x", sessionstore.DefaultMaxBytes)}, 0},
			"BadUser":      {map[any]any{"user_id": "ada\x00", "cart": 3}, 0},
		} {
			v := s.with(t, oldCookie(t, old, test.values)).change(t, nil)
			if len(v.session.Values) != test.want || v.session.IsNew != (test.want == 0) {
				t.Errorf("%s: new: %t, values %.100v", name, v.session.IsNew, v.session.Values)
			}
		}
	}, adopting(old), ignoring, logTo(&log))
	t.Cleanup(func() {
		for _, want := range []string{"left out", "not adopted"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("nothing is logged about %q", want)
			}
		}
	})
}

func TestStore_AdoptCountsForTheLimit(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onEveryEngine(t, func(t *testing.T, s *site) {
		for i := range 3 {
			s.with(t, oldCookie(t, old, map[any]any{"user_id": "ada", "device": i})).change(t, nil)
			s.clock.advance(time.Minute)
		}
		if n, err := count(t.Context(), s.store, "ada"); n != 2 || err != nil {
			t.Errorf("adopted sessions of ada: %d, %v, want 2", n, err)
		}
		s.browser(t).signIn(t, "ada")
		if n, err := count(t.Context(), s.store, "ada"); n != 2 || err != nil {
			t.Errorf("sessions of ada: %d, %v, want 2", n, err)
		}
	}, adopting(old), func(o *sessionstore.Options) { o.MaxPerUser = 2 })
}
