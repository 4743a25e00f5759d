package sessionstore_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// newSQLiteSite is for tests that do not depend on the database.
func newSQLiteSite(t *testing.T, edits ...func(*sessionstore.Options)) *site {
	t.Helper()
	return newSite(t, testdb.NewURL(t, testdb.SQLite), edits...)
}

// An app may change session.Options of an existing session, as for "remember me".
func TestStore_ChangedOptionsReachTheBrowser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, test := range map[string]struct {
			change  func(*sessions.Options)
			changed func(*http.Cookie) bool
		}{
			"MaxAge":   {func(o *sessions.Options) { o.MaxAge = 3600 }, func(c *http.Cookie) bool { return c.MaxAge == 3600 }},
			"Domain":   {func(o *sessions.Options) { o.Domain = "example.com" }, func(c *http.Cookie) bool { return c.Domain == "example.com" }},
			"Path":     {func(o *sessions.Options) { o.Path = "/shop" }, func(c *http.Cookie) bool { return c.Path == "/shop" }},
			"SameSite": {func(o *sessions.Options) { o.SameSite = http.SameSiteStrictMode }, func(c *http.Cookie) bool { return c.SameSite == http.SameSiteStrictMode }},
			"Secure":   {func(o *sessions.Options) { o.Secure = true }, func(c *http.Cookie) bool { return c.Secure }},
		} {
			b := s.browser(t)
			b.set(t, "cart", 3)
			cookie := b.cookie(t)
			v := b.change(t, func(session *sessions.Session) { test.change(session.Options) })
			if len(v.cookies) != 1 || v.cookies[0].Value != cookie || !test.changed(v.cookies[0]) || !v.cookies[0].HttpOnly {
				t.Errorf("%s: cookies %v", name, v.cookies)
			}
			if v := b.change(t, nil); len(v.cookies) != 0 {
				t.Errorf("%s: the next response sets %v", name, v.cookies)
			}
		}
	})
}

// A browser with two cookies of the same name would be anonymous everywhere.
func TestStore_OptionsWithoutPath(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, maxAge := range []int{3600, -1} {
			v := s.browser(t).change(t, signInAs("ada"))
			cookie := v.cookies[0]
			v = s.with(t, cookie.Name+"="+cookie.Value).change(t, func(session *sessions.Session) {
				session.Options = &sessions.Options{MaxAge: maxAge, HttpOnly: true}
			})
			if len(v.cookies) != 1 || v.cookies[0].Path != "/" {
				t.Errorf("MaxAge %d: cookies %v", maxAge, v.cookies)
			}
		}
	})
}

func TestStore_UnchangedOptionsSetNoCookie(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.signIn(t, "ada")
		v := b.change(t, func(session *sessions.Session) {
			session.Options = &sessions.Options{Path: "/shop", HttpOnly: true, SameSite: http.SameSiteStrictMode}
		})
		if len(v.cookies) != 0 {
			t.Errorf("the same options set %v", v.cookies)
		}
	}, shopCookies)
}

// shopCookies sets every attribute of Options.Cookie except the domain, because
// the test browser uses an IP address.
func shopCookies(o *sessionstore.Options) {
	o.Cookie = sessionstore.Cookie{Path: "/shop", SameSite: http.SameSiteStrictMode, Insecure: true}
}

// Two cookies of the same name are treated as none, so every response must use
// the same attributes.
func TestStore_CookieAttributesAreKept(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, plain *site) {
		attributes := func(o *sessionstore.Options) {
			shopCookies(o)
			o.Cookie.Domain = "example.com"
			o.RenewAfter = time.Minute
		}
		s := plain.instance(t, attributes)
		rotated := plain.instance(t, attributes, secrets("another secret with 32 bytes, new", string(secret)))
		cookie := ""
		for _, step := range []struct {
			name   string
			at     *site
			handle func(*sessions.Session)
		}{
			{"New", s, setTo("cart", 3)},
			{"SignIn", s, signInAs("ada")},
			{"Renew", s, renewSession},
			{"RenewAfter", s, nil},
			{"Rotation", rotated, nil},
			{"SignOut", rotated, signOut},
		} {
			if step.name == "RenewAfter" {
				plain.clock.advance(time.Minute)
			}
			v := step.at.with(t, cookie).change(t, step.handle)
			if len(v.cookies) != 1 {
				t.Fatalf("%s: cookies %v", step.name, v.cookies)
			}
			c := v.cookies[0]
			if c.Domain != "example.com" || c.Path != "/shop" || c.SameSite != http.SameSiteStrictMode || c.Secure || !c.HttpOnly {
				t.Errorf("%s: cookie %v", step.name, c)
			}
			if (c.MaxAge < 0) != (step.name == "SignOut") || cookie == cookieName+"="+c.Value {
				t.Errorf("%s: cookie %v", step.name, c)
			}
			cookie = cookieName + "=" + c.Value
		}
	})
}

// A response has one session cookie, the last one, however often the request
// saves.
func TestStore_OneCookiePerResponse(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		response := b.request(t, func(w http.ResponseWriter, r *http.Request) {
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				t.Error(err)
			}
			for _, handle := range []func(*sessions.Session){
				setTo("cart", 3),
				signInAs("ada"),
				func(session *sessions.Session) { session.Options.Path = "/shop" },
				signOut,
				setTo("message", "signed out"),
				func(session *sessions.Session) { session.Options.Path = "/" },
			} {
				handle(session)
				if err := session.Save(r, w); err != nil {
					t.Error(err)
				}
			}
		})
		if cookies := response.Cookies(); len(cookies) != 1 || cookies[0].Path != "/" || cookies[0].MaxAge < 0 {
			t.Errorf("cookies %v", cookies)
		}
		if got := b.read(t); len(got) != 1 || got["message"] != "signed out" {
			t.Errorf("the session holds %v", got)
		}
		s.wantRows(t, 1)
	})
}
