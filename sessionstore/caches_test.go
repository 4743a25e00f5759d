package sessionstore_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/gorilla/sessions"
)

const noCacheCookie = `no-cache="Set-Cookie"`

// Even without middleware, the store keeps its cookie out of caches.
func TestStore_SetCookieIsKeptFromCaches(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		for _, step := range []struct {
			name   string
			handle func(*sessions.Session)
			sets   bool
		}{
			{"Nothing", nil, false},
			{"New", setTo("cart", 3), true},
			{"Read", nil, false},
			{"SignIn", signInAs("ada"), true},
			{"SignOut", signOut, true},
		} {
			h := b.headers(t, http.Header{}, step.handle)
			want := map[string][]string{"Set-Cookie": nil, "Vary": nil, "Cache-Control": nil}
			if step.sets {
				want["Vary"], want["Cache-Control"] = []string{"Cookie"}, []string{noCacheCookie}
			}
			if (len(h["Set-Cookie"]) == 1) != step.sets || !slices.Equal(h["Vary"], want["Vary"]) || !slices.Equal(h["Cache-Control"], want["Cache-Control"]) {
				t.Errorf("%s: headers %v", step.name, h)
			}
		}
	})
}

// headers visits a page that sets its own headers and saves twice, and returns
// the headers of the response.
func (b *browser) headers(t *testing.T, own http.Header, handle func(*sessions.Session)) http.Header {
	t.Helper()
	return b.request(t, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range own {
			w.Header()[name] = slices.Clone(values)
		}
		session, err := b.site.store.Get(r, cookieName)
		if err != nil {
			t.Error(err)
		}
		if handle != nil {
			handle(session)
		}
		for range 2 {
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
		}
	}).Header
}

// Caching headers of the app are kept, and not duplicated.
func TestStore_OwnCachingHeadersStay(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, test := range []struct{ own, want http.Header }{
			{
				http.Header{"Cache-Control": {"private, max-age=60"}, "Vary": {"Accept-Encoding"}},
				http.Header{"Cache-Control": {"private, max-age=60", noCacheCookie}, "Vary": {"Accept-Encoding", "Cookie"}},
			},
			{
				http.Header{"Cache-Control": {"No-Store, private"}, "Vary": {"Accept, cookie"}},
				http.Header{"Cache-Control": {"No-Store, private"}, "Vary": {"Accept, cookie"}},
			},
			{
				http.Header{"Cache-Control": {"private", noCacheCookie}, "Vary": {"Accept", "Cookie"}},
				http.Header{"Cache-Control": {"private", noCacheCookie}, "Vary": {"Accept", "Cookie"}},
			},
		} {
			h := s.browser(t).headers(t, test.own, setTo("cart", 3))
			for name, want := range test.want {
				if !slices.Equal(h[name], want) {
					t.Errorf("%v became %v", test.own[name], h[name])
				}
			}
		}
	})
}
