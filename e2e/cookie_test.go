package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestCookie_Attributes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env, extra, name string
		secure           bool
	}{
		{"test", "", "session", false},
		{"development", "SESSION_NAME=latch", "latch", false},
		{"test", "HOST=https://app.example.com", "__Host-session", true},
		{"staging", "", "__Host-session", true},
		{"staging", "SESSION_NAME=latch", "__Host-latch", true},
	} {
		t.Run(c.env+c.extra, func(t *testing.T) {
			t.Parallel()
			o := testapp.Options{Env: c.env}
			if c.extra != "" {
				o.Extra = []string{c.extra}
			}
			client := testapp.Start(t, o).Client(t)
			signIn := client.SignIn("admin")
			wantAttributes(t, signIn, c.name, c.secure)
			signOut := client.JSON(http.MethodDelete, "/session", nil)
			if !testapp.DeletesCookie(wantAttributes(t, signOut, c.name, c.secure)) {
				t.Errorf("sign-out does not delete the cookie: %v", signOut.Cookies())
			}
		})
	}
}

// wantAttributes checks that a response sets one cookie, and returns it.
func wantAttributes(t *testing.T, r *testapp.Response, name string, secure bool) *http.Cookie {
	t.Helper()
	cookies := r.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies, want 1", len(cookies))
	}
	c := cookies[0]
	if c.Name != name || c.Secure != secure || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || c.Domain != "" {
		t.Errorf("cookie = %s; want %s, secure %v, HttpOnly, Path=/, SameSite=Lax, no Domain", c, name, secure)
	}
	if !testapp.DeletesCookie(c) && (c.MaxAge != 0 || !c.Expires.IsZero()) {
		t.Errorf("cookie = %s, want no Max-Age and no Expires", c)
	}
	if len(c.Name)+len(c.Value) >= 4096 {
		t.Errorf("cookie has %d bytes, want less than 4096", len(c.Name)+len(c.Value))
	}
	return c
}

// The cookie's value has the form <sid>.<secret>.<mac>.
func TestCookie_Format(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	seen := make(map[string]bool)
	var sids []string
	for range 50 {
		client.SignIn("admin")
		_, value := client.SessionCookie()
		parts := strings.Split(value, ".")
		if len(parts) != 3 {
			t.Fatalf("cookie has %d parts, want 3", len(parts))
		}
		for _, part := range parts {
			if rest := strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"); rest != "" {
				t.Errorf("part contains %q, want only base64url", rest)
			}
			if len(part) < 22 { // 128 bits
				t.Errorf("part has %d characters, want at least 22", len(part))
			}
			if seen[part] {
				t.Error("two cookies have a part in common")
			}
			seen[part] = true
		}
		sids = append(sids, parts[0])
	}
	wantVaried(t, sids)
}

// wantVaried checks that each character of the sids varies.
func wantVaried(t *testing.T, sids []string) {
	t.Helper()
	for i := range sids[0] {
		first := sids[0][i]
		if !slices.ContainsFunc(sids, func(sid string) bool { return sid[i] != first }) {
			t.Errorf("character %d is %q in every sid", i, first)
		}
	}
}

func TestCookie(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		for _, env := range []string{"test", "staging"} {
			t.Run(env, func(t *testing.T) {
				app := testapp.Start(t, testapp.Options{Engine: engine, Env: env})
				t.Run("Refused", func(t *testing.T) { testCookieRefused(t, app) })
				t.Run("Ended", func(t *testing.T) { testCookieEnded(t, app) })
			})
		}
	})
}

// testCookieRefused sends cookies that were forged from two valid ones, and malformed ones.
func testCookieRefused(t *testing.T, app *testapp.App) {
	ada, uma := app.Client(t), app.Client(t)
	ada.SignIn("admin")
	uma.SignIn("user")
	name, good := ada.SessionCookie()
	_, other := uma.SessionCookie()
	before := countSessions(t, app)
	for what, header := range badCookies(name, good, other) {
		r := app.Client(t).Do(http.MethodGet, "/session", testapp.Header("Cookie", header))
		if r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: GET /session = %d, want 401", what, r.StatusCode)
		}
		wantNoNewCookie(t, r)
	}
	if n := countSessions(t, app); n != before {
		t.Errorf("%d sessions, want %d", n, before)
	}
	wantSignedIn(t, ada, "admin")
	wantSignedIn(t, uma, "user")
}

func badCookies(name, good, other string) map[string]string {
	a, b := strings.Split(good, "."), strings.Split(other, ".")
	join := func(parts ...string) string { return name + "=" + strings.Join(parts, ".") }
	many := strings.Repeat("; "+name+"="+good, 10)[2:]
	return map[string]string{
		"sid changed":        join(flip(a[0]), a[1], a[2]),
		"secret changed":     join(a[0], flip(a[1]), a[2]),
		"mac changed":        join(a[0], a[1], flip(a[2])),
		"other sid":          join(b[0], a[1], a[2]),
		"other secret":       join(a[0], b[1], a[2]),
		"other mac":          join(a[0], a[1], b[2]),
		"sid only":           join(a[0]),
		"no mac":             join(a[0], a[1]),
		"empty mac":          join(a[0], a[1], ""),
		"a fourth part":      join(a[0], a[1], a[2], a[2]),
		"padded":             join(a[0], a[1], a[2]+"="),
		"upper case":         name + "=" + strings.ToUpper(good),
		"empty":              name + "=",
		"8 KiB":              name + "=" + strings.Repeat("a", 8<<10),
		"good and 8 KiB":     name + "=" + good + strings.Repeat("a", 8<<10),
		"ten with same name": many,
		"two, first is good": name + "=" + good + "; " + name + "=" + other,
		"name in upper case": strings.ToUpper(name) + "=" + good,
		"__HOST-session":     "__HOST-session=" + good,
		"__host-session":     "__host-session=" + good,
		"other name":         "x" + name + "=" + good,
		"__Http- prefix":     "__Http-" + name + "=" + good,
	}
}

// flip changes the first character. Unlike the last one, all of its bits are significant.
func flip(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

// testCookieEnded sends correctly signed cookies whose rows have expired, are deleted, or
// have another secret.
func testCookieEnded(t *testing.T, app *testapp.App) {
	for what, sql := range map[string]string{
		"expired":      "UPDATE sessions SET expires_at = ? WHERE sid = ?",
		"deleted":      "DELETE FROM sessions WHERE expires_at > ? AND sid = ?",
		"other secret": "UPDATE sessions SET secret_hash = 'x' WHERE expires_at > ? AND sid = ?",
	} {
		client := app.Client(t)
		client.SignIn("admin")
		name, cookie := client.SessionCookie()
		execute(t, app, sql, time.Now().UTC().Add(-time.Second), sidOf(cookie))
		before := countSessions(t, app)
		wantAnonymous(t, client)
		client.HTML(http.MethodGet, "/", nil)
		client.HTML(http.MethodGet, "/missing", nil)
		if n := countSessions(t, app); n != before {
			t.Errorf("%s: %d sessions, want %d", what, n, before)
		}
		again := withCookie(t, app, name, cookie)
		again.SignIn("admin")
		if _, newCookie := again.SessionCookie(); sidOf(newCookie) == sidOf(cookie) {
			t.Errorf("%s: the sign-in reused the sid %s", what, sidOf(cookie))
		}
		wantAnonymous(t, withCookie(t, app, name, cookie))
	}
}

// Users stay signed in while SESSION_SECRET is rotated.
func TestCookie_Secrets(t *testing.T) {
	t.Parallel()
	database := testdb.NewURL(t, testdb.SQLite)
	old := testapp.Start(t, testapp.Options{DatabaseURL: database})
	client := old.Client(t)
	client.SignIn("admin")
	name, cookie := client.SessionCookie()

	replaced := testapp.Start(t, testapp.Options{DatabaseURL: database})
	wantAnonymous(t, withCookie(t, replaced, name, cookie))

	both := testapp.Start(t, testapp.Options{DatabaseURL: database, Extra: []string{"SESSION_SECRET=" + replaced.Secret + "," + old.Secret}})
	current := withCookie(t, both, name, cookie)
	wantSignedIn(t, current, "admin")
	_, resigned := current.SessionCookie()
	if resigned == cookie || sidOf(resigned) != sidOf(cookie) {
		t.Errorf("cookie changed from %s to %s, want the same sid with a new signature", cookie, resigned)
	}
	wantSignedIn(t, withCookie(t, replaced, name, resigned), "admin")
}
