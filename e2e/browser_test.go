package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

const (
	signInButton  = chromedp.CSS(`main form button`)
	signOutButton = chromedp.CSS(`header form button`)
)

// TestBrowser signs in and out with the forms, with and without scripts.
func TestBrowser(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"test", "staging"} {
		for _, scripts := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, scripts %v", env, scripts), func(t *testing.T) {
				t.Parallel()
				b := openBrowser(t, testapp.Start(t, testapp.Options{Env: env}))
				b.open("/", http.StatusOK)
				if !scripts {
					b.disableScripts()
				}
				b.wantText("header", "Sign in")
				b.wantLoad("/signin", http.StatusOK, chromedp.Click(chromedp.CSS(`main a.button`)))
				testSignInByForm(b)
				b.wantLoad("/session", http.StatusOK, chromedp.Click(chromedp.CSS(`main a.quiet`)))
				b.wantText("main", "Ada Admin (admin)")
				b.wantText("main", sidOf(b.cookies()[0].Value))
				b.wantText(string(signOutButton), "Sign out")
				testSignOutByForm(b)
				if scripts {
					testBackButton(b)
				}
				b.wantQuiet()
			})
		}
	}
}

// testSignInByForm checks that the token field has the focus, and that a wrong token can
// be corrected.
func testSignInByForm(b *browser) {
	b.t.Helper()
	if len(b.cookies()) > 0 {
		b.t.Error("the browser has a cookie before the sign-in")
	}
	b.do(chromedp.WaitVisible(chromedp.CSS(`#token:focus`)))
	b.wantLoad("/auth/bypass", http.StatusUnauthorized, chromedp.KeyEvent("amdin"+kb.Enter))
	b.wantText(`[role="alert"]`, "does not exist")
	b.wantText("#token", `value="amdin"`)
	b.wantLoad("/", http.StatusOK, chromedp.SetValue(chromedp.CSS(`#token`), "admin"), chromedp.Click(signInButton))
	b.wantText("header", "Ada Admin")
	b.wantText("h1", "Hello, Ada Admin")
	cookies := b.cookies()
	if len(cookies) != 1 || !cookies[0].HTTPOnly || !strings.HasSuffix(cookies[0].Name, "session") {
		b.t.Fatalf("cookies = %+v, want one HttpOnly session cookie", cookies)
	}
}

func testSignOutByForm(b *browser) {
	b.t.Helper()
	b.wantLoad("/signin?notice=signed-out", http.StatusOK, chromedp.Click(signOutButton))
	b.wantText("main", "You’re signed out")
	b.wantGone(string(signOutButton))
	if left := b.cookies(); len(left) > 0 {
		b.t.Errorf("cookies after sign-out = %+v, want none", left)
	}
	b.open("/session", http.StatusUnauthorized)
	b.wantText("main", "You’re not signed in")
}

// testBackButton checks that the browser's cache has no pages of the session after the
// sign-out two pages before.
func testBackButton(b *browser) {
	b.t.Helper()
	evaluate[chromedp.Void](b, `setTimeout(() => history.go(-2))`)
	const here = `performance.getEntriesByType("navigation")[0].type + location.pathname + document.body.innerText`
	testapp.Poll(b.t, "going back", func() bool {
		shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](here)) // fails while a page loads
		if strings.Contains(shown, "Ada Admin") {
			b.t.Fatalf("going back shows the session that ended: %q", shown)
		}
		return err == nil && strings.HasPrefix(shown, "back_forward/session") && strings.Contains(shown, "You’re not signed in")
	})
}
