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

type page struct {
	path   string
	status int64
}

// pagesOf returns the pages that a user can open; an empty username is anonymous.
// managerID is the user whose pages the administrator opens.
func pagesOf(username, managerID string) []page {
	public := []page{{"/", http.StatusOK}, {"/signin", http.StatusOK}, {"/docs", http.StatusOK}, {"/missing", http.StatusNotFound}}
	own := []page{
		{"/session", http.StatusOK}, {"/sessions", http.StatusOK}, {"/sessions?notice=revoked_one", http.StatusOK},
		{"/events", http.StatusOK}, {"/account", http.StatusOK},
		{"/signin?fresh=true&return_to=/sessions", http.StatusOK},
	}
	switch username {
	case "":
		return append(public, page{"/session", http.StatusUnauthorized}, page{"/signin?notice=signed-out", http.StatusOK},
			page{"/auth/bypass", http.StatusBadRequest}, page{"/auth/bypass?token=amdin", http.StatusUnauthorized})
	case "admin":
		own = append(own,
			page{"/admin", http.StatusOK}, page{"/admin/sessions", http.StatusOK},
			page{"/admin/sessions?user=manager&state=signed-in&method=bypass&ip=127.0.0.1", http.StatusOK},
			page{"/admin/sessions?user=unknown", http.StatusOK},
			page{"/admin/sessions/end?all=true", http.StatusOK}, page{"/admin/sessions/end?user=" + managerID, http.StatusOK},
			page{"/admin/users", http.StatusOK}, page{"/admin/users?q=zz", http.StatusOK},
			page{"/admin/users/" + managerID, http.StatusOK},
		)
	default:
		own = append(own, page{"/admin", http.StatusNotFound})
	}
	return append(public, own...)
}

// TestBrowser_Pages checks every page in every width and color scheme: as an anonymous
// visitor, as a user with a long name, and as an administrator.
func TestBrowser_Pages(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	seedAccount(t, app)
	longName := strings.Repeat("Wolfeschlegelsteinhausenbergerdorff", 6)
	execute(t, app, "UPDATE users SET name = ? WHERE username = 'manager'", longName)
	var managerID string
	query(t, app, &managerID, "SELECT id FROM users WHERE username = 'manager'")
	for _, user := range []string{"", "manager", "admin"} {
		t.Run(cmp.Or(user, "anonymous"), func(t *testing.T) {
			b := openBrowser(t, app)
			if user != "" {
				b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token="+user))
			}
			for _, p := range pagesOf(user, managerID) {
				checkPage(b, user, p.path, p.status)
			}
			if user == "manager" {
				checkErrorPages(b)
			}
			b.wantQuiet()
		})
	}
}

// checkErrorPages checks the error pages that a GET request cannot show.
func checkErrorPages(b *browser) {
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
	otherSite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><form method="post" action="%s/sessions"><input type="hidden" name="_method" value="DELETE"><button>Win</button></form>`, b.app.URL)
	}))
	defer otherSite.Close()
	b.do(chromedp.Navigate(otherSite.URL))
	b.wantLoad("/sessions", http.StatusForbidden, chromedp.Click(chromedp.CSS("button")))
	checkDisplays(b, "manager", "error-403")
	execute(b.t, b.app, "ALTER TABLE sessions RENAME TO renamed")
	b.open("/sessions", http.StatusServiceUnavailable)
	execute(b.t, b.app, "ALTER TABLE renamed RENAME TO sessions")
	checkDisplays(b, "", "error-503")
	for range 60 {
		b.app.Client(b.t).JSON(http.MethodGet, "/auth/bypass?token=amdin", nil)
	}
	b.open("/auth/bypass?token=amdin", http.StatusTooManyRequests)
	checkDisplays(b, "manager", "signin-429")
}

// TestBrowser_ProviderPages checks the pages that depend on a provider.
func TestBrowser_ProviderPages(t *testing.T) {
	t.Parallel()
	app, evil, other := withHostileProviders(t)
	b := openBrowser(t, app)
	checkRedirectPage(b, other)
	evil.Override(testoidc.Overrides{Metadata: set("issuer", "https://elsewhere.example")})
	b.open("/signin", http.StatusOK)
	b.wantLoad("/auth/evil", http.StatusBadGateway, chromedp.Click(chromedp.CSS(`button[formaction="/auth/evil"]`)))
	checkDisplays(b, "", "signin-502")
	checkPage(b, "", "/signin", http.StatusOK)
	b.wantText("main", "Evil did not respond recently")
	checkLinkedAccount(b, evil)
	b.wantQuiet()
}

// checkRedirectPage checks the page that redirects to a provider. To keep the browser on
// it, a proxy answers browsers with 204 and passes the app's requests to the provider.
func checkRedirectPage(b *browser, provider *testoidc.Fake) {
	b.t.Helper()
	target, err := url.Parse(provider.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Mode") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	b.t.Cleanup(proxy.Close)
	provider.Override(testoidc.Overrides{Metadata: set("authorization_endpoint", proxy.URL+"/authorize")})
	b.open("/signin", http.StatusOK)
	b.wantLoad("/auth/other", http.StatusOK, chromedp.Click(chromedp.CSS(`button[formaction="/auth/other"]`)))
	b.wantText("h1", "Redirecting to your provider")
	checkDisplays(b, "", "redirect")
}

// checkLinkedAccount checks the account page of a user with two providers.
func checkLinkedAccount(b *browser, evil *testoidc.Fake) {
	b.t.Helper()
	evil.Override(testoidc.Overrides{})
	b.app.Restart(b.t) // otherwise the app does not retry the failed provider for a while
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

// checkPage opens a page and checks it in every width and color scheme.
func checkPage(b *browser, user, path string, status int64) {
	b.t.Helper()
	b.open(path, status)
	if path == "/docs" {
		b.poll("waiting for the API document", `return shown.some(e => e.textContent.includes("Getting JSON"))`)
	}
	name := strings.NewReplacer("?fresh=true&return_to=/", "-fresh-", "?notice=", "-", "/", "-", "?", "-", "&", "-").Replace(strings.TrimPrefix(path, "/"))
	checkDisplays(b, user, cmp.Or(name, "home"))
}

// checkDisplays checks the open page in every width and color scheme.
func checkDisplays(b *browser, user, name string) {
	b.t.Helper()
	for _, width := range []int64{390, 1280} {
		backgrounds := make(map[string]bool)
		for scheme, rules := range map[string]string{"light": everyRule, "dark": contrast} {
			b.emulate(width, scheme)
			backgrounds[checkDisplay(b, width)] = true
			b.wantAccessible(rules)
			b.screenshot(fmt.Sprintf("%s-%s-%d-%s", name, cmp.Or(user, "anonymous"), width, scheme))
		}
		if len(backgrounds) != 2 {
			b.t.Errorf("%s has the same background in light and dark: %v", name, backgrounds)
		}
	}
	b.emulate(narrowest, "light")
	checkWidth(b, narrowest)
	if user != "" {
		b.wantText(string(signOutButton), "Sign out") // ASVS 5.0 7.4.4
	}
}

// narrowest is the width of a 1280-pixel window at 400% zoom (WCAG 2.2, 1.4.10).
const narrowest = 320

// checkDisplay checks the open page and returns its background color.
func checkDisplay(b *browser, width int64) string {
	b.t.Helper()
	checkWidth(b, width)
	address := evaluate[string](b, `location.href`)
	// Touch targets must be at least 24 by 24 pixels (WCAG 2.2, 2.5.8), except links in text.
	small := evaluate[string](b, `[...document.querySelectorAll("button, input:not([type=hidden]), select, summary, .button, nav a, .brand")]
		.filter(e => { const r = e.getBoundingClientRect(); return r.height < 24 || r.width < 24 })
		.map(e => e.outerHTML).join("\n")`)
	if small != "" {
		b.t.Errorf("%s at width %d has touch targets smaller than 24 pixels:\n%s", address, width, small)
	}
	if titles := evaluate[int64](b, `document.querySelectorAll("h1").length`); titles != 1 {
		b.t.Errorf("%s has %d h1 elements, want 1", address, titles)
	}
	return evaluate[string](b, `getComputedStyle(document.body).backgroundColor`)
}

// checkWidth checks that the page needs no horizontal scrolling.
func checkWidth(b *browser, width int64) {
	b.t.Helper()
	if scroll := evaluate[int64](b, `document.documentElement.scrollWidth`); scroll > width {
		b.t.Errorf("%s is %d pixels wide, want at most %d", evaluate[string](b, `location.href`), scroll, width)
	}
}
