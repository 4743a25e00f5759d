package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestTokens_Form(t *testing.T) {
	app := testapp.Start(t, testapp.Options{Engine: testdb.SQLite})
	client := on(t, app, "manager", firefox)
	if page := client.HTML(http.MethodGet, "/account", nil); !strings.Contains(page.Body, `action="/tokens"`) {
		t.Errorf("the page:\n%s", page.Body)
	}
	page := client.HTML(http.MethodPost, "/tokens", url.Values{"label": {"<b>Phone</b>"}, "days": {"365"}})
	wantStatus(t, page, http.StatusCreated)
	wantPage(t, page)
	if page.Header.Get("Cache-Control") != "no-store" || !strings.Contains(page.Body, "&lt;b&gt;Phone") {
		t.Errorf("%v\n%s", page.Header, page.Body)
	}
	token := regexp.MustCompile(`id="token">([^<]+)<`).FindStringSubmatch(page.Body)
	if token == nil || !strings.Contains(page.Body, "Bearer "+token[1]) || !strings.Contains(page.Body, app.URL+"/session") {
		t.Fatalf("the page:\n%s", page.Body)
	}
	programWith(t, app, token[1]).wantIs(t, "manager")
	wantNotLogged(t, app, token[1])
}

// The page shows the address that programs reach the app at, behind a proxy too.
func TestTokens_Address(t *testing.T) {
	for want, options := range map[string]testapp.Options{
		"https://latchkey.example/session": {Extra: []string{"HOST=https://latchkey.example"}},
		"https://127.0.0.1:":               {Env: "staging"},
	} {
		app := testapp.Start(t, options)
		page := on(t, app, "manager", firefox).HTML(http.MethodPost, "/tokens", url.Values{"label": {"x"}, "days": {"7"}})
		wantStatus(t, page, http.StatusCreated)
		if !strings.Contains(page.Body, " "+want) {
			t.Errorf("the page has no %s:\n%s", want, page.Body)
		}
	}
}

// TestTokens_Browser makes a token as a person does.
func TestTokens_Browser(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	b := openBrowser(t, app)
	b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token=admin"))
	checkPage(b, "admin", "/account", http.StatusOK)
	b.wantLoad("/tokens", http.StatusCreated, chromedp.SendKeys(chromedp.CSS(`#token-label`), "Backup"), chromedp.Click(chromedp.CSS(`form[action="/tokens"] button`)))
	b.wantText("main", "curl -H 'Authorization: Bearer ")
	for _, width := range []int64{390, 1280} {
		b.emulate(width, "light")
		checkDisplay(b, width)
		b.screenshot("token")
	}
	token := evaluate[string](b, `document.querySelector("#token").textContent`)
	programWith(t, app, token).wantIs(t, "admin")
	checkPage(b, "admin", "/sessions", http.StatusOK)
	b.wantText("main", "Backup")
	b.wantQuiet()
}
