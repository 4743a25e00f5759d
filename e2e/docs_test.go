package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey"
	"github.com/latchkey/latchkey/internal/test/testapp"
)

// TestDocs holds that the document is served as it is, and that the policy of
// its page lets no other script in than the policy of all others.
func TestDocs(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	document := client.JSON(http.MethodGet, "/openapi.yaml", nil)
	wantStatus(t, document, http.StatusOK)
	if document.Body != string(latchkey.OpenAPI) || document.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%s, %d bytes, want openapi.yaml", document.Header.Get("Content-Type"), len(document.Body))
	}
	page := client.HTML(http.MethodGet, "/docs", nil)
	wantStatus(t, page, http.StatusOK)
	wantPage(t, page)
	want := client.HTML(http.MethodGet, "/", nil).Header.Get("Content-Security-Policy")
	want = strings.Replace(want, "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)
	want = strings.Replace(want, "img-src 'self'", "img-src 'self' data:", 1)
	if got := page.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("the policy is %q, want %q", got, want)
	}
}

// inExplorer are scripts that look into the viewer, through its shadow roots.
const inExplorer = `
	const all = (root, found = []) => {
		for (const e of root.querySelectorAll("*")) { found.push(e); if (e.shadowRoot) all(e.shadowRoot, found); }
		return found;
	};
	const explorer = document.querySelector("openapi-explorer");
	const shown = explorer ? all(explorer.shadowRoot) : [];
`

// TestDocs_Try opens the page and tries a call, signed out and in.
func TestDocs_Try(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	b := openBrowser(t, app)
	b.open("/docs", http.StatusOK)
	b.emulate(1280, "light")
	b.try("You’re not signed in")
	b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token=admin"))
	b.open("/docs", http.StatusOK)
	b.wantText("main", "Ada Admin")
	b.emulate(1280, "dark")
	b.open("/docs", http.StatusOK)
	b.try(`"username": "admin"`)
	b.screenshot("docs")
	b.open("/", http.StatusOK)
	b.do(chromedp.Navigate(app.URL + "/docs#?route=get-/session"))
	b.poll("show what the address names", `return shown.some(e => e.matches("button") && /execute/i.test(e.textContent))`)
	b.wantQuiet()
}

// try calls GET /session in the viewer, and waits for its answer. The viewer goes
// to a route of its own choice when it has read the document, so that it may have
// to be sent again.
func (b *browser) try(answer string) {
	b.t.Helper()
	b.poll("press the button", `
		const route = "#?route=get-/session";
		if (location.hash !== route) location.hash = route;
		const button = shown.find(e => e.matches("button") && /execute/i.test(e.textContent));
		button?.click();
		return !!button`)
	b.poll("show the answer", "return shown.some(e => e.textContent.includes(`"+answer+"`))")
}

// poll waits until a script that looks into the viewer says so.
func (b *browser) poll(what, script string) {
	b.t.Helper()
	testapp.Poll(b.t, what, func() bool { return evaluate[bool](b, "(() => {"+inExplorer+script+"})()") })
}
