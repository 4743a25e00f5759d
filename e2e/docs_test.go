package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey"
	"github.com/latchkey/latchkey/internal/test/testapp"
)

// openapi.yaml is served unchanged, and the content security policy of /docs allows no more
// scripts than that of the other pages.
func TestDocs(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	document := client.JSON(http.MethodGet, "/openapi.yaml", nil)
	wantStatus(t, document, http.StatusOK)
	if document.Body != string(latchkey.OpenAPI) || document.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("GET /openapi.yaml: Content-Type %q, %d bytes; want application/yaml and the content of openapi.yaml", document.Header.Get("Content-Type"), len(document.Body))
	}
	page := client.HTML(http.MethodGet, "/docs", nil)
	wantStatus(t, page, http.StatusOK)
	wantPage(t, page)
	want := client.HTML(http.MethodGet, "/", nil).Header.Get("Content-Security-Policy")
	want = strings.Replace(want, "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)
	want = strings.Replace(want, "img-src 'self'", "img-src 'self' data:", 1)
	if got := page.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("GET /docs: Content-Security-Policy = %q, want %q", got, want)
	}
}

// shownElements collects the elements of the API viewer, including its shadow roots.
const shownElements = `
	const all = (root, found = []) => {
		for (const e of root.querySelectorAll("*")) { found.push(e); if (e.shadowRoot) all(e.shadowRoot, found); }
		return found;
	};
	const explorer = document.querySelector("openapi-explorer");
	const shown = explorer ? all(explorer.shadowRoot) : [];
`

// TestDocs_Try sends a request from the API viewer, signed out and signed in.
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
	b.poll("waiting for the operation in the URL", `return shown.some(e => e.matches("button") && /execute/i.test(e.textContent))`)
	b.wantQuiet()
}

// try sends GET /session from the viewer and waits for the response. When the viewer has
// loaded the document it changes its route, so the route may have to be set again.
func (b *browser) try(response string) {
	b.t.Helper()
	b.poll("pressing the Execute button", `
		const route = "#?route=get-/session";
		if (location.hash !== route) location.hash = route;
		const button = shown.find(e => e.matches("button") && /execute/i.test(e.textContent));
		button?.click();
		return !!button`)
	b.poll("waiting for the response", "return shown.some(e => e.textContent.includes(`"+response+"`))")
}

// poll waits until the script returns true. The script can use shown, the elements of the
// viewer.
func (b *browser) poll(what, script string) {
	b.t.Helper()
	testapp.Poll(b.t, what, func() bool { return evaluate[bool](b, "(() => {"+shownElements+script+"})()") })
}
