package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

// revokeButton selects the button on a page that revokes a session.
func revokeButton(page, sid string) string {
	return fmt.Sprintf(`form[action="%s/%s"] button`, page, sid)
}

func (b *browser) signInAs(username string) {
	b.t.Helper()
	b.wantLoad("/", http.StatusOK, chromedp.Navigate(b.app.URL+"/auth/bypass?token="+username))
}

// tabTo presses Tab until the element has the focus. It checks that the focus is visible
// on every element before it.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	const maxTabs = 40
	for range maxTabs {
		b.do(chromedp.KeyEvent(kb.Tab))
		unseen := evaluate[string](b, `(() => {
			const e = document.activeElement, style = getComputedStyle(e), r = e.getBoundingClientRect();
			const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && r.bottom > 0 && r.top < innerHeight && r.width > 0;
			return e === document.body || seen ? "" : e.outerHTML;
		})()`)
		if unseen != "" {
			b.t.Errorf("the focus is not visible on %s", unseen)
		}
		if evaluate[bool](b, fmt.Sprintf("document.activeElement.matches(`%s`)", selector)) {
			return
		}
	}
	b.t.Fatalf("pressed Tab %d times without reaching %s", maxTabs, selector)
}

// Users can sign in, revoke another session and sign out with the keyboard only.
func TestBrowser_Keyboard(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	phone := on(t, app, "manager", iphone)
	b := openBrowser(t, app)
	b.open("/", http.StatusOK)
	b.tabTo(".skip")
	b.tabTo(`main a[href="/signin"]`)
	b.wantLoad("/signin", http.StatusOK, chromedp.KeyEvent(kb.Enter))
	b.do(chromedp.WaitVisible(chromedp.CSS(`#token:focus`)), chromedp.KeyEvent("manager"))
	b.tabTo("#remember")
	b.do(chromedp.KeyEvent(" "))
	b.tabTo("main button")
	b.wantLoad("/", http.StatusOK, chromedp.KeyEvent(" "))
	b.tabTo(`header a[href="/sessions"]`)
	b.wantLoad("/sessions", http.StatusOK, chromedp.KeyEvent(kb.Enter))
	b.tabTo(revokeButton("/sessions", sid(t, phone)))
	b.wantLoad("/sessions?notice=revoked_one", http.StatusOK, chromedp.KeyEvent(" "))
	b.wantText(`[role="status"]`, "Session revoked.")
	wantAnonymous(t, phone)
	b.tabTo(string(signOutButton))
	b.wantLoad("/signin?notice=signed-out", http.StatusOK, chromedp.KeyEvent(kb.Enter))
	b.wantText(`[role="status"]`, "You’re signed out")
	b.wantQuiet()
}

// Users can sign in, revoke another session and sign out without scripts. Times are then
// shown in UTC.
func TestBrowser_NoScripts(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	phone := on(t, app, "manager", iphone)
	b := openBrowser(t, app)
	b.open("/", http.StatusOK)
	b.disableScripts()
	b.wantLoad("/signin", http.StatusOK, chromedp.Click(chromedp.CSS(`main a.button`)))
	b.wantLoad("/", http.StatusOK, chromedp.SendKeys(chromedp.CSS(`#token`), "manager"), chromedp.Click(signInButton))
	b.wantLoad("/sessions", http.StatusOK, chromedp.Click(chromedp.CSS(`header a[href="/sessions"]`)))
	b.wantText("main time", " UTC</time>")
	b.wantLoad("/sessions?notice=revoked_one", http.StatusOK, chromedp.Click(chromedp.CSS(revokeButton("/sessions", sid(t, phone)))))
	b.wantText(`[role="status"]`, "Session revoked.")
	wantAnonymous(t, phone)
	testReauthentication(b)
	b.wantLoad("/events", http.StatusOK, chromedp.Click(chromedp.CSS(`header a[href="/events"]`)))
	b.wantText("main", "Signed out another device")
	b.wantText("main time", " UTC</time>")
	b.wantLoad("/docs", http.StatusOK, chromedp.Click(chromedp.CSS(`footer a`)))
	b.wantText("main noscript", "needs JavaScript")
	b.wantLoad("/signin?notice=signed-out", http.StatusOK, chromedp.Click(signOutButton))
	b.wantQuiet()
}

// testReauthentication revokes a session long after the sign-in: the user signs in
// again and comes back to the list, where the button now works.
func testReauthentication(b *browser) {
	b.t.Helper()
	tablet := on(b.t, b.app, "manager", ipad)
	staleSignIns(b.t, b.app)
	b.open("/sessions", http.StatusOK)
	b.wantLoad(reauthFor("/sessions"), http.StatusOK, chromedp.Click(chromedp.CSS(revokeButton("/sessions", sid(b.t, tablet)))))
	b.wantLoad("/sessions?notice=reauthenticated", http.StatusOK, chromedp.SendKeys(chromedp.CSS(`#token`), "manager"), chromedp.Click(signInButton))
	b.wantText(`[role="status"]`, "Thanks for signing in again.")
	b.emulate(390, "light")
	b.screenshot("sessions-reauthenticated-manager-390-light")
	b.wantLoad("/sessions?notice=revoked_one", http.StatusOK, chromedp.Click(chromedp.CSS(revokeButton("/sessions", sid(b.t, tablet)))))
	wantAnonymous(b.t, tablet)
}

// waitForEndedNotice waits until the open page says that its session has ended. The page
// checks every few seconds, and at once when the user returns to it.
func (b *browser) waitForEndedNotice(userReturns bool) {
	b.t.Helper()
	script := `document.querySelector('main [role="alert"] h1')?.textContent ?? ""`
	if userReturns {
		script = `document.dispatchEvent(new Event("visibilitychange")); ` + script
	}
	testapp.Poll(b.t, "waiting for the notice that the session has ended", func() bool {
		return evaluate[string](b, script) == "Your session has ended"
	})
	if focus := evaluate[string](b, `document.activeElement.closest('[role="alert"]')?.tagName ?? document.activeElement.outerHTML`); focus != "DIV" {
		b.t.Errorf("focus = %s, want the alert", focus)
	}
	if title := evaluate[string](b, `document.title`); title != "Your session has ended" {
		b.t.Errorf("title = %q, want %q", title, "Your session has ended")
	}
	b.wantGone(string(signOutButton))
	b.wantAccessible(everyRule)
	b.emulate(390, "dark")
	b.wantAccessible(contrast)
	b.screenshot("session-ended-390-dark")
	b.wantLoad("/signin", http.StatusOK, chromedp.KeyEvent(kb.Tab+kb.Enter))
}

// An open page notices when its session is revoked by an administrator, or by its user on
// another device.
func TestBrowser_RevokedElsewhere(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	admin, manager := openBrowser(t, app), openBrowser(t, app)
	admin.signInAs("admin")
	manager.signInAs("manager")
	manager.open("/account", http.StatusOK)
	admin.wantLoad("/admin", http.StatusOK, chromedp.Click(chromedp.CSS(`header a[href="/admin"]`)))
	admin.wantLoad("/admin/sessions", http.StatusOK, chromedp.Click(chromedp.CSS(`.tabs a[href="/admin/sessions"]`)))
	admin.wantLoad("/admin/sessions?notice=revoked_one", http.StatusOK,
		chromedp.Click(chromedp.CSS(revokeButton("/admin/sessions", sid(t, manager.client())))))
	manager.waitForEndedNotice(false)

	manager.signInAs("admin") // on a second device
	manager.open("/events", http.StatusOK)
	admin.open("/sessions", http.StatusOK)
	admin.wantLoad("/sessions?notice=revoked_one", http.StatusOK,
		chromedp.Click(chromedp.CSS(revokeButton("/sessions", sid(t, manager.client())))))
	manager.waitForEndedNotice(true)
	admin.wantQuiet()
	manager.wantQuiet()
}

// clicker counts clicks.
type clicker struct {
	*browser
	clicks int
}

func (c *clicker) click(path, selector string) {
	c.t.Helper()
	c.clicks++
	c.wantLoad(path, http.StatusOK, chromedp.Click(chromedp.CSS(selector)))
}

// TestBrowser_Clicks checks that a user signs out an unknown device in three clicks
// from any page, and in two more if they must sign in again first.
func TestBrowser_Clicks(t *testing.T) {
	t.Parallel()
	const maxClicks = 3
	app := testapp.Start(t, testapp.Options{})
	b := openBrowser(t, app)
	b.signInAs("admin")
	b.emulate(390, "light")
	for _, path := range []string{"/", "/session", "/sessions", "/events", "/account", "/docs", "/admin", "/admin/sessions", "/admin/users", "/signin"} {
		unknown := on(t, app, "admin", iphone)
		b.open(path, http.StatusOK)
		c := clicker{browser: b}
		c.click("/sessions", `header a[href="/sessions"]`)
		c.click("/sessions?notice=revoked_one", revokeButton("/sessions", sid(t, unknown)))
		wantAnonymous(t, unknown)
		if c.clicks > maxClicks {
			t.Errorf("%d clicks from %s, want at most %d", c.clicks, path, maxClicks)
		}
	}

	unknown := on(t, app, "admin", iphone)
	staleSignIns(t, app)
	b.open("/events", http.StatusOK)
	c := clicker{browser: b}
	c.click("/sessions", `header a[href="/sessions"]`)
	c.click(reauthFor("/sessions"), revokeButton("/sessions", sid(t, unknown)))
	b.do(chromedp.WaitVisible(chromedp.CSS(`#token:focus`)), chromedp.KeyEvent("admin"))
	c.click("/sessions?notice=reauthenticated", string(signInButton))
	c.click("/sessions?notice=revoked_one", revokeButton("/sessions", sid(t, unknown)))
	wantAnonymous(t, unknown)
	if c.clicks > maxClicks+2 {
		t.Errorf("%d clicks with a re-authentication, want at most %d", c.clicks, maxClicks+2)
	}
	b.wantQuiet()
}
