package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// page is a page and how it is answered.
type page struct {
	path   string
	status int64
}

// pagesOf are the pages of somebody; manager is the id of the user whose pages an
// administrator looks at.
func pagesOf(who, manager string) []page {
	all := []page{{"/", http.StatusOK}, {"/signin", http.StatusOK}, {"/docs", http.StatusOK}, {"/missing", http.StatusNotFound}}
	mine := []page{
		{"/session", http.StatusOK}, {"/sessions", http.StatusOK}, {"/sessions?notice=revoked_one", http.StatusOK},
		{"/events", http.StatusOK}, {"/account", http.StatusOK},
		{"/signin?fresh=true&return_to=/sessions", http.StatusOK},
	}
	switch who {
	case "":
		return append(all, page{"/session", http.StatusUnauthorized}, page{"/signin?notice=signed-out", http.StatusOK},
			page{"/auth/bypass", http.StatusBadRequest}, page{"/auth/bypass?token=amdin", http.StatusUnauthorized})
	case "admin":
		mine = append(mine,
			page{"/admin", http.StatusOK}, page{"/admin/sessions", http.StatusOK},
			page{"/admin/sessions?user=manager&state=signed-in&method=bypass&ip=127.0.0.1", http.StatusOK},
			page{"/admin/sessions?user=nobody-of-that-name", http.StatusOK},
			page{"/admin/sessions/end?all=true", http.StatusOK}, page{"/admin/sessions/end?user=" + manager, http.StatusOK},
			page{"/admin/users", http.StatusOK}, page{"/admin/users?q=zz", http.StatusOK},
			page{"/admin/users/" + manager, http.StatusOK},
		)
	default:
		mine = append(mine, page{"/admin", http.StatusNotFound})
	}
	return append(all, mine...)
}

// TestBrowser_Pages looks at every page in every dress: of nobody, of somebody with a
// long name, and of an administrator.
func TestBrowser_Pages(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	seedAccount(t, app)
	long := strings.Repeat("Wolfeschlegelsteinhausenbergerdorff", 6)
	execute(t, app, "UPDATE users SET name = ? WHERE username = 'manager'", long)
	var manager string
	query(t, app, &manager, "SELECT id FROM users WHERE username = 'manager'")
	for _, user := range []string{"", "manager", "admin"} {
		t.Run(cmp.Or(user, "nobody"), func(t *testing.T) {
			b := openBrowser(t, app)
			if user != "" {
				b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token="+user))
			}
			for _, p := range pagesOf(user, manager) {
				checkPage(b, user, p.path, p.status)
			}
			if user == "manager" {
				testRefusals(b)
			}
			b.wantQuiet()
		})
	}
}

// testRefusals looks at the errors that no address alone brings.
func testRefusals(b *browser) {
	b.t.Helper()
	b.open("/account", http.StatusOK)
	b.post("/signin", http.StatusMethodNotAllowed, nil)
	checkDisplays(b, "manager", "error-405")
	b.open("/account", http.StatusOK)
	b.post("/account", http.StatusConflict, map[string]string{"_method": "PATCH", "username": "admin"})
	checkDisplays(b, "manager", "account-409")
	b.open("/account", http.StatusOK)
	b.post("/account", http.StatusUnprocessableEntity, map[string]string{"_method": "PATCH", "username": "-"})
	checkDisplays(b, "manager", "account-422")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><form method="post" action="%s/sessions"><input type="hidden" name="_method" value="DELETE"><button>Win</button></form>`, b.app.URL)
	}))
	defer elsewhere.Close()
	b.do(chromedp.Navigate(elsewhere.URL))
	b.wantLoad("/sessions", http.StatusForbidden, chromedp.Click(chromedp.CSS("button")))
	checkDisplays(b, "manager", "error-403")
	execute(b.t, b.app, "ALTER TABLE sessions RENAME TO away")
	b.open("/sessions", http.StatusServiceUnavailable)
	execute(b.t, b.app, "ALTER TABLE away RENAME TO sessions")
	checkDisplays(b, "", "error-503")
	for range 60 {
		b.app.Client(b.t).JSON(http.MethodGet, "/auth/bypass?token=amdin", nil)
	}
	b.open("/auth/bypass?token=amdin", http.StatusTooManyRequests)
	checkDisplays(b, "manager", "signin-429")
}

// TestBrowser_ProviderPages looks at the pages that only providers bring.
func TestBrowser_ProviderPages(t *testing.T) {
	t.Parallel()
	app, evil, other := withHostileProviders(t)
	b := openBrowser(t, app)
	testLeaving(b, other)
	evil.Override(testoidc.Overrides{Metadata: set("issuer", "https://elsewhere.example")})
	b.open("/signin", http.StatusOK)
	b.wantLoad("/auth/evil", http.StatusBadGateway, chromedp.Click(chromedp.CSS(`button[formaction="/auth/evil"]`)))
	checkDisplays(b, "", "signin-502")
	checkPage(b, "", "/signin", http.StatusOK)
	b.wantText("main", "Evil did not respond recently")
	testLinked(b, evil)
	b.wantQuiet()
}

// testLeaving looks at the page on the way to a provider. A browser stays on a page
// that leads to an answer without content; who comes without one gets through.
func testLeaving(b *browser, provider *testoidc.Fake) {
	b.t.Helper()
	at, err := url.Parse(provider.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(at)
	nowhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Mode") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		through.ServeHTTP(w, r)
	}))
	b.t.Cleanup(nowhere.Close)
	provider.Override(testoidc.Overrides{Metadata: set("authorization_endpoint", nowhere.URL+"/authorize")})
	b.open("/signin", http.StatusOK)
	b.wantLoad("/auth/other", http.StatusOK, chromedp.Click(chromedp.CSS(`button[formaction="/auth/other"]`)))
	b.wantText("h1", "Redirecting to your provider")
	checkDisplays(b, "", "leaving")
}

// testLinked looks at the account of somebody with two providers.
func testLinked(b *browser, evil *testoidc.Fake) {
	b.t.Helper()
	evil.Override(testoidc.Overrides{})
	b.app.Restart(b.t) // it leaves a provider that failed alone for a while
	b.wantLoad("/", http.StatusOK, chromedp.Navigate(b.app.URL+"/auth/bypass?token=manager"))
	client := b.client()
	for _, path := range []string{"/auth/other", "/auth/evil"} {
		back := answer(b.t, b.app, leave(b.t, client, path, map[string][]string{"link": {"true"}}))
		wantStatus(b.t, client.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	}
	for _, path := range []string{"/account", "/account?notice=linked", "/account?notice=unlinked", "/signin?fresh=true&return_to=/account"} {
		checkPage(b, "manager", path, http.StatusOK)
	}
}

// checkPage opens a page and looks at it in every width and colour.
func checkPage(b *browser, user, path string, status int64) {
	b.t.Helper()
	b.open(path, status)
	if path == "/docs" {
		b.poll("show the document", `return shown.some(e => e.textContent.includes("Getting JSON"))`)
	}
	name := strings.NewReplacer("?fresh=true&return_to=/", "-fresh-", "?notice=", "-", "/", "-", "?", "-", "&", "-").Replace(strings.TrimPrefix(path, "/"))
	checkDisplays(b, user, cmp.Or(name, "home"))
}

// checkDisplays looks at the page that is open in every width and colour.
func checkDisplays(b *browser, user, name string) {
	b.t.Helper()
	for _, width := range []int64{390, 1280} {
		grounds := make(map[string]bool)
		for scheme, rules := range map[string]string{"light": everyRule, "dark": contrast} {
			b.emulate(width, scheme)
			grounds[checkDisplay(b, width)] = true
			b.wantAccessible(rules)
			b.screenshot(fmt.Sprintf("%s-%s-%d-%s", name, cmp.Or(user, "nobody"), width, scheme))
		}
		if len(grounds) != 2 {
			b.t.Errorf("%s has the ground %v in light and dark", name, grounds)
		}
	}
	b.emulate(narrowest, "light")
	testWidth(b, narrowest)
	if user != "" {
		b.wantText(string(signOutButton), "Sign out") // ASVS 5.0 7.4.4
	}
}

// narrowest is the width of a window of 1280 at 400 % (WCAG 2.2, 1.4.10).
const narrowest = 320

// checkDisplay checks the page that is open and returns the colour of its ground.
func checkDisplay(b *browser, width int64) string {
	b.t.Helper()
	testWidth(b, width)
	place := evaluate[string](b, `location.href`)
	// Fingers need 24 px each way (WCAG 2.2, 2.5.8); links within text may be less.
	small := evaluate[string](b, `[...document.querySelectorAll("button, input:not([type=hidden]), select, summary, .button, nav a, .brand")]
		.filter(e => { const r = e.getBoundingClientRect(); return r.height < 24 || r.width < 24 })
		.map(e => e.outerHTML).join("\n")`)
	if small != "" {
		b.t.Errorf("%s has targets too small for fingers at %d:\n%s", place, width, small)
	}
	if titles := evaluate[int64](b, `document.querySelectorAll("h1").length`); titles != 1 {
		b.t.Errorf("%s has %d h1, want 1", place, titles)
	}
	return evaluate[string](b, `getComputedStyle(document.body).backgroundColor`)
}

// testWidth checks that nobody has to scroll sideways.
func testWidth(b *browser, width int64) {
	b.t.Helper()
	if scroll := evaluate[int64](b, `document.documentElement.scrollWidth`); scroll > width {
		b.t.Errorf("%s is %d wide in a window of %d", evaluate[string](b, `location.href`), scroll, width)
	}
}
