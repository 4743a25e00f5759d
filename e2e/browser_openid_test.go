package e2e

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey/internal/test/testoidc"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

const providerButton = chromedp.CSS(`main form.ways button[formaction="/auth/openid-connect"]`)

// Users can sign in with a provider from the home page, with and without scripts.
func TestBrowser_OpenID(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"Scripts": true, "NoScripts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := withRealProvider(t, testdb.SQLite, "BYPASS_AUTH=false")
			b := openBrowser(t, app)
			b.open("/", http.StatusOK)
			if !scripts {
				b.disableScripts()
			}
			b.wantLoad("/signin", http.StatusOK, chromedp.Click(chromedp.CSS(`main a.button`)))
			b.do(chromedp.Click(providerButton))
			b.passLogin()
			b.wantText("h1", "Hello, "+testoidc.Name)
			if cookies := b.cookies(); len(cookies) != 1 || cookies[0].Name != "session" {
				t.Errorf("cookies = %+v, want only session", cookies)
			}
			b.wantLoad("/account", http.StatusOK, chromedp.Click(chromedp.CSS(`header nav a[href="/account"]`)))
			b.wantText("main", "Example")
			testStaleSignIn(b)
			b.wantLoad("/signin?notice=signed-out&provider=openid-connect", http.StatusOK, chromedp.Click(signOutButton))
			b.wantText("main", "Sign out of")
			b.wantQuiet()
		})
	}
}

// passLogin waits for the provider's form and signs in with it.
func (b *browser) passLogin() {
	b.t.Helper()
	b.do(
		chromedp.WaitVisible(chromedp.CSS(`input[name=username]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name=username]`), testoidc.Username),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), testoidc.Password),
		chromedp.Click(chromedp.CSS(`button[type=submit], input[type=submit]`)),
		chromedp.WaitVisible(chromedp.CSS(string(signOutButton))),
	)
}

// testStaleSignIn creates a token long after the sign-in: the form leads to the provider
// and back to the account page, where it now works.
func testStaleSignIn(b *browser) {
	b.t.Helper()
	staleSignIns(b.t, b.app)
	before := b.cookies()[0].Value
	createToken := []chromedp.Action[chromedp.Void]{chromedp.SendKeys(chromedp.CSS(`#token-label`), "Backup"), chromedp.Click(chromedp.CSS(`form[action="/tokens"] button`))}
	b.wantLoad(reauthFor("/account"), http.StatusOK, createToken...)
	b.do(chromedp.Click(providerButton))
	b.passLogin()
	b.wantText(`[role="status"]`, "Thanks for signing in again.")
	b.wantLoad("/tokens", http.StatusCreated, createToken...)
	b.wantText("main", "Backup")
	if after := b.cookies()[0].Value; sidOf(after) == sidOf(before) {
		b.t.Error("re-authentication did not change the sid")
	}
}
